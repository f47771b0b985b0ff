//! Lists in pages: follows cursors to the end, within limits.

use std::collections::HashSet;
use std::time::Duration;

use crate::error::Error;
use crate::message::RawJson;
use crate::transport::{ErrorChain, LossKind};

use super::Client;
use super::listed::Listed;

/// How many characters of a result that is not a list are quoted.
const QUOTED: usize = 200;

/// How far a list is followed. The error names the limit that was reached.
// FAULT C-44.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
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

impl PageLimits {
    /// The defaults.
    pub fn new() -> PageLimits {
        PageLimits::default()
    }

    /// How many pages are read.
    #[must_use]
    pub fn pages(mut self, pages: usize) -> PageLimits {
        self.pages = pages;
        self
    }

    /// How many items all pages may have together.
    #[must_use]
    pub fn items(mut self, items: usize) -> PageLimits {
        self.items = items;
        self
    }

    /// How many bytes all results may have together.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> PageLimits {
        self.bytes = bytes;
        self
    }

    /// How long all pages may take together.
    #[must_use]
    pub fn time(mut self, limit: Duration) -> PageLimits {
        self.time = limit;
        self
    }
}

impl Client {
    /// All items of a paged list: `list_all("tools/list", "tools", ...)`.
    ///
    /// The list ends with a page without `nextCursor`; before 2026-07-28 an empty cursor ends it too. If the
    /// server repeats a cursor, or answers a page after the first with an error or without the array, the items
    /// up to there are returned, each once, and [`Listed::incomplete`] says so. A page with `null` for the array
    /// is empty.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`], for the first page; [`Error::Limit`] with the limit that was reached;
    /// [`Error::TimedOut`]; [`Error::Violation`] if the first result has no such array.
    pub async fn list_all(
        &self,
        method: &'static str,
        member: &str,
        limits: PageLimits,
    ) -> Result<Listed<RawJson>, Error> {
        let overdue = Error::timed_out("the pages of a list", limits.time);
        crate::runtime::within(limits.time, self.pages(method, member, &limits)).await.unwrap_or(Err(overdue))
    }

    async fn pages(
        &self,
        method: &'static str,
        member: &str,
        limits: &PageLimits,
    ) -> Result<Listed<RawJson>, Error> {
        let mut items = Vec::new();
        let mut bytes = 0;
        let mut seen = HashSet::new();
        let mut params = None;
        for page in 0..limits.pages {
            let (result, list) = match self.page(method, member, params).await {
                Err(error) if page > 0 && is_of_page(&error) => {
                    let why = format!("page {} of {method}: {}", page + 1, ErrorChain::new(&error));
                    return Ok(Listed::new(items).cut(why));
                }
                page => page?,
            };
            bytes += result.as_bytes().len();
            check("bytes of a list", bytes, limits.bytes)?;
            items.extend(list.elements());
            check("items of a list", items.len(), limits.items)?;
            let Some(cursor) = result.member("nextCursor").filter(|cursor| self.continues(cursor)) else {
                return Ok(Listed::new(items));
            };
            if !seen.insert(cursor.detach().into_bytes()) {
                return Ok(Listed::new(items).cut(format!("{method} repeats its cursors")));
            }
            // Byte for byte unchanged (ledger PAGE-C-002).
            params = Some(RawJson::object([("cursor", cursor)]));
        }
        check("pages of a list", limits.pages.saturating_add(1), limits.pages)?;
        Ok(Listed::new(items))
    }

    /// One page: its result, and the array in it.
    async fn page(
        &self,
        method: &'static str,
        member: &str,
        params: Option<RawJson>,
    ) -> Result<(RawJson, RawJson), Error> {
        let result = self.outcome_of(method, params).await?.into_raw();
        match result.member(member) {
            Some(list) if list.kind_name() == "an array" => Ok((result, list)),
            // Some languages write an empty list so.
            Some(list) if list.is_null() => Ok((result, RawJson::array([]))),
            _ => {
                let bytes = result.as_bytes();
                // At most four bytes for each character: the result may be large.
                let start = String::from_utf8_lossy(bytes.get(..4 * QUOTED).unwrap_or(bytes));
                let start: String = start.chars().take(QUOTED).collect();
                let why = format!("the result of {method} has no array {member:?}; it begins with `{start}`");
                Err(Error::Violation(why))
            }
        }
    }

    /// Whether this `nextCursor` leads to another page.
    fn continues(&self, cursor: &RawJson) -> bool {
        // Some servers write `null` on the last page, legacy ones "". On 2026-07-28 an empty cursor is a
        // cursor (ledger PAGE-C-003).
        match cursor.as_bytes() {
            b"null" => false,
            br#""""# => self.known_era().is_none_or(|known| known.version.is_modern()),
            _ => true,
        }
    }
}

/// Whether an error is about one page, and not about the server or this client.
fn is_of_page(error: &Error) -> bool {
    match error {
        Error::Rpc(_) | Error::Violation(_) => true,
        Error::Lost(loss) => matches!(loss.kind, LossKind::NotUnderstood | LossKind::PeerFailed),
        _ => false,
    }
}

fn check(what: &str, is: usize, limit: usize) -> Result<(), Error> {
    if is <= limit {
        return Ok(());
    }
    Err(Error::Limit { what: what.to_owned(), limit: limit as u64 })
}
