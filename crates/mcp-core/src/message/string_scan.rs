//! Scans and rewrites the text of JSON strings by runs: the bytes between two escapes are searched and copied
//! as a block.

#![expect(clippy::indexing_slicing, reason = "each run is counted in the slice that it divides")]

use std::borrow::Cow;

/// The length of the leading run without a quote, a backslash or a control character.
///
/// Tuned for keys and other short strings. [`text_run`] is faster where runs of text follow each other.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    loop {
        let rest = &bytes[run..];
        let Some(word) = rest.first_chunk::<8>() else {
            return run + short_run(rest);
        };
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return run + special.trailing_zeros() as usize / 8;
        }
        run += 8;
        if run == LONG_RUN {
            return run + long_run(&bytes[run..]);
        }
    }
}

/// The rest of [`plain_run`] for long strings. Out of line, so that the short path keeps a small stack frame.
#[inline(never)]
fn long_run(bytes: &[u8]) -> usize {
    let run = plain_chunks(bytes);
    run + text_run(&bytes[run..])
}

/// [`plain_run`] for running text: without the larger chunks, which pay off for long runs only.
#[inline]
pub(crate) fn text_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    while let Some(word) = bytes[run..].first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return run + special.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    run + short_run(&bytes[run..])
}

/// Appends the leading run up to the first byte that `mark` marks by its highest bit, and returns its length.
/// Copies word by word, because most runs are too short for a call of `memcpy` to pay off.
#[inline(always)]
fn copy_run(bytes: &[u8], out: &mut Vec<u8>, mark: impl Fn(u64) -> u64) -> usize {
    let mut run = 0;
    while let Some(word) = bytes[run..].first_chunk::<8>() {
        out.extend_from_slice(word);
        let marks = mark(u64::from_le_bytes(*word));
        if marks != 0 {
            let plain = marks.trailing_zeros() as usize / 8;
            out.truncate(out.len() - 8 + plain);
            return run + plain;
        }
        run += 8;
    }
    for byte in &bytes[run..] {
        if mark(u64::from(*byte)) & 0x80 != 0 {
            break;
        }
        out.push(*byte);
        run += 1;
    }
    run
}

fn short_run(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1F)).count()
}

/// After this many plain bytes a string is probably long, and larger chunks pay off.
const LONG_RUN: usize = 64;

// Without short-circuits, which would keep the compiler from using vector instructions.
#[inline(always)]
fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// Marks special bytes by their highest bit. Only the lowest mark is reliable: the borrow of a subtraction
/// can set marks above it.
#[inline(always)]
fn special_bytes(word: u64) -> u64 {
    // With bit 1 flipped, the quote and the control characters are the lowest values.
    below(word ^ (ONES * 0x02), 0x21) | backslashes(word)
}

/// Marks backslashes, as [`special_bytes`] does.
#[inline(always)]
fn backslashes(word: u64) -> u64 {
    below(word ^ (ONES * u64::from(b'\\')), 1)
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Marks the bytes below `limit`, as [`special_bytes`] does.
#[inline(always)]
fn below(word: u64, limit: u64) -> u64 {
    word.wrapping_sub(ONES * limit) & !word & (ONES * 0x80)
}

/// The length of the leading chunks without a special byte. The loop over a chunk has no early exit, so that
/// the compiler uses vector instructions.
#[inline(never)]
fn plain_chunks(bytes: &[u8]) -> usize {
    const CHUNK: usize = 64;
    let plain = |chunk: &&[u8]| !chunk.iter().fold(false, |found, byte| found | is_special(*byte));
    bytes.chunks_exact(CHUNK).take_while(plain).count() * CHUNK
}

/// The position of the quote that closes the string whose text begins at `start`, in JSON that was checked before.
#[inline]
pub(crate) fn closing_quote(bytes: &[u8], start: usize) -> Option<usize> {
    let at = start + plain_run(bytes.get(start..)?);
    if bytes.get(at) == Some(&b'"') { Some(at) } else { closing_quote_from(bytes, start, at) }
}

/// [`closing_quote`] of a text that has escapes, the first of them at `at`.
#[inline(never)]
fn closing_quote_from(bytes: &[u8], start: usize, mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(b'"', bytes.get(at..)?)?;
        // A quote is escaped by an odd number of backslashes. They cannot reach back over an earlier quote,
        // so that the whole search is linear.
        let escapes = bytes[start..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes % 2 == 0 {
            return Some(at);
        }
        at += 1;
    }
}

/// The text of a JSON string that was checked before, or `None` for any other value. Borrowed unless it has
/// escapes. A lone surrogate, which no Rust string can hold, reads as U+FFFD.
pub(crate) fn read_text(json: &[u8]) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    match memchr::memchr(b'\\', inner) {
        Some(_) => String::from_utf8(unescape(inner)).ok().map(Cow::Owned),
        None => std::str::from_utf8(inner).ok().map(Cow::Borrowed),
    }
}

/// Decodes the escapes of the text between the quotes of a JSON string.
#[inline(never)]
fn unescape(text: &[u8]) -> Vec<u8> {
    // No escape is shorter than what it stands for. The last word may be cut.
    let mut out = Vec::with_capacity(text.len() + 8);
    let mut at = 0;
    loop {
        at += copy_run(text.get(at..).unwrap_or_default(), &mut out, backslashes);
        let Some(kind) = text.get(at + 1) else { return out };
        at += 2;
        out.push(match kind {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, length) = unicode_escape(text.get(at..).unwrap_or_default());
                at += length;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            // A quote, a backslash or a slash.
            other => *other,
        });
    }
}

/// The character of an escape whose hexadecimal digits begin here, and how many bytes it takes: two
/// consecutive escapes can name one character.
fn unicode_escape(digits: &[u8]) -> (char, usize) {
    let first = unit(digits);
    let high = match first {
        Some(unit @ 0xD800..=0xDBFF) => unit,
        other => return (other.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER), 4),
    };
    match digits.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(unit) {
        Some(low @ 0xDC00..=0xDFFF) => {
            let pair = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER), 10)
        }
        _ => (char::REPLACEMENT_CHARACTER, 4),
    }
}

/// The UTF-16 code unit that four hexadecimal digits name.
fn unit(digits: &[u8]) -> Option<u32> {
    digits.get(..4)?.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// Appends a text as a JSON string, with the escapes that serde_json writes.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    let text = text.as_bytes();
    out.reserve(text.len() + 2);
    out.push(b'"');
    let run = plain_run(text);
    out.extend_from_slice(&text[..run]);
    if run < text.len() {
        write_escaped(&text[run..], out);
    }
    out.push(b'"');
}

/// Appends the rest of a text from its first special byte. Out of line, because most texts have none.
#[inline(never)]
fn write_escaped(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some((special, rest)) = text.split_first() {
        write_escape(*special, out);
        text = &rest[copy_run(rest, out, special_bytes)..];
    }
}

fn write_escape(special: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match special {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0C => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => special,
        _ => {
            let digits = [HEX[usize::from(special >> 4)], HEX[usize::from(special & 15)]];
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&digits);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Wherever a special byte stands, and whatever stands around it, the run ends right there.
    #[test]
    fn a_run_ends_at_the_first_special_byte() {
        for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
            for (length, at) in (0..200).flat_map(|length| (0..=length).map(move |at| (length, at))) {
                for filler in [b' ', b'!', b'#', b'[', b']', 0x7F, 0xA2, 0xDC, 0xFF] {
                    let mut bytes = vec![filler; length];
                    assert_eq!((plain_run(&bytes), text_run(&bytes)), (length, length));
                    bytes.insert(at, special);
                    let found = (plain_run(&bytes), text_run(&bytes));
                    assert_eq!(found, (at, at), "{special} at {at} among {filler}");
                }
            }
        }
    }

    /// Two escapes at every distance from each other and from the ends, among letters of one and of two bytes.
    #[test]
    fn escapes_are_read_and_written_at_every_boundary() {
        for escape in ["\"", "\\", "\n", "\u{1}", "\u{7f}", "/", "\u{2028}"] {
            for (before, between) in (0..40).flat_map(|before| (0..40).map(move |between| (before, between)))
            {
                for letter in ["x", "\u{e9}"] {
                    let text =
                        [&letter.repeat(before), escape, &letter.repeat(between), escape, "end"].concat();
                    let mut written = Vec::new();
                    write_string(&text, &mut written);
                    assert_eq!(written, serde_json::to_vec(&text).unwrap());
                    assert_eq!(read_text(&written).unwrap(), text);
                    let behind = [&written[..], b",\"\\\"\"]"].concat();
                    assert_eq!(closing_quote(&behind, 1), Some(written.len() - 1));
                }
            }
        }
    }

    /// A surrogate without its other half is legal JSON and no character.
    #[test]
    fn a_lone_surrogate_reads_as_the_replacement_character() {
        for (json, text) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ude00""#, "\u{fffd}"),
            (r#""\ud83dx""#, "\u{fffd}x"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\uDE00\uD83D""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
        ] {
            assert_eq!(read_text(json.as_bytes()).as_deref(), Some(text), "{json}");
        }
    }

    /// A piece of a JSON string: what people write, with escapes in between.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z \u{e9}\u{4e2d}\u{1f600}]{0,30}",
            Just("\\\"".to_owned()),
            Just("\\\\".to_owned()),
            Just("\\/\\b\\f\\n\\r\\t".to_owned()),
            any::<char>().prop_map(|letter| {
                let units = letter.encode_utf16(&mut [0; 2]).to_vec();
                units.iter().map(|unit| format!("\\u{unit:04X}")).collect()
            }),
        ]
    }

    proptest! {
        #[test]
        fn strings_are_read_as_serde_json_reads_them(pieces in proptest::collection::vec(piece(), 0..12)) {
            let json = format!("\"{}\"", pieces.concat());
            let expected: String = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read_text(json.as_bytes()).unwrap(), expected);
            prop_assert_eq!(closing_quote(json.as_bytes(), 1), Some(json.len() - 1));
        }

        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in ".{0,80}|[a-z\"\\\\\n\u{0}-\u{1f}\u{e9}]{0,80}") {
            let mut written = Vec::new();
            write_string(&text, &mut written);
            prop_assert_eq!(written, serde_json::to_vec(&text).unwrap());
        }

        /// Whatever is given, unchecked text included, nothing panics.
        #[test]
        fn any_text_is_read(text in "[\\\\u0-9a-f\"\u{e9}x]{0,40}") {
            let _text = read_text(format!("\"{text}\"").as_bytes());
            let _end = closing_quote(text.as_bytes(), 0);
        }
    }
}
