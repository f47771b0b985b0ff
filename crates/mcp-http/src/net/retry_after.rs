//! `Retry-After`: how long a server asks us to stay away.

use std::time::{Duration, SystemTime};

use hyper::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Longer waits are cut to this: a year, which can still be added to any clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The wait that the headers ask for: seconds, or a date. `None` where there is neither. A date is taken relative to
/// the server's `Date` if there is one, else to `now`; one in the past means zero.
// FAULT C-29.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let now = date(headers, &DATE).unwrap_or(now);
    Some(at.duration_since(now).unwrap_or_default().min(LONGEST))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}
