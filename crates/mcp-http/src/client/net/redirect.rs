//! Redirects: 307 and 308 to the same origin, and no others (FAULT A-B20, FAULT C-30).

use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION};
use url::Url;

use super::origin::shown;
use crate::HttpError;

/// How many are followed in a row.
pub(super) const MOST: usize = 3;

/// Where the answer sends us; `None` if it is no redirect.
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
    from: &Url,
    followed: usize,
) -> Result<Option<Url>, HttpError> {
    let keeps = match status.as_u16() {
        307 | 308 => true,
        301..=303 => false,
        _ => return Ok(None),
    };
    let location = headers.get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let target = location.and_then(|location| from.join(location).ok());
    match target {
        Some(to) if keeps && followed < MOST && is_same_origin(&to, from) => Ok(Some(to)),
        to => {
            Err(HttpError::Redirect { status, to: to.as_ref().map_or_else(|| "nowhere".to_owned(), shown) })
        }
    }
}

/// The same scheme, host and port, and no user info.
pub(super) fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.origin().is_tuple()
        && one.origin() == other.origin()
        && one.username().is_empty()
        && one.password().is_none()
}
