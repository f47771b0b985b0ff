//! Lists that come in pages, and how long a page stays fresh.

use super::object::object;
use super::word::word;
use crate::message::RawJson;

object! {
    /// The parameters of a list request.
    #[derive(Default)]
    pub struct PageParams {
        required {}
        optional {
            /// Where to go on: the last page's `nextCursor`, byte for byte (ledger PAGE-C-002). Absent asks
            /// for the first page.
            cursor: Option<String> = opt "cursor", with_cursor(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

/// One page of a list.
pub trait Page: super::Model {
    /// What is listed.
    type Item;

    /// The request that lists it.
    const METHOD: &'static str;

    /// Where the next page begins. `None` is the end; an empty string is not (ledger PAGE-C-003).
    fn next_cursor(&self) -> Option<&str>;

    /// What is on this page.
    fn into_items(self) -> Vec<Self::Item>;

    /// The parameters that ask for the next page, or `None` at the end.
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
                    /// Where the next page begins. Absent is the end; an empty string is not.
                    next_cursor: Option<String> = opt "nextCursor", with_next_cursor(String);
                    /// For how many milliseconds it is fresh (2026-07-28). Absent, 0 and less: not at all.
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
    /// Who may share a cached copy of a result (2026-07-28; ledger CACHE-S-002).
    pub enum CacheScope {
        /// Anybody.
        Public = "public",
        /// Requests with the same authorization only.
        Private = "private",
    }
}
