//! Text from a peer made safe for a terminal, and its width there.

mod count;
pub(crate) mod schema;
pub(crate) mod shell_words;
mod span;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(crate) use count::counted;
pub(crate) use span::span;

/// The text on one line: control characters, newlines and direction overrides are spelled out.
pub(crate) fn safe_line(text: &str) -> Cow<'_, str> {
    spell_out(text, |c| is_unsafe(c) || c == '\n')
}

/// The text with its newlines and tabs; other control characters are spelled out.
pub(crate) fn safe_block(text: &str) -> Cow<'_, str> {
    spell_out(text, is_unsafe)
}

/// JSON text with what is unsafe inside its strings written as `\\uXXXX`: the same value.
pub(crate) fn safe_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // Between tokens stands a carriage return at most, which is as good a blank as any.
        match c {
            '\r' => out.push(' '),
            c if is_unsafe(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _infallible = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The first line that says something, safe, and cut to `width` columns.
pub(crate) fn headline(text: &str, width: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    clip(&safe_line(line), width)
}

/// The text cut to `width` columns, with an ellipsis where something was cut.
pub(crate) fn clip(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// How many columns the text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

fn spell_out(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if bad('\n') => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if bad(c) && u32::from(c) < 0x100 => {
                let _infallible = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if bad(c) => {
                let _infallible = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a character of a peer must not reach a terminal: it moves the cursor, changes the title, or reorders the
/// text so that it reads as something else.
fn is_unsafe(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => true,
        '\u{2028}' | '\u{2029}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FAULTS B, terminal escape injection: titles, colours, C1 controls, carriage returns and direction
    /// overrides are spelled out; ordinary text is left alone.
    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(safe_line("\u{1b}]0;x\u{7}"), "\\x1b]0;x\\x07");
        assert_eq!(safe_line("a\rb\nc"), "a\\rb\\nc");
        assert_eq!(safe_block("a\r\nb\tc"), "a\\r\nb\tc");
        assert_eq!(safe_line("\u{9b}31m"), "\\x9b31m");
        assert_eq!(safe_line("abc\u{202e}fed"), "abc\\u{202e}fed");
        let directions = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
        for unseen in
            directions.chain(['\u{200e}', '\u{200f}', '\u{61c}', '\u{2028}', '\u{2029}', '\u{85}', '\u{7f}'])
        {
            let shown = safe_line(&format!("a{unseen}b")).into_owned();
            assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown:?}");
        }
        assert!(matches!(safe_line("naïve 日本 🦀"), Cow::Borrowed(_)));
    }

    /// FAULT F-A12: the value stays the same, and nothing in it acts on a terminal.
    #[test]
    fn json_is_escaped_inside_its_strings() {
        let json = "{\"a\": \"x\u{9b}31m\u{202e}\u{7f}y\",\r\n \"b\": 1}";
        let safe = safe_json(json);
        assert_eq!(safe, "{\"a\": \"x\\u009b31m\\u202e\\u007fy\", \n \"b\": 1}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&safe), value(json));
    }

    #[test]
    fn cutting_keeps_to_columns_and_characters() {
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(headline("\n  first\nsecond", 80), "first");
        assert_eq!(columns("e\u{301}"), 1);
    }
}
