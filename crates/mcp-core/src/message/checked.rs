//! Checked JSON text that is read where it stands.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::RawJson;
use super::raw::read_raw_value;
use super::scan::{RAW_JSON, first_member, read_checked_map};
use super::string_scan::read_text;

/// Checked text that is borrowed where the reader can lend it. Deserializes like [`RawJson`].
pub(crate) struct CheckedText<'de>(Cow<'de, [u8]>);

impl CheckedText<'_> {
    /// The decoded text of the first member with this key, if the value is an object and the member a string.
    pub(crate) fn text_member(&self, key: &str) -> Option<Cow<'_, str>> {
        read_text(self.0.get(first_member(&self.0, key)?)?)
    }

    /// Reads the object with this visitor.
    pub(crate) fn read_map<'a, V: Visitor<'a>>(&'a self, visitor: V) -> Result<V::Value, serde_json::Error> {
        read_checked_map(&self.0, visitor)
    }

    pub(crate) fn into_raw(self) -> RawJson {
        RawJson::trusted(self.0.into_owned().into())
    }
}

impl<'de> Deserialize<'de> for CheckedText<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CheckedText<'de>, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = CheckedText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON text")
            }

            /// Only the reader of checked text answers so.
            fn visit_borrowed_bytes<E>(self, checked: &'de [u8]) -> Result<CheckedText<'de>, E> {
                Ok(CheckedText(Cow::Borrowed(checked)))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<CheckedText<'de>, D::Error> {
                read_raw_value(deserializer).map(|raw| CheckedText(Cow::Owned(raw.into_bytes().into())))
            }
        }

        deserializer.deserialize_newtype_struct(RAW_JSON, Reader)
    }
}
