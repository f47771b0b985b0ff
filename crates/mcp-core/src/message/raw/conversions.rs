//! JSON text from values of serde and of serde_json, and back.

use std::fmt;

use bytes::Bytes;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

use super::RawJson;
use crate::message::scan::RAW_JSON;

impl From<serde_json::Value> for RawJson {
    fn from(value: serde_json::Value) -> RawJson {
        RawJson::from(&value)
    }
}

impl From<&serde_json::Value> for RawJson {
    fn from(value: &serde_json::Value) -> RawJson {
        RawJson(value.to_string().into())
    }
}

impl Serialize for RawJson {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_slice::<&serde_json::value::RawValue>(&self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// JSON text from a deserializer of serde_json.
pub(in crate::message) fn read_raw_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<RawJson, D::Error> {
    let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
    RawJson::parse(String::from(Box::<str>::from(raw))).map_err(serde::de::Error::custom)
}

/// Works with the deserializers of serde_json and with [`RawJson::deserialize`] only, like `RawValue`. Does
/// not work inside `untagged` or `flatten`.
impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawJson, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = RawJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON text")
            }

            /// Only the reader of checked text answers so.
            fn visit_borrowed_bytes<E>(self, checked: &'de [u8]) -> Result<RawJson, E> {
                Ok(RawJson(Bytes::copy_from_slice(checked)))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<RawJson, D::Error> {
                read_raw_value(deserializer)
            }
        }

        deserializer.deserialize_newtype_struct(RAW_JSON, Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"a":2.5e-308,"b":18446744073709551616}"#;
        let copy: RawJson = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&copy).unwrap(), text);
    }

    #[test]
    fn values_become_text_and_come_back() {
        let value = serde_json::json!({"b": [1, -2.5, null, "é\"\n"], "a": u64::MAX});
        let raw = RawJson::from(&value);
        assert_eq!(RawJson::parse(raw.to_string()).unwrap(), raw, "it is checked text");
        assert_eq!(raw.deserialize::<serde_json::Value>().unwrap(), value);
        assert_eq!(RawJson::from(value), raw);
    }
}
