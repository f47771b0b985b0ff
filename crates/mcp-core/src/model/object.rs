//! `object!`: a struct, its constructor and its lossless serde, from one table of members.
//!
//! serde's `flatten` would buffer unknown members as parsed values, which loses digits and does not support
//! raw JSON. Here an unknown member is kept as text in `extra`.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap};

use crate::message::CheckedText;

/// An optional member. `null` reads as absent, and an absent member is not written.
pub(super) mod opt {
    use super::*;

    pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        map: &mut A,
    ) -> Result<Option<T>, A::Error> {
        map.next_value()
    }

    pub(crate) fn write<T: Serialize, M: SerializeMap>(
        map: &mut M,
        key: &'static str,
        value: &Option<T>,
    ) -> Result<(), M::Error> {
        value.as_ref().map_or(Ok(()), |value| map.serialize_entry(key, value))
    }

    pub(crate) fn absent<T, E: Error>(_key: &'static str) -> Result<Option<T>, E> {
        Ok(None)
    }

    pub(crate) fn put<T>(value: T) -> Option<T> {
        Some(value)
    }
}

/// An optional member that may be any JSON. `null` is a value.
pub(super) mod raw {
    use super::*;
    use crate::message::RawJson;

    pub(crate) fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<RawJson>, A::Error> {
        map.next_value().map(Some)
    }

    pub(crate) use super::opt::{absent, put, write};
}

/// A list that the specification requires. `null` reads as empty, because some languages write an
/// uninitialized list so. An absent list is an error: the object is another kind of result.
pub(super) mod list {
    use super::*;

    pub(crate) use super::seq::{put, read, write};

    pub(crate) fn absent<T, E: Error>(key: &'static str) -> Result<Vec<T>, E> {
        Err(E::missing_field(key))
    }
}

/// A list that the specification requires and deployed peers omit: `content` next to `structuredContent`.
/// Absent and `null` read as empty; it is always written.
pub(super) mod seq {
    use super::*;

    pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<T>, A::Error> {
        map.next_value::<Option<Vec<T>>>().map(Option::unwrap_or_default)
    }

    pub(crate) fn write<T: Serialize, M: SerializeMap>(
        map: &mut M,
        key: &'static str,
        value: &[T],
    ) -> Result<(), M::Error> {
        map.serialize_entry(key, value)
    }

    pub(crate) fn absent<T, E: Error>(_key: &'static str) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    pub(crate) fn put<T>(value: Vec<T>) -> Vec<T> {
        value
    }
}

/// Stores a member. A second one is an error: two readers might choose different ones.
pub(super) fn fill<T, E: Error>(slot: &mut Option<T>, key: &'static str, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() { Err(E::duplicate_field(key)) } else { Ok(()) }
}

/// A key, borrowed where the reader of the text can lend it.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }

            fn visit_string<E>(self, key: String) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key)))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

/// An object that can be read without one of its members.
pub(super) trait WithoutMember: Sized {
    fn read_without(text: &CheckedText<'_>, member: &'static str) -> Result<Self, serde_json::Error>;
}

/// Declares an object. The `required` members are the arguments of the constructor. An `optional` one names
/// its kind (a module above), its key and the builder method that sets it, if it has one. A `local` one is not in the
/// JSON: it has the items of a list that do not have their form.
macro_rules! object {
    (
        $(#[$attr:meta])*
        pub struct $Name:ident {
            required { $( $(#[$rdoc:meta])* $rfield:ident: $RType:ty = $rkey:literal; )* }
            optional { $(
                $(#[$odoc:meta])*
                $ofield:ident: $OType:ty = $okind:ident $okey:literal $(, $with:ident($Arg:ty))?;
            )* }
            $( local { $(#[$ldoc:meta])* $lfield:ident: $LType:ty = misfits of $LItem:ty, $lkey:literal; } )?
        }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $Name {
            $( $(#[$rdoc])* pub $rfield: $RType, )*
            $( $(#[$odoc])* pub $ofield: $OType, )*
            $( $(#[$ldoc])* pub $lfield: $LType, )?
            /// Members that this type does not define, unchanged and in order.
            pub extra: $crate::model::Members,
        }

        impl $Name {
            /// Creates a value with the required members alone.
            pub fn new($( $rfield: impl Into<$RType> ),*) -> $Name {
                $Name {
                    $( $rfield: $rfield.into(), )*
                    $( $ofield: Default::default(), )*
                    $( $lfield: Default::default(), )?
                    extra: Default::default(),
                }
            }

            $( $(
                #[doc = concat!("Sets `", stringify!($ofield), "`.")]
                #[must_use]
                pub fn $with(mut self, $ofield: impl Into<$Arg>) -> $Name {
                    self.$ofield = $crate::model::object::$okind::put($ofield.into());
                    self
                }
            )? )*

            pub(crate) fn write_members<M: serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $( map.serialize_entry($rkey, &self.$rfield)?; )*
                $( $crate::model::object::$okind::write(map, $okey, &self.$ofield)?; )*
                self.extra.write_members(map)
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                self.write_members(&mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        const _: () = {
            struct Reader {
                /// A member that is left out, because the reader of a tagged enumeration knows it.
                without: Option<&'static str>,
            }

            impl<'de> serde::de::Visitor<'de> for Reader {
                type Value = $Name;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$Name, A::Error> {
                    $( let mut $rfield: Option<$RType> = None; )*
                    $( let mut $ofield: Option<$OType> = None; )*
                    let mut extra = $crate::model::Members::default();
                    while let Some($crate::model::object::Key(key)) = map.next_key()? {
                        match &*key {
                            $( $rkey => {
                                let value = map.next_value()?;
                                $crate::model::object::fill(&mut $rfield, $rkey, value)?;
                            } )*
                            $( $okey => {
                                let value = $crate::model::object::$okind::read(&mut map)?;
                                $crate::model::object::fill(&mut $ofield, $okey, value)?;
                            } )*
                            known if self.without == Some(known) => {
                                map.next_value::<serde::de::IgnoredAny>()?;
                            }
                            _ => extra.push(key.into_owned(), map.next_value()?),
                        }
                    }
                    Ok($Name {
                        $( $rfield: match $rfield {
                            Some(value) => value,
                            None => return Err(serde::de::Error::missing_field($rkey)),
                        }, )*
                        $( $ofield: match $ofield {
                            Some(value) => value,
                            None => $crate::model::object::$okind::absent($okey)?,
                        }, )*
                        $( $lfield: Default::default(), )?
                        extra,
                    })
                }
            }

            impl<'de> serde::Deserialize<'de> for $Name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$Name, D::Error> {
                    deserializer.deserialize_map(Reader { without: None })
                }
            }

            impl $crate::model::object::WithoutMember for $Name {
                fn read_without(
                    text: &$crate::message::CheckedText<'_>,
                    member: &'static str,
                ) -> Result<$Name, serde_json::Error> {
                    text.read_map(Reader { without: Some(member) })
                }
            }
        };

        impl $crate::model::Model for $Name {
            const NAME: &'static str = stringify!($Name);
            $(
                fn from_raw(raw: &$crate::message::RawJson) -> Result<$Name, $crate::Error> {
                    let (mut read, misfits) =
                        $crate::model::skipped::without_misfits::<$Name, $LItem>(raw, $lkey)?;
                    read.$lfield = misfits;
                    Ok(read)
                }
            )?
        }
    };
}

pub(super) use object;
