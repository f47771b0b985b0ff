//! Request ids: a string or an integer, kept and echoed in the exact form they were received in.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::scan::Scanner;
use super::string_scan::read_text;

/// The longest accepted id, in bytes of its wire form. A message with a longer one is refused (`-32600`).
pub const MAX_ID_BYTES: usize = 4096;

/// The id of a request: a string or an integer.
///
/// `7` and `"7"` are different ids; `0`, `-1` and `""` are valid. A peer's id is echoed in the exact bytes it
/// was received in. Two ids are equal if both are strings or both are integers, and their values are the
/// same: `7` equals `7.0`, which some peers send back, and `"a"` equals `"\u0061"`. See the
/// [specification](https://modelcontextprotocol.io/specification/2025-11-25/basic#requests).
///
/// ```
/// use mcp_core::message::RequestId;
///
/// assert_ne!(RequestId::from(7), RequestId::from("7"));
/// assert_eq!(RequestId::parse(b"7.0").unwrap(), RequestId::from(7));
/// assert_eq!(RequestId::parse(b"7.0").unwrap().to_string(), "7.0");
/// assert!(RequestId::parse(b"1.5").is_none());
/// ```
// ID-B-001, T-22.
#[derive(Clone)]
pub struct RequestId(Repr);

/// Ids are moved with each message: the rare forms are behind a pointer.
#[derive(Clone)]
enum Repr {
    /// A number in canonical form.
    Int(i64),
    /// A string without escapes.
    Str(Arc<str>),
    /// A number in another form, or outside the range of `i64`.
    Number(Arc<Number>),
    /// A string with escapes.
    Escaped(Arc<Escaped>),
}

struct Number {
    wire: Box<str>,
    /// Its value, independent of how it was written: an optional `-`, then digits without leading zeros.
    digits: Box<str>,
}

struct Escaped {
    wire: Box<str>,
    text: Box<str>,
    /// The value in UTF-16 of a string that names a lone surrogate, which no Rust string can hold.
    units: Option<Box<[u16]>>,
}

impl RequestId {
    /// Parses an id from its JSON text. Returns `None` if it is neither a string nor an integer, or is longer than
    /// [`MAX_ID_BYTES`].
    pub fn parse(json: &[u8]) -> Option<RequestId> {
        if json.len() > MAX_ID_BYTES {
            return None;
        }
        let wire = std::str::from_utf8(json).ok()?;
        if wire.starts_with('"') {
            let mut scanner = Scanner::new(json, 0);
            scanner.value().and_then(|_| scanner.end()).ok()?;
            return Some(RequestId(match read_text(json)? {
                Cow::Borrowed(text) => Repr::Str(text.into()),
                Cow::Owned(text) => {
                    let inner = wire.get(1..wire.len().saturating_sub(1)).unwrap_or_default();
                    let units = lone_surrogate(&text, inner);
                    Repr::Escaped(Arc::new(Escaped { wire: wire.into(), text: text.into(), units }))
                }
            }));
        }
        if let Ok(number) = wire.parse::<i64>()
            && canonical(wire)
        {
            return Some(RequestId(Repr::Int(number)));
        }
        let digits = integer_digits(wire)?;
        Some(match digits.parse::<i64>() {
            Ok(number) if digits == wire => RequestId(Repr::Int(number)),
            _ => RequestId(Repr::Number(Arc::new(Number { wire: wire.into(), digits: digits.into() }))),
        })
    }

    /// The id as an `i64`, or `None` if it is a string or out of range.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(number) => Some(*number),
            Repr::Number(number) => number.digits.parse().ok(),
            Repr::Str(_) | Repr::Escaped(_) => None,
        }
    }

    /// The decoded text of the id, or `None` if it is a number. A lone surrogate reads as U+FFFD.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Str(text) => Some(text),
            Repr::Escaped(escaped) => Some(&escaped.text),
            Repr::Int(_) | Repr::Number(_) => None,
        }
    }

    /// Appends the exact wire form.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Repr::Int(number) => super::encode::write_integer(*number, out),
            Repr::Number(number) => out.extend_from_slice(number.wire.as_bytes()),
            Repr::Escaped(escaped) => out.extend_from_slice(escaped.wire.as_bytes()),
            Repr::Str(text) => super::encode::write_string(text, out),
        }
    }

    /// How many bytes [`RequestId::write_to`] appends, if no character has to be escaped.
    pub(super) fn encoded_len_hint(&self) -> usize {
        match &self.0 {
            Repr::Int(number) => {
                let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
                digits + usize::from(*number < 0)
            }
            Repr::Number(number) => number.wire.len(),
            Repr::Escaped(escaped) => escaped.wire.len(),
            Repr::Str(text) => text.len() + 2,
        }
    }
}

/// The value in UTF-16 of a JSON string that names a lone surrogate. `text` is what was read from `inner`, the text
/// between the quotes.
fn lone_surrogate(text: &str, inner: &str) -> Option<Box<[u16]>> {
    if !text.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let units = utf16(inner);
    let lone = char::decode_utf16(units.iter().copied()).any(|unit| unit.is_err());
    lone.then(|| units.into())
}

/// The value of a JSON string that was checked before, in UTF-16, from the text between its quotes.
fn utf16(inner: &str) -> Vec<u16> {
    let mut units = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        units.push(match rest.next() {
            Some('u') => {
                let text = rest.as_str();
                let (digits, behind) = text.split_at_checked(4).unwrap_or((text, ""));
                rest = behind.chars();
                u16::from_str_radix(digits, 16).unwrap_or_default()
            }
            Some('b') => 0x08,
            Some('f') => 0x0C,
            Some('n') => 0x0A,
            Some('r') => 0x0D,
            Some('t') => 0x09,
            // A quote, a backslash or a slash.
            Some(other) => u16::try_from(u32::from(other)).unwrap_or_default(),
            None => break,
        });
    }
    units
}

/// Whether the number has no leading zero, no plus sign and is not minus zero: `i64::from_str` accepts more
/// than JSON does.
fn canonical(wire: &str) -> bool {
    let digits = wire.strip_prefix('-').unwrap_or(wire);
    digits.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && (digits == "0" || !digits.starts_with('0'))
        && wire != "-0"
}

/// The digits of a JSON number that is an integer, such as `7.0`. Exponents are refused, because expanding them takes
/// unbounded memory.
fn integer_digits(wire: &str) -> Option<String> {
    serde_json::from_str::<&serde_json::value::RawValue>(wire).ok()?;
    let (negative, rest) = match wire.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, wire),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let integer = !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
        && fraction.bytes().all(|byte| byte == b'0');
    integer.then(|| if negative && whole != "0" { format!("-{whole}") } else { whole.to_owned() })
}

impl PartialEq for RequestId {
    fn eq(&self, other: &RequestId) -> bool {
        match (&self.0, &other.0) {
            (Repr::Int(mine), Repr::Int(theirs)) => mine == theirs,
            (Repr::Number(mine), Repr::Number(theirs)) => mine.digits == theirs.digits,
            (Repr::Int(_) | Repr::Number(_), Repr::Int(_) | Repr::Number(_)) => {
                self.as_i64().is_some() && self.as_i64() == other.as_i64()
            }
            _ => self.units() == other.units() && self.as_str().is_some() && self.as_str() == other.as_str(),
        }
    }
}

impl RequestId {
    /// The value in UTF-16, if it is a string with a lone surrogate.
    fn units(&self) -> Option<&[u16]> {
        match &self.0 {
            Repr::Escaped(escaped) => escaped.units.as_deref(),
            _ => None,
        }
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.as_str(), self.as_i64(), &self.0) {
            (Some(text), ..) => text.hash(state),
            (None, Some(number), _) => number.hash(state),
            (None, None, Repr::Number(number)) => number.digits.hash(state),
            (None, None, _) => {}
        }
    }
}

impl From<i64> for RequestId {
    fn from(number: i64) -> RequestId {
        RequestId(Repr::Int(number))
    }
}

impl From<&str> for RequestId {
    fn from(text: &str) -> RequestId {
        RequestId(Repr::Str(text.into()))
    }
}

impl From<String> for RequestId {
    fn from(text: String) -> RequestId {
        RequestId(Repr::Str(text.into()))
    }
}

/// The wire form. Strings are quoted, so that `92` and `"92"` differ in a log.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut wire = Vec::new();
        self.write_to(&mut wire);
        f.write_str(&String::from_utf8_lossy(&wire))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn id(wire: &str) -> RequestId {
        RequestId::parse(wire.as_bytes()).unwrap()
    }

    /// ID-B-005, FAULT C-36: value, type and wire form come back as they were.
    #[test]
    fn the_exact_wire_form_is_echoed() {
        for wire in [
            "\"1\"",
            "1",
            "0",
            "-5",
            "\"\"",
            "9007199254740993",
            "1.0",
            "\"\\u0061\"",
            "18446744073709551616",
        ] {
            assert_eq!(id(wire).to_string(), wire);
        }
    }

    /// ID-B-001: neither fractions nor other JSON types are ids.
    #[test]
    fn other_types_are_not_ids() {
        for wire in ["1.5", "true", "{}", "[]", "null", "1e1", "01", "+1", "", "\"", "-", "1."] {
            assert!(RequestId::parse(wire.as_bytes()).is_none(), "{wire}");
        }
    }

    #[test]
    fn equality_is_by_kind_and_value() {
        assert_ne!(id("7"), id("\"7\""));
        assert_eq!(id("7.0"), id("7"));
        assert_eq!(id("-0"), id("0"));
        assert_eq!(id("\"a\""), id("\"\\u0061\""));
        assert_eq!(id("18446744073709551616.0"), id("18446744073709551616"));
        let set: HashSet<RequestId> = [id("7"), id("7.0"), id("\"7\""), id("\"\\u0037\"")].into();
        assert_eq!(set.len(), 2);
    }

    /// FAULT F-C1: ids that differ only in a lone surrogate are two, and neither is U+FFFD.
    #[test]
    fn lone_surrogates_are_told_apart() {
        let ids = [
            id("\"\\ud83d\""),
            id("\"\\ud83e\""),
            id("\"\\udc00\\ud83d\""),
            id("\"\\ufffd\""),
            id("\"\u{fffd}x\""),
        ];
        for (n, one) in ids.iter().enumerate() {
            assert!(ids[n + 1..].iter().all(|other| other != one), "{one}");
        }
        assert_eq!(id("\"\\u0061\\ud83d\\n\""), id("\"a\\uD83D\\u000a\""));
        assert_eq!(id("\"\\ufffd\""), id("\"\u{fffd}\""));
        assert_eq!(HashSet::from(ids).len(), 5);
    }

    #[test]
    fn a_huge_id_is_not_read() {
        let wire = format!("\"{}\"", "x".repeat(MAX_ID_BYTES));
        assert!(RequestId::parse(wire.as_bytes()).is_none());
    }
}
