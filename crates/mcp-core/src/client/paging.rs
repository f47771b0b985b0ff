//! Lists in pages: follows cursors to the end, within limits.

use std::collections::HashSet;
use std::time::Duration;

use crate::error::Error;
use crate::message::RawJson;

use super::{CallOptions, Client};

/// How far a list is followed (FAULT C-44). The error names the limit that was hit.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Pages. Default 1,000.
    pub pages: usize,
    /// Items in all. Default 100,000.
    pub items: usize,
    /// Bytes of results in all. Default 64 MiB.
    pub bytes: usize,
    /// The time for all pages together. Default 10 min.
    pub time: Duration,
}

impl Default for PageLimits {
    fn default() -> PageLimits {
        PageLimits { pages: 1000, items: 100_000, bytes: 64 << 20, time: Duration::from_secs(600) }
    }
}

impl Client {
    /// All items of a paged list: `list_all("tools/list", "tools", …)`. Cursors are echoed byte for byte
    /// (ledger PAGE-C-002); an absent `nextCursor` ends the list, an empty one does not (PAGE-C-003).
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`]; [`Error::Limit`] naming the limit that was hit; [`Error::TimedOut`];
    /// [`Error::Violation`] if a cursor comes a second time or the member is no array.
    pub async fn list_all(
        &self,
        method: &'static str,
        member: &str,
        limits: PageLimits,
    ) -> Result<Vec<RawJson>, Error> {
        let overdue = Error::TimedOut { what: "the pages of a list", after: limits.time };
        crate::runtime::within(limits.time, self.pages(method, member, &limits)).await.unwrap_or(Err(overdue))
    }

    async fn pages(
        &self,
        method: &'static str,
        member: &str,
        limits: &PageLimits,
    ) -> Result<Vec<RawJson>, Error> {
        let mut items = Vec::new();
        let mut bytes = 0;
        let mut seen = HashSet::new();
        let mut params = None;
        for _ in 0..limits.pages {
            let page = self.call(method, params, CallOptions::default()).await?;
            bytes += page.raw().as_bytes().len();
            check("bytes of a list", bytes, limits.bytes)?;
            let list = page.raw().member(member).filter(|list| list.kind_name() == "an array");
            let Some(list) = list else {
                return Err(Error::Violation(format!("the result of {method} has no array {member:?}")));
            };
            items.extend(list.elements());
            check("items of a list", items.len(), limits.items)?;
            // `null` is what some servers write for "no more".
            let Some(cursor) = page.raw().member("nextCursor").filter(|cursor| !cursor.is_null()) else {
                return Ok(items);
            };
            if !seen.insert(cursor.detach().into_bytes()) {
                return Err(Error::Violation(format!("{method} gave the same cursor twice")));
            }
            params = Some(RawJson::object([("cursor", cursor)]));
        }
        check("pages of a list", limits.pages.saturating_add(1), limits.pages)?;
        Ok(items)
    }
}

fn check(what: &str, is: usize, limit: usize) -> Result<(), Error> {
    if is <= limit {
        return Ok(());
    }
    Err(Error::Limit { what: what.to_owned(), limit: limit as u64 })
}
