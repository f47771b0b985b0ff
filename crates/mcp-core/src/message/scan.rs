//! The JSON scanner: one pass checks the grammar, limits the depth and reports the positions of values.
//!
//! Not serde_json, because its `RawValue` does not limit the depth, and one pass of it cannot yield both a
//! payload as a whole and the members inside it. This scanner copies nothing.

#![expect(
    clippy::indexing_slicing,
    reason = "positions are those of the scanner, which never passes the end of the text"
)]

mod reader;
mod skip;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use super::string_scan::{plain_run, read_text, text_run};
pub(crate) use reader::{RAW_JSON, read_checked, read_checked_map};
pub(crate) use skip::{first_member, member_of_checked};

/// The default limit of the nesting depth.
pub const DEFAULT_MAX_DEPTH: u32 = 128;

/// The highest possible limit of the nesting depth. The scanner is recursive, so a higher one could overflow
/// the stack.
pub const HARD_MAX_DEPTH: u32 = 512;

/// Why JSON text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The text is not JSON. The value is the offset of the first bad byte.
    #[error("not JSON at byte {0}")]
    Syntax(usize),
    /// The text is nested deeper than the limit.
    #[error("JSON nested deeper than the limit of {limit}")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// The text is not UTF-8. The value is the offset of the first bad byte.
    #[error("not UTF-8 at byte {0}")]
    Utf8(usize),
}

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of the value that begins with this byte. A digit, a sign or anything else means a number.
    pub(crate) fn of_first(byte: Option<&u8>) -> Kind {
        match byte {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The kind with its article, for error messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }
}

/// The key of an object: its range, without the quotes.
pub(crate) struct Key {
    span: Range<usize>,
    escaped: bool,
}

impl Key {
    /// The key's text, borrowed unless it has escapes.
    #[inline]
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.escaped { self.unescaped(bytes) } else { Cow::Borrowed(&bytes[self.span.clone()]) }
    }

    #[inline(never)]
    fn unescaped<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let raw = &bytes[self.span.clone()];
        let quoted = &bytes[self.span.start - 1..self.span.end + 1];
        read_text(quoted).map_or(Cow::Borrowed(raw), |text| Cow::Owned(text.into_owned().into_bytes()))
    }
}

pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    pos: usize,
    depth: u32,
    max_depth: u32,
}

type Scan<T> = Result<T, ScanError>;

impl<'a> Scanner<'a> {
    /// A scanner over text that was checked to be UTF-8.
    pub(crate) fn new(bytes: &'a [u8], max_depth: u32) -> Scanner<'a> {
        Scanner { bytes, pos: 0, depth: 0, max_depth: max_depth.min(HARD_MAX_DEPTH) }
    }

    /// Skips white space and returns the position of the next token.
    pub(crate) fn position(&mut self) -> usize {
        self.skip_space();
        self.pos
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn fail<T>(&self) -> Scan<T> {
        Err(ScanError::Syntax(self.pos))
    }

    fn skip_space(&mut self) {
        // The common case: no white space.
        if self.bytes.get(self.pos).is_some_and(|byte| *byte > b' ') {
            return;
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.pos) {
            self.pos += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.bytes.get(self.pos) == Some(&byte);
        self.pos += usize::from(hit);
        hit
    }

    /// The first byte of the next token, without taking it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.pos).copied()
    }

    /// Succeeds if only white space is left.
    pub(crate) fn end(&mut self) -> Scan<()> {
        self.skip_space();
        if self.pos == self.bytes.len() { Ok(()) } else { self.fail() }
    }

    /// Takes one value and returns its kind and its range.
    pub(crate) fn value(&mut self) -> Scan<(Kind, Range<usize>)> {
        self.skip_space();
        let start = self.pos;
        let kind = match self.bytes.get(self.pos) {
            Some(b'"') => {
                self.string()?;
                Kind::String
            }
            Some(b'{') => {
                self.object(|scanner, _| scanner.value().map(drop))?;
                Kind::Object
            }
            Some(b'[') => {
                self.array(|scanner| scanner.value().map(drop))?;
                Kind::Array
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Kind::Number
            }
            Some(b't') => self.literal(b"true", Kind::Bool)?,
            Some(b'f') => self.literal(b"false", Kind::Bool)?,
            Some(b'n') => self.literal(b"null", Kind::Null)?,
            _ => return self.fail(),
        };
        Ok((kind, start..self.pos))
    }

    /// Takes an object. `member` is called after each key and colon, and must take the value.
    pub(crate) fn object(&mut self, member: impl FnMut(&mut Self, Key) -> Scan<()>) -> Scan<Range<usize>> {
        self.skip_space();
        let start = self.pos;
        self.open(b'{')?;
        self.members(member)?;
        Ok(start..self.pos)
    }

    /// Takes the rest of an object after its opening bracket.
    fn members(&mut self, mut member: impl FnMut(&mut Self, Key) -> Scan<()>) -> Scan<()> {
        self.skip_space();
        if !self.eat(b'}') {
            loop {
                self.skip_space();
                let key = self.string()?;
                self.skip_space();
                if !self.eat(b':') {
                    return self.fail();
                }
                member(self, key)?;
                self.skip_space();
                if self.eat(b',') {
                    continue;
                }
                if self.eat(b'}') {
                    break;
                }
                return self.fail();
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Takes an array. `element` is called before each element, and must take it.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Scan<()>) -> Scan<Range<usize>> {
        self.skip_space();
        let start = self.pos;
        self.open(b'[')?;
        self.skip_space();
        if !self.eat(b']') {
            loop {
                element(self)?;
                self.skip_space();
                if self.eat(b',') {
                    continue;
                }
                if self.eat(b']') {
                    break;
                }
                return self.fail();
            }
        }
        self.depth -= 1;
        Ok(start..self.pos)
    }

    fn open(&mut self, bracket: u8) -> Scan<()> {
        if !self.eat(bracket) {
            return self.fail();
        }
        self.depth += 1;
        if self.depth > self.max_depth { Err(ScanError::TooDeep { limit: self.max_depth }) } else { Ok(()) }
    }

    fn literal(&mut self, text: &[u8], kind: Kind) -> Scan<Kind> {
        if !self.bytes[self.pos..].starts_with(text) {
            return self.fail();
        }
        self.pos += text.len();
        Ok(kind)
    }

    fn digits(&mut self) -> Scan<()> {
        let start = self.pos;
        while self.bytes.get(self.pos).is_some_and(u8::is_ascii_digit) {
            self.pos += 1;
        }
        if self.pos > start { Ok(()) } else { self.fail() }
    }

    fn number(&mut self) -> Scan<()> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Scan<Key> {
        if !self.eat(b'"') {
            return self.fail();
        }
        let start = self.pos;
        self.pos += plain_run(&self.bytes[start..]);
        if self.eat(b'"') {
            return Ok(Key { span: start..self.pos - 1, escaped: false });
        }
        self.rest_of_string(start)
    }

    /// The rest of a string from its first escape. Out of line, because most strings have none.
    #[inline(never)]
    fn rest_of_string(&mut self, start: usize) -> Scan<Key> {
        while self.bytes.get(self.pos) == Some(&b'\\') {
            self.escape()?;
            self.pos += text_run(&self.bytes[self.pos..]);
        }
        if self.eat(b'"') { Ok(Key { span: start..self.pos - 1, escaped: true }) } else { self.fail() }
    }

    /// Takes an escape. A lone surrogate is legal JSON (RFC 8259, section 8.2); decoding it yields U+FFFD.
    fn escape(&mut self) -> Scan<()> {
        let length = match self.bytes.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match self.bytes.get(self.pos + 2..self.pos + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return self.fail(),
            },
            _ => return self.fail(),
        };
        self.pos += length;
        Ok(())
    }
}

/// Checks that the text is UTF-8.
pub(crate) fn check_utf8(bytes: &[u8]) -> Result<(), ScanError> {
    // Most text is ASCII, which is faster to check.
    if bytes.is_ascii() {
        return Ok(());
    }
    std::str::from_utf8(bytes).map(drop).map_err(|error| ScanError::Utf8(error.valid_up_to()))
}
