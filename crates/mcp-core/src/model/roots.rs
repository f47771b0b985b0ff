//! Roots: the folders that a client lets a server work in.

use super::object::object;
use crate::message::RawJson;

object! {
    /// A root.
    pub struct Root {
        required {
            /// Where it is: a `file:` URI in every released revision.
            uri: String = "uri";
        }
        optional {
            /// A name for people.
            name: Option<String> = opt "name", with_name(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The result of `roots/list`.
    #[derive(Default)]
    pub struct ListRootsResult {
        required {}
        optional {
            /// The roots.
            roots: Vec<Root> = list "roots", with_roots(Vec<Root>);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}
