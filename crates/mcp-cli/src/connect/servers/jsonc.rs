//! JSON as people write it in config files: with comments, a trailing comma, a byte order mark.

#![expect(
    clippy::indexing_slicing,
    reason = "the copy has the length of the text, in which the positions were found"
)]

/// The text without what JSON does not allow. Places are kept: each byte that goes becomes a blank, so that
/// an error of the parser names the right line.
pub(crate) fn strip(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    // The last comma with nothing but blanks and comments behind it so far.
    let mut comma: Option<usize> = None;
    while let Some(byte) = out.get(at).copied() {
        let rest = &text.as_bytes()[at..];
        match byte {
            b'"' => {
                at += string_len(rest);
                comma = None;
                continue;
            }
            b'/' if rest.starts_with(b"//") => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                at = blank(&mut out, at, end);
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                let body = &rest[2..];
                let end = body.windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4);
                at = blank(&mut out, at, end);
                continue;
            }
            b',' => comma = Some(at),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    out[comma] = b' ';
                }
            }
            byte if !byte.is_ascii_whitespace() => comma = None,
            _ => {}
        }
        at += 1;
    }
    // Only whole comments and single commas were blanked, so what is left is still UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

/// Whether the text has comments or trailing commas, which rewriting it would lose.
pub(crate) fn is_plain(text: &str) -> bool {
    strip(text) == text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// How long the string is that begins here, quotes included.
fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn blank(out: &mut [u8], at: usize, length: usize) -> usize {
    let end = (at + length).min(out.len());
    for byte in &mut out[at..end] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_go_and_strings_stay() {
        let text =
            "\u{feff}{ // one\n \"a\": \"//not, }\", /* two\n */ \"b\\\"\": [1, 2, ], \"c\": [], // x\n}";
        let stripped = strip(text);
        let value: serde_json::Value = serde_json::from_str(&stripped).unwrap();
        assert_eq!(value, serde_json::json!({"a": "//not, }", "b\"": [1, 2], "c": []}));
        assert_eq!(stripped.lines().count(), text.lines().count());
        assert!(!is_plain(text) && is_plain("{\"a\": \"//\"}"));
    }

    #[test]
    fn what_is_broken_stays_broken() {
        for text in ["{\"a", "/* open", "{,}x", "\"\\"] {
            assert!(serde_json::from_str::<serde_json::Value>(&strip(text)).is_err(), "{text}");
        }
    }
}
