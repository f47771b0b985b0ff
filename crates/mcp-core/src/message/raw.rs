//! Checked JSON text that is passed on unchanged.

mod conversions;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::encode;
use super::scan::{self, DEFAULT_MAX_DEPTH, Kind, ScanError, Scanner, first_member, read_checked};
use super::string_scan::read_text;

pub(super) use conversions::read_raw_value;

/// JSON text that was checked once, in a [`Bytes`] that is usually a slice of the receive buffer.
///
/// A payload stays text from end to end: a `serde_json::Value` would lose the digits of large numbers and all
/// but the last of duplicate keys. Cloning is cheap and shares the buffer. Call [`RawJson::detach`] before
/// storing a value, so that it does not keep a large buffer alive.
///
/// # Conversions
///
/// | from | to | by |
/// |---|---|---|
/// | `serde_json::Value` | `RawJson` | `RawJson::from(value)` or `value.into()` |
/// | any type that implements `Serialize` | `RawJson` | [`RawJson::serialize`] |
/// | JSON text | `RawJson` | [`RawJson::parse`] |
/// | `RawJson` | `serde_json::Value`, any type that implements `Deserialize` | [`RawJson::deserialize`] |
/// | `RawJson` | JSON text | `to_string`, [`RawJson::as_bytes`] |
///
/// ```
/// use mcp_core::message::RawJson;
/// use serde_json::{Value, json};
///
/// let raw = RawJson::from(json!({"n": 1}));
/// let value: Value = raw.deserialize()?;
/// assert_eq!(value["n"], 1);
/// assert_eq!(raw.to_string(), r#"{"n":1}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Text
///
/// A lone surrogate escape such as `"\ud83d"` is legal JSON and stays in the text. Reading it as a Rust
/// string gives U+FFFD.
///
/// ```
/// use mcp_core::message::RawJson;
///
/// let raw = RawJson::parse("{\"n\":2.5e-308}").unwrap();
/// assert_eq!(raw.as_bytes(), b"{\"n\":2.5e-308}");
/// let wider = raw.with_members(&[("ok", &RawJson::TRUE)]);
/// assert_eq!(wider.as_bytes(), b"{\"ok\":true,\"n\":2.5e-308}");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Bytes);

/// The initial capacity of an object, in bytes.
const OBJECT_CAPACITY: usize = 128;

impl RawJson {
    /// `{}`.
    pub const EMPTY_OBJECT: RawJson = RawJson(Bytes::from_static(b"{}"));
    /// `null`.
    pub const NULL: RawJson = RawJson(Bytes::from_static(b"null"));
    /// `true`.
    pub const TRUE: RawJson = RawJson(Bytes::from_static(b"true"));
    /// `false`.
    pub const FALSE: RawJson = RawJson(Bytes::from_static(b"false"));

    /// Checks the text (UTF-8, JSON grammar, nesting depth of at most [`DEFAULT_MAX_DEPTH`]) and keeps it
    /// unchanged, without the white space around it.
    ///
    /// # Errors
    ///
    /// [`ScanError`] says what is wrong and at which byte.
    pub fn parse(text: impl Into<Bytes>) -> Result<RawJson, ScanError> {
        let bytes = text.into();
        scan::check_utf8(&bytes)?;
        let mut scanner = Scanner::new(&bytes, DEFAULT_MAX_DEPTH);
        let (_, span) = scanner.value()?;
        scanner.end()?;
        Ok(RawJson(bytes.slice(span)))
    }

    /// Text that this crate checked or wrote.
    pub(crate) const fn trusted(bytes: Bytes) -> RawJson {
        RawJson(bytes)
    }

    /// Serializes a value.
    ///
    /// # Errors
    ///
    /// The error of serde_json: a map has keys that are not strings, or the `Serialize` implementation failed.
    pub fn serialize<T: Serialize + ?Sized>(value: &T) -> Result<RawJson, serde_json::Error> {
        serde_json::to_vec(value).map(|text| RawJson(text.into()))
    }

    /// A JSON string.
    pub fn string(text: &str) -> RawJson {
        let mut out = Vec::with_capacity(text.len() + 2);
        encode::write_string(text, &mut out);
        RawJson(out.into())
    }

    /// A JSON integer.
    pub fn integer(number: i64) -> RawJson {
        let mut out = Vec::new();
        encode::write_integer(number, &mut out);
        RawJson(out.into())
    }

    /// An object of these members, in this order. The keys must be distinct; it is not checked.
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, RawJson)>) -> RawJson {
        let mut out = Vec::with_capacity(OBJECT_CAPACITY);
        out.push(b'{');
        for (key, value) in members {
            encode::write_member(key, &value, &mut out);
        }
        out.push(b'}');
        RawJson(out.into())
    }

    /// An array of these elements.
    pub fn array(elements: impl IntoIterator<Item = RawJson>) -> RawJson {
        let mut out = vec![b'['];
        for element in elements {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(element.as_bytes());
        }
        out.push(b']');
        RawJson(out.into())
    }

    /// The JSON text, which is UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON text as a buffer, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Deserializes a `T`, which may borrow from the text: strings without escapes are borrowed, others are decoded.
    ///
    /// # Errors
    ///
    /// The error of serde_json, if the value does not fit the type or is nested deeper than [`DEFAULT_MAX_DEPTH`].
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        read_checked(&self.0)
    }

    /// The decoded text of a JSON string, or `None` for any other value.
    pub fn to_text(&self) -> Option<String> {
        read_text(&self.0).map(Cow::into_owned)
    }

    /// Like [`RawJson::to_text`], borrowed unless the string has escapes.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        read_text(&self.0)
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        &self.0[..] == b"null"
    }

    /// The member of an object with exactly this key; of duplicates the first. `None` for anything but an object.
    pub fn member(&self, key: &str) -> Option<RawJson> {
        first_member(&self.0, key).map(|span| RawJson(self.0.slice(span)))
    }

    /// The members of an object, in order. Empty for anything else.
    pub fn members(&self) -> Vec<(String, RawJson)> {
        let mut members = Vec::new();
        self.each_member(|name, value| {
            members.push((text_of(name).into_owned(), RawJson(self.0.slice(value))));
        });
        members
    }

    /// Visits the members of an object, in order, without a list of them. Visits nothing for anything else.
    ///
    /// ```
    /// use mcp_core::message::RawJson;
    ///
    /// let object = RawJson::parse(r#"{"a":1,"b":[2]}"#)?;
    /// let mut seen = Vec::new();
    /// object.for_each_member(|name, value| seen.push(format!("{name}={value}")));
    /// assert_eq!(seen, ["a=1", "b=[2]"]);
    /// # Ok::<_, mcp_core::message::ScanError>(())
    /// ```
    pub fn for_each_member(&self, mut visit: impl FnMut(&str, RawJson)) {
        self.each_member(|name, value| visit(&text_of(name), RawJson(self.0.slice(value))));
    }

    /// The elements of an array, in order. Empty for anything else.
    pub fn elements(&self) -> Vec<RawJson> {
        let mut elements = Vec::new();
        if self.0.first() == Some(&b'[') {
            let mut scanner = Scanner::new(&self.0, scan::HARD_MAX_DEPTH);
            let _checked = scanner.array(|scanner| {
                let span = scanner.skip_checked()?;
                elements.push(RawJson(self.0.slice(span)));
                Ok(())
            });
        }
        elements
    }

    fn each_member(&self, mut see: impl FnMut(&[u8], std::ops::Range<usize>)) {
        if !self.is_object() {
            return;
        }
        let mut scanner = Scanner::new(&self.0, scan::HARD_MAX_DEPTH);
        // The text was checked when it was made.
        let _checked = scanner.object(|scanner, key| {
            let span = scanner.skip_checked()?;
            see(&key.text(scanner.bytes()), span);
            Ok(())
        });
    }

    /// The object with these members set. They come first, in this order, and replace members with the same
    /// keys. Copies the text once. Anything but an object is returned unchanged.
    #[must_use]
    pub fn with_members(&self, set: &[(&str, &RawJson)]) -> RawJson {
        if !self.is_object() || set.is_empty() {
            return self.clone();
        }
        let mut collision = false;
        self.each_member(|name, _| collision |= set.iter().any(|(key, _)| key.as_bytes() == name));
        let extra: usize = set.iter().map(|(key, value)| key.len() + value.0.len() + 4).sum();
        let mut out = Vec::with_capacity(self.0.len() + extra);
        out.push(b'{');
        for (key, value) in set {
            encode::write_member(key, value, &mut out);
        }
        if collision {
            for (key, value) in self.members() {
                if !set.iter().any(|(name, _)| *name == key) {
                    encode::write_member(&key, &value, &mut out);
                }
            }
            out.push(b'}');
        } else {
            let rest = self.0.get(1..).unwrap_or_default().trim_ascii_start();
            if !rest.starts_with(b"}") {
                out.push(b',');
            }
            out.extend_from_slice(rest);
        }
        RawJson(out.into())
    }

    /// The object without these members. Shares the text if none of them is present.
    #[must_use]
    pub fn without_members(&self, keys: &[&str]) -> RawJson {
        let mut hit = false;
        self.each_member(|name, _| hit |= keys.iter().any(|key| key.as_bytes() == name));
        if !hit {
            return self.clone();
        }
        let kept = self.members();
        RawJson::object(
            kept.iter()
                .filter(|(key, _)| !keys.contains(&key.as_str()))
                .map(|(key, value)| (key.as_str(), value.clone())),
        )
    }

    /// A copy that does not share the memory of the receive buffer, for storing.
    #[must_use]
    pub fn detach(&self) -> RawJson {
        RawJson(Bytes::copy_from_slice(&self.0))
    }

    /// The kind of the value with its article, such as "an object", for error messages.
    pub fn kind_name(&self) -> &'static str {
        Kind::of_first(self.0.first()).name()
    }
}

/// The text of a name. `from_utf8` is much faster than the lossy conversion, which only a lone surrogate needs.
fn text_of(name: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(name).map_or_else(|_| String::from_utf8_lossy(name), Cow::Borrowed)
}

impl Default for RawJson {
    fn default() -> RawJson {
        RawJson::EMPTY_OBJECT
    }
}

/// At most 96 bytes of the text: payloads contain personal data and do not belong in logs as a whole.
impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.0.get(..96).unwrap_or(&self.0));
        let dots = if self.0.len() > 96 { "…" } else { "" };
        write!(f, "{text}{dots}")
    }
}

/// The whole text.
impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &'static str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    #[test]
    fn members_are_set_first_and_once() {
        let set =
            raw("{ \"a\":1,\"b\":2 }").with_members(&[("b", &RawJson::integer(3)), ("c", &RawJson::NULL)]);
        assert_eq!(set.to_string(), r#"{"b":3,"c":null,"a":1}"#);
        assert_eq!(raw("{ }").with_members(&[("c", &RawJson::NULL)]).to_string(), r#"{"c":null}"#);
        assert_eq!(raw("[1]").with_members(&[("c", &RawJson::NULL)]).to_string(), "[1]");
    }

    #[test]
    fn an_escaped_key_is_the_same_key() {
        assert_eq!(raw(r#"{"\u0061":1}"#).member("a").unwrap().to_string(), "1");
        assert_eq!(raw(r#"{"\u0061":1,"b":2}"#).without_members(&["a"]).to_string(), r#"{"b":2}"#);
    }

    #[test]
    fn null_is_not_absent() {
        assert!(raw(r#"{"a":null}"#).member("a").unwrap().is_null());
        assert!(raw("{}").member("a").is_none());
    }

    #[test]
    fn each_kind_has_its_name() {
        let texts = ["null", "true", "false", "-1", "\"a\"", "[]", "{}"];
        let names = texts.map(|text| raw(text).kind_name());
        assert_eq!(
            names,
            ["null", "a boolean", "a boolean", "a number", "a string", "an array", "an object"]
        );
    }
}
