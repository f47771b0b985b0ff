//! Lists that are read page by page, and their caching hints.
//!
//! See [pagination](https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/pagination).

use super::object::object;
use super::word::word;
use crate::message::RawJson;

object! {
    /// The parameters of a list request.
    #[derive(Default)]
    pub struct PageParams {
        required {}
        optional {
            /// The `nextCursor` of the previous page, unchanged. Absent for the first page.
            cursor: Option<String> = opt "cursor", with_cursor(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

/// One page of a list.
pub trait Page: super::Model {
    /// The type of the items.
    type Item;

    /// The method of the list request.
    const METHOD: &'static str;

    /// The cursor of the next page. `None` on the last page; an empty string is a valid cursor.
    // PAGE-C-003.
    fn next_cursor(&self) -> Option<&str>;

    /// The items of this page.
    fn into_items(self) -> Vec<Self::Item>;

    /// The parameters of the request for the next page, or `None` on the last page.
    fn next_page(&self) -> Option<PageParams> {
        self.next_cursor().map(|cursor| PageParams::new().with_cursor(cursor))
    }
}

/// Declares the result of a list request: a page of items.
macro_rules! page {
    ($(#[$attr:meta])* $Name:ident, $method:literal, $(#[$doc:meta])* $items:ident: $Item:ty = $key:literal) => {
        $crate::model::object::object! {
            $(#[$attr])*
            #[derive(Default)]
            pub struct $Name {
                required {}
                optional {
                    $(#[$doc])*
                    $items: Vec<$Item> = list $key;
                    /// The cursor of the next page. Absent on the last page; an empty string is a valid cursor.
                    next_cursor: Option<String> = opt "nextCursor", with_next_cursor(String);
                    /// For how many milliseconds the page may be cached (2026-07-28). Not at all if absent, 0
                    /// or negative.
                    ttl_ms: Option<$crate::model::Number> = opt "ttlMs", with_ttl_ms($crate::model::Number);
                    /// Who may share a cached copy (2026-07-28).
                    cache_scope: Option<$crate::model::CacheScope> = opt "cacheScope",
                        with_cache_scope($crate::model::CacheScope);
                    /// `_meta`.
                    meta: Option<$crate::message::RawJson> = raw "_meta",
                        with_meta($crate::message::RawJson);
                }
            }
        }

        impl $crate::model::Page for $Name {
            type Item = $Item;
            const METHOD: &'static str = $method;

            fn next_cursor(&self) -> Option<&str> {
                self.next_cursor.as_deref()
            }

            fn into_items(self) -> Vec<$Item> {
                self.$items
            }
        }

        impl FromIterator<$Item> for $Name {
            fn from_iter<I: IntoIterator<Item = $Item>>(items: I) -> $Name {
                $Name { $items: items.into_iter().collect(), ..Default::default() }
            }
        }
    };
}

pub(super) use page;

word! {
    /// Who may share a cached copy of a result (2026-07-28).
    pub enum CacheScope {
        /// All requests.
        Public = "public",
        /// Requests with the same authorization.
        Private = "private",
    }
}
