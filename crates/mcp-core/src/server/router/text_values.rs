//! Values that are text on the wire, as a type: arguments of prompts, variables of URI templates.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The longest part of an error that quotes a peer's text, in characters.
const MAX_QUOTED: usize = 300;

/// Reads named texts as a type: a number and a boolean are parsed, an enum is chosen by name, an absent
/// `Option` is `None`. The error names the value.
pub(super) fn read<T: DeserializeOwned>(values: impl Iterator<Item = (String, String)>) -> Result<T, String> {
    let values = values.map(|(name, text)| (name.clone(), Text { name, text }));
    T::deserialize(MapDeserializer::new(values)).map_err(|Misfit(why)| why.chars().take(MAX_QUOTED).collect())
}

/// The names of the members of a struct; `None` for other types, and for structs with flattened members.
pub(super) fn members<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    struct Members<'a>(&'a mut Option<&'static [&'static str]>);

    impl<'de> Deserializer<'de> for Members<'_> {
        type Error = Misfit;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Misfit> {
            Err(Misfit(String::new()))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            members: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Misfit> {
            *self.0 = Some(members);
            Err(Misfit(String::new()))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut found = None;
    // It fails in any case; only the names count.
    let _failed = T::deserialize(Members(&mut found));
    found
}

/// Why the values do not fit.
#[derive(Debug)]
struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(why: T) -> Misfit {
        Misfit(why.to_string())
    }
}

struct Text {
    name: String,
    text: String,
}

impl IntoDeserializer<'_, Misfit> for Text {
    type Deserializer = Text;

    fn into_deserializer(self) -> Text {
        self
    }
}

macro_rules! parsed {
    ($($deserialize:ident: $Type:ty, $visit:ident;)*) => { $(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match self.text.parse::<$Type>() {
                Ok(value) => visitor.$visit(value),
                Err(why) => Err(Misfit(format!("`{}`: {why}: {:?}", self.name, self.text))),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Text {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let name = self.name;
        visitor.visit_string(self.text).map_err(|Misfit(why)| Misfit(format!("`{name}`: {why}")))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let name = self.name;
        let variant: serde::de::value::StringDeserializer<Misfit> = self.text.into_deserializer();
        visitor.visit_enum(variant).map_err(|Misfit(why)| Misfit(format!("`{name}`: {why}")))
    }

    parsed! {
        deserialize_bool: bool, visit_bool;
        deserialize_i8: i8, visit_i8;
        deserialize_i16: i16, visit_i16;
        deserialize_i32: i32, visit_i32;
        deserialize_i64: i64, visit_i64;
        deserialize_u8: u8, visit_u8;
        deserialize_u16: u16, visit_u16;
        deserialize_u32: u32, visit_u32;
        deserialize_u64: u64, visit_u64;
        deserialize_f32: f32, visit_f32;
        deserialize_f64: f64, visit_f64;
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::read;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Tone {
        Short,
        Long,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Wanted {
        name: String,
        count: u8,
        tone: Option<Tone>,
        #[serde(default)]
        loud: bool,
    }

    fn wanted(values: &[(&str, &str)]) -> Result<Wanted, String> {
        read(values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn texts_are_read_as_their_types() {
        let full =
            wanted(&[("name", "7"), ("count", "7"), ("tone", "long"), ("loud", "true"), ("more", "x")]);
        assert_eq!(full, Ok(Wanted { name: "7".into(), count: 7, tone: Some(Tone::Long), loud: true }));
        let least = wanted(&[("name", ""), ("count", "0")]);
        assert_eq!(least, Ok(Wanted { name: String::new(), count: 0, tone: None, loud: false }));
    }

    #[test]
    fn an_error_names_the_value() {
        for (values, expected) in [
            (&[("name", "a")][..], "missing field `count`"),
            (&[("name", "a"), ("count", "-1")], "`count`: "),
            (&[("name", "a"), ("count", "1"), ("tone", "loud")], "`tone`: unknown variant `loud`"),
            (&[("name", "a"), ("count", "1"), ("loud", "yes")], "`loud`: "),
        ] {
            let why = wanted(values).unwrap_err();
            assert!(why.starts_with(expected), "{why}");
        }
        assert!(wanted(&[("name", "a"), ("count", &"9".repeat(1000))]).unwrap_err().len() <= 300);
    }
}
