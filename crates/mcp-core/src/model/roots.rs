//! Roots: the directories that a client lets a server use.
//!
//! See [roots](https://modelcontextprotocol.io/specification/2025-11-25/client/roots).

use super::object::object;
use crate::message::RawJson;

object! {
    /// A root.
    pub struct Root {
        required {
            /// The URI, a `file:` URI in every released revision.
            uri: String = "uri";
        }
        optional {
            /// A display name.
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
