//! `tagged!`: objects whose `type` member names their kind; unknown kinds are kept.

/// Declares an enumeration of objects that differ by their `type` member. An object is found in the
/// text and then read where it stands.
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
                let text: $crate::message::CheckedText<'_> = serde::Deserialize::deserialize(deserializer)?;
                let known: Option<Result<$Name, serde_json::Error>> = match text.text_member("type").as_deref() {
                    // The variant implies it.
                    $( Some($wire) => {
                        Some($crate::model::object::WithoutMember::read_without(&text, "type").map($Name::$Kind))
                    } )*
                    _ => None,
                };
                // One broken element does not lose those beside it.
                Ok(match known {
                    Some(Ok(known)) => known,
                    _ => $Name::Other(text.into_raw()),
                })
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
