//! Finds the comments and literals of a Rust file.

/// One comment or literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// The byte range, delimiters included.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `//`, `///` or `//!` to the end of the line, or `/* */`.
    Comment,
    /// A string literal of any form.
    Text,
    /// A character literal.
    Char,
}

/// The line of a byte offset, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Whether a byte can be part of an identifier.
pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// All comments and literals, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (kind, end) = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => (Kind::Comment, find(bytes, at, b"\n")),
            b'/' if bytes[at..].starts_with(b"/*") => (Kind::Comment, end_of_block_comment(bytes, at)),
            b'r' if at == 0 || !is_name(bytes[at - 1]) || is_prefixed(bytes, at) => {
                (Kind::Text, end_of_raw_string(bytes, at))
            }
            b'"' => (Kind::Text, end_of_quoted(bytes, at, b'"')),
            b'\'' => (Kind::Char, end_of_char(bytes, at)),
            _ => (Kind::Char, at),
        };
        if end > at {
            found.push(Token { kind, start: at, end });
        }
        at = end.max(at + 1);
    }
    found
}

/// The text with these byte ranges replaced by spaces. Line ends are kept.
pub(crate) fn blank(text: &str, ranges: impl IntoIterator<Item = (usize, usize)>) -> String {
    let mut out = text.as_bytes().to_vec();
    for (start, end) in ranges {
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    // Only whole comments, literals and items are replaced, so the rest is valid UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

/// Whether the letter before the `r` belongs to the string, as in `br"` and `cr"`.
fn is_prefixed(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at - 1], b'b' | b'c') && (at == 1 || !is_name(bytes[at - 2]))
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    let found = bytes[from..].windows(what.len()).position(|window| window == what);
    found.map_or(bytes.len(), |offset| from + offset)
}

fn end_of_block_comment(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn end_of_raw_string(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(start + 1 + hashes) != Some(&b'"') {
        return start;
    }
    let closing = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    (find(bytes, start + 2 + hashes, &closing) + closing.len()).min(bytes.len())
}

fn end_of_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The end of a character literal, or `start` if the quote begins a lifetime.
fn end_of_char(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start + 1..];
    let width = match rest.first() {
        Some(b'\\') => return end_of_quoted(bytes, start, b'\''),
        Some(first) if *first >= 0xF0 => 4,
        Some(first) if *first >= 0xE0 => 3,
        Some(first) if *first >= 0xC0 => 2,
        _ => 1,
    };
    if rest.get(width) == Some(&b'\'') { start + width + 2 } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blank_and_lines_stay() {
        let text = "a // tokio\nb(\"tokio \\\" \\\\\", r#\"to\"kio\"#, 'x', '\\'', b\"tokio\"); /* to /* k */ io */ c<'d>";
        let tokens = tokens(text);
        let code = blank(text, tokens.iter().map(|token| (token.start, token.end)));
        assert_eq!(code.len(), text.len());
        assert!(!code.contains("to") && !code.contains("k"), "{code}");
        assert!(code.contains("c<'d>"), "{code}");
        assert_eq!(line_of(&code, code.find("c<").unwrap()), 2);
    }
}
