//! A serde deserializer over JSON that was checked before.
//!
//! serde_json would check the grammar and the UTF-8 of every string again, copy an embedded [`RawJson`] by
//! two more passes, and refuse a lone surrogate escape, which is legal JSON. Here a string is copied by runs,
//! raw JSON is one copy of its text, and a lone surrogate reads as U+FFFD. Numbers and literals are left to
//! serde_json.
//!
//! [`RawJson`]: crate::message::RawJson

use std::borrow::Cow;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Error;

use super::{DEFAULT_MAX_DEPTH, Scanner};
use crate::message::string_scan::read_text;

/// The name under which [`RawJson`](crate::message::RawJson) asks a deserializer for JSON text.
pub(crate) const RAW_JSON: &str = "$mcp_core::RawJson";

/// The names under which the types of serde_json ask for JSON text begin with this.
const SERDE_JSON: &str = "$serde_json::private::";

type Read<T> = Result<T, Error>;

/// Reads JSON that was checked before as a `T`.
pub(crate) fn read_checked<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Read<T> {
    T::deserialize(&mut Reader { scanner: Scanner::new(json, DEFAULT_MAX_DEPTH) })
}

/// Reads an object that was checked before with this visitor.
pub(crate) fn read_checked_map<'de, V: Visitor<'de>>(json: &'de [u8], visitor: V) -> Read<V::Value> {
    (&mut Reader { scanner: Scanner::new(json, DEFAULT_MAX_DEPTH) }).deserialize_map(visitor)
}

struct Reader<'de> {
    scanner: Scanner<'de>,
}

impl<'de> Reader<'de> {
    /// Takes the next value, whatever it is.
    #[expect(clippy::indexing_slicing, reason = "the span is one of the same text")]
    fn take(&mut self) -> Read<&'de [u8]> {
        self.scanner.skip_checked().map(|span| &self.scanner.bytes()[span]).map_err(Error::custom)
    }

    /// Takes a string and decodes its escapes.
    fn take_string(&mut self) -> Read<Cow<'de, str>> {
        read_text(self.take()?).ok_or_else(|| Error::custom("not a JSON string"))
    }

    /// Takes a bracket, and the comma before what follows an element or a member.
    fn expect(&mut self, byte: u8) -> Read<()> {
        let found = self.scanner.peek() == Some(byte) && self.scanner.eat(byte);
        found.then_some(()).ok_or_else(|| Error::custom("more elements than expected"))
    }

    /// Reads an object or an array. `read` takes what is between the brackets.
    fn nested<T>(&mut self, brackets: [u8; 2], read: impl FnOnce(Elements<'_, 'de>) -> Read<T>) -> Read<T> {
        self.scanner.open(brackets[0]).map_err(Error::custom)?;
        let value = read(Elements { reader: self, first: true, close: brackets[1] })?;
        self.expect(brackets[1])?;
        self.scanner.depth -= 1;
        Ok(value)
    }
}

/// Methods that leave a number or a literal to serde_json, which knows each type's range.
macro_rules! scalars {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            match self.scanner.peek() {
                Some(b'"' | b'{' | b'[') => self.deserialize_any(visitor),
                _ => {
                    let mut scalar = serde_json::Deserializer::from_slice(self.take()?);
                    let value = scalar.$method(visitor)?;
                    // An integer type leaves the fraction.
                    scalar.end().map(|()| value)
                }
            }
        }
    )* };
}

/// Methods whose type makes no difference to how a value is read.
macro_rules! as_any {
    ($($method:ident($($argument:ident: $Type:ty),*))*) => { $(
        fn $method<V: Visitor<'de>>(self, $($argument: $Type,)* visitor: V) -> Read<V::Value> {
            $( let _ = $argument; )*
            self.deserialize_any(visitor)
        }
    )* };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.scanner.peek() {
            Some(b'"') => visit_text(self.take_string()?, visitor),
            Some(b'{') => self.nested(*b"{}", |members| visitor.visit_map(members)),
            Some(b'[') => self.nested(*b"[]", |elements| visitor.visit_seq(elements)),
            _ => serde_json::Deserializer::from_slice(self.take()?).deserialize_any(visitor),
        }
    }

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_unit
    }

    as_any! {
        deserialize_char() deserialize_str() deserialize_string() deserialize_identifier() deserialize_seq()
        deserialize_map() deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.scanner.peek() {
            Some(b'"') => match self.take_string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_bytes(text.as_bytes()),
                Cow::Owned(text) => visitor.visit_byte_buf(text.into_bytes()),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.scanner.peek() == Some(b'n') {
            self.take()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Read<V::Value> {
        if name == RAW_JSON {
            return visitor.visit_borrowed_bytes(self.take()?);
        }
        if name.starts_with(SERDE_JSON) {
            return serde_json::Deserializer::from_slice(self.take()?)
                .deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match self.scanner.peek() {
            Some(b'{') => {
                self.nested(*b"{}", |members| visitor.visit_enum(MapAccessDeserializer::new(members)))
            }
            Some(b'"') => visitor.visit_enum(CowStrDeserializer::new(self.take_string()?)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.take()?;
        visitor.visit_unit()
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Read<V::Value> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

/// The elements of an array or the members of an object.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
    close: u8,
}

impl Elements<'_, '_> {
    /// Moves to the next element; `false` at the end.
    fn advance(&mut self) -> Read<bool> {
        if self.reader.scanner.peek() == Some(self.close) {
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.advance()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if self.advance()? {
            seed.deserialize(KeyReader(self.reader.take_string()?)).map(Some)
        } else {
            Ok(None)
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// A key: a string, in which a number or a boolean may be written.
struct KeyReader<'de>(Cow<'de, str>);

macro_rules! scalar_keys {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            match self.0 {
                Cow::Borrowed(text) if is_scalar(text) => {
                    let mut scalar = serde_json::Deserializer::from_str(text);
                    let value = scalar.$method(visitor)?;
                    scalar.end().map(|()| value)
                }
                text => visit_text(text, visitor),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for KeyReader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visit_text(self.0, visitor)
    }

    scalar_keys! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64
    }

    as_any! {
        deserialize_char() deserialize_str() deserialize_string() deserialize_identifier() deserialize_seq()
        deserialize_map() deserialize_tuple(length: usize) deserialize_unit() deserialize_ignored_any()
        deserialize_bytes() deserialize_byte_buf() deserialize_unit_struct(name: &'static str)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_enum(CowStrDeserializer::new(self.0))
    }
}

/// Whether a key's text is one number or literal, and nothing else.
fn is_scalar(text: &str) -> bool {
    let mut scanner = Scanner::new(text.as_bytes(), 0);
    scanner.value().is_ok_and(|(_, span)| span == (0..text.len()))
}
