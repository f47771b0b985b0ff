//! `word!`: an enumeration of known words that keeps unknown ones.

/// Declares an enumeration that is a string on the wire. An unknown word, as of a later revision, is `Other`.
macro_rules! word {
    (
        $(#[$attr:meta])*
        pub enum $Name:ident { $( $(#[$doc:meta])* $Word:ident = $wire:literal, )* }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $Name {
            $( $(#[$doc])* $Word, )*
            /// A word that this crate does not define.
            Other(String),
        }

        impl $Name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( $Name::$Word => $wire, )*
                    $Name::Other(word) => word,
                }
            }
        }

        impl From<&str> for $Name {
            fn from(word: &str) -> $Name {
                match word {
                    $( $wire => $Name::$Word, )*
                    _ => $Name::Other(word.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$Name, D::Error> {
                String::deserialize(deserializer).map(|word| $Name::from(word.as_str()))
            }
        }
    };
}

pub(super) use word;
