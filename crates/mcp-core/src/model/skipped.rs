//! What a peer sent in a list and does not have the form of its type.

use std::fmt;

use super::{Model, strictly};
use crate::error::Error;
use crate::message::RawJson;

/// An item of a list that could not be read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Skipped {
    /// Its `name` or URI, if it has one. The server's text: untrusted.
    pub name: Option<String>,
    /// What does not fit.
    pub reason: String,
    /// The item as it came.
    pub raw: RawJson,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name:?}: {}", self.reason),
            None => write!(f, "an item without a name: {}", self.reason),
        }
    }
}

impl Skipped {
    pub(crate) fn new(raw: RawJson, error: Error) -> Skipped {
        let name = NAMES.iter().rev().find_map(|name| raw.member(name)?.to_text());
        let reason = match error {
            Error::Violation(reason) => reason,
            other => other.to_string(),
        };
        Skipped { name, reason, raw }
    }
}

/// The members that identify an item of a list; the first that is present counts.
pub(crate) const NAMES: [&str; 3] = ["uri", "uriTemplate", "name"];

/// Reads an object without the items of one of its lists that do not have the form of a `T`: those come beside it.
/// Where the object itself is not readable either, its error is that of the whole.
///
/// # Errors
///
/// [`Error::Violation`], as [`Model::from_raw`].
pub(crate) fn without_misfits<R: Model, T: Model>(
    raw: &RawJson,
    list: &'static str,
) -> Result<(R, Vec<Skipped>), Error> {
    let strict = match strictly::<R>(raw) {
        Ok(result) => return Ok((result, Vec::new())),
        Err(error) => error,
    };
    let Some(items) = raw.member(list).filter(|items| items.as_bytes().starts_with(b"[")) else {
        return Err(strict);
    };
    let (mut good, mut skipped) = (Vec::new(), Vec::new());
    for item in items.elements() {
        match T::from_raw(&item) {
            Ok(_) => good.push(item),
            Err(error) => {
                let misfit = Skipped::new(item, error);
                tracing::warn!(skipped = %misfit, "an item of a list cannot be read");
                skipped.push(misfit);
            }
        }
    }
    if skipped.is_empty() {
        return Err(strict);
    }
    let good = RawJson::array(good);
    Ok((strictly(&raw.with_members(&[(list, &good)]))?, skipped))
}
