//! The members of an open object.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::RawJson;

/// The members of an open object, in order, with values as JSON text.
///
/// Duplicate keys are kept. Two values are equal if their members are equal and in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(Vec<(String, RawJson)>);

impl Members {
    /// No members.
    pub fn new() -> Members {
        Members::default()
    }

    /// The value of this key, of duplicates the first.
    pub fn get(&self, key: &str) -> Option<&RawJson> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets a member, and removes all others with the same key.
    pub fn set(&mut self, key: impl Into<String>, value: RawJson) {
        let key = key.into();
        self.remove(&key);
        self.0.push((key, value));
    }

    /// Removes all members with this key and returns the first.
    pub fn remove(&mut self, key: &str) -> Option<RawJson> {
        let first = self.get(key).cloned();
        if first.is_some() {
            self.0.retain(|(name, _)| name != key);
        }
        first
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, key: String, value: RawJson) {
        self.0.push((key, value));
    }

    pub(crate) fn write_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
    }
}

impl<K: Into<String>> FromIterator<(K, RawJson)> for Members {
    fn from_iter<I: IntoIterator<Item = (K, RawJson)>>(members: I) -> Members {
        Members(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.write_members(&mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key::<String>()? {
                    members.push(key, map.next_value()?);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
