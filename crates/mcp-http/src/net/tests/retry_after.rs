//! `Retry-After` in all its forms (FAULT C-29).

use std::time::{Duration, SystemTime};

use hyper::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::super::retry_after::retry_after;

const YEAR: u64 = 365 * 24 * 60 * 60;

fn wait(value: &str, date: Option<&str>) -> Option<u64> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    if let Some(date) = date {
        headers.insert(DATE, HeaderValue::from_str(date).unwrap());
    }
    // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    retry_after(&headers, now).map(|wait| wait.as_secs())
}

#[test]
fn seconds_are_read_and_absurd_ones_are_cut() {
    assert_eq!(wait("0", None), Some(0));
    assert_eq!(wait(" 120 ", None), Some(120));
    assert_eq!(wait("99999999999", None), Some(YEAR));
    assert_eq!(wait("99999999999999999999999999999999999999", None), Some(YEAR));
}

#[test]
fn dates_are_read_against_the_servers_own_clock() {
    assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT", None), Some(60));
    assert_eq!(wait("Sunday, 06-Nov-94 08:50:37 GMT", None), Some(60));
    assert_eq!(wait("Sun Nov  6 08:50:37 1994", None), Some(60));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:07 GMT", None), Some(0));
    assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT", None), Some(YEAR));
    let skewed = Some("Mon, 07 Nov 1994 08:49:37 GMT");
    assert_eq!(wait("Mon, 07 Nov 1994 08:50:07 GMT", skewed), Some(30));
    assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT", Some("yesterday")), Some(60));
}

#[test]
fn anything_else_is_no_wait_at_all() {
    for value in ["", "soon", "-5", "1.5", "1e9", "5s", "\u{e4}", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        assert_eq!(wait(value, None), None, "{value:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
}
