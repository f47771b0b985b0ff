//! Redirects: 307 and 308 to the same origin, and no others.
// FAULT A-B20, FAULT C-30.

use hyper::StatusCode;
use hyper::Uri;
use hyper::header::{HeaderMap, LOCATION};

use super::uri::{Elsewhere, shown, within};
use crate::HttpError;

/// How many consecutive redirects are followed.
pub(super) const MOST: usize = 3;

/// Where the answer sends us; `None` if it is not a redirect.
///
/// Method, body and headers stay as they are, which 301, 302 and 303 do not promise. Another origin would get headers
/// that are not meant for it.
///
/// # Errors
///
/// [`HttpError::Redirect`] for one that is not followed.
pub(super) fn follow(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Uri,
    followed: usize,
) -> Result<Option<Uri>, HttpError> {
    let keeps = match status.as_u16() {
        307 | 308 => true,
        301..=303 => false,
        _ => return Ok(None),
    };
    let location = headers.get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    match location.map(|location| within(from, location)) {
        Some(Ok(to)) if keeps && followed < MOST => Ok(Some(to)),
        Some(Ok(to)) => Err(HttpError::Redirect { status, to: shown(&to) }),
        Some(Err(Elsewhere(to))) => Err(HttpError::Redirect { status, to }),
        None => Err(HttpError::Redirect { status, to: "nowhere".to_owned() }),
    }
}
