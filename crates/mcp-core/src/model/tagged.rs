//! `tagged!`: objects whose `type` member names their kind; unknown kinds are kept.

/// Declares an enumeration of objects that differ by their `type` member. An object is copied out of the text
/// once and then read, so that a long list takes linear time.
macro_rules! tagged {
    (
        $(#[$attr:meta])*
        pub enum $Name:ident { $( $(#[$doc:meta])* $Kind:ident($Inner:ty) = $wire:literal, )* }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $Name {
            $( $(#[$doc])* $Kind($Inner), )*
            /// A kind that this crate does not know, or an element that does not have the form of its kind:
            /// the JSON unchanged.
            Other($crate::message::RawJson),
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( $Name::$Kind(inner) => {
                        let mut map = serializer.serialize_map(None)?;
                        serde::ser::SerializeMap::serialize_entry(&mut map, "type", $wire)?;
                        inner.write_members(&mut map)?;
                        serde::ser::SerializeMap::end(map)
                    } )*
                    $Name::Other(raw) => raw.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$Name, D::Error> {
                let raw: $crate::message::RawJson = serde::Deserialize::deserialize(deserializer)?;
                let kind = raw.member("type").and_then(|kind| kind.to_text());
                let known: Result<$Name, serde_json::Error> = match kind.as_deref() {
                    $( Some($wire) => raw.deserialize().map(|mut inner: $Inner| {
                        // The variant implies it.
                        inner.extra.remove("type");
                        $Name::$Kind(inner)
                    }), )*
                    _ => return Ok($Name::Other(raw)),
                };
                // One broken element does not lose those beside it.
                Ok(known.unwrap_or($Name::Other(raw)))
            }
        }

        $( impl From<$Inner> for $Name {
            fn from(inner: $Inner) -> $Name {
                $Name::$Kind(inner)
            }
        } )*

        impl $crate::model::Model for $Name {
            const NAME: &'static str = stringify!($Name);
        }
    };
}

pub(super) use tagged;
