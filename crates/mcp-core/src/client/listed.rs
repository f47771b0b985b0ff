//! A list from a server: the items that could be read, and what is missing.

use std::ops::Deref;

use crate::error::Error;
use crate::message::RawJson;
use crate::model::Skipped;
use crate::model::skipped::NAMES;

/// A list from a server. One broken item does not lose the others.
///
/// Dereferences to the slice of its items.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed<T> {
    /// The items, in the server's order.
    pub items: Vec<T>,
    /// The items that do not have the form of a `T`.
    pub skipped: Vec<Skipped>,
    /// Why the list may be incomplete: the server repeated a cursor, or a page after the first is an error.
    /// Repeated items are removed then.
    pub incomplete: Option<String>,
}

impl<T> Listed<T> {
    pub(super) fn new(items: Vec<T>) -> Listed<T> {
        Listed { items, skipped: Vec::new(), incomplete: None }
    }
}

impl Listed<RawJson> {
    /// Reads each item.
    pub(super) fn read<T>(self, read: impl Fn(&RawJson) -> Result<T, Error>) -> Listed<T> {
        let mut listed = Listed { items: Vec::new(), skipped: self.skipped, incomplete: self.incomplete };
        for raw in self.items {
            match read(&raw) {
                Ok(item) => listed.items.push(item),
                Err(error) => {
                    let skipped = Skipped::new(raw, error);
                    tracing::warn!(%skipped, "an item of a list cannot be read");
                    listed.skipped.push(skipped);
                }
            }
        }
        listed
    }

    /// A list that ends early: each item once.
    pub(super) fn cut(mut self, why: String) -> Listed<RawJson> {
        tracing::warn!(why, "a list is cut short");
        let mut seen = std::collections::HashSet::new();
        self.items.retain(|item| {
            let identity = NAMES.iter().find_map(|name| item.member(name)).unwrap_or_else(|| item.clone());
            seen.insert(identity.into_bytes())
        });
        self.incomplete = Some(why);
        self
    }
}

impl<T> Deref for Listed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Listed<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listed<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
