//! Cookies of one origin, kept in memory: load balancers use them to keep a session on one replica.
//!
//! A small subset of RFC 6265: one origin, no persistence, no `Domain` other than the host itself or its parents.

use std::fmt;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use crate::lock::Lock;

/// How many cookies are kept. The oldest is dropped.
const MOST: usize = 32;
/// The longest cookie that is kept: name, value and path, in bytes.
const LONGEST: usize = 4096;
/// How many bytes all cookies have together at most.
const TOTAL: usize = 16 << 10;

/// The cookies of one origin. `Debug` shows none.
#[derive(Default)]
pub(super) struct Jar {
    cookies: Lock<Vec<Cookie>>,
    /// Spares most exchanges the lock.
    used: AtomicBool,
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jar").finish_non_exhaustive()
    }
}

struct Cookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    expires: Option<SystemTime>,
}

impl Cookie {
    fn len(&self) -> usize {
        self.name.len() + self.value.len() + self.path.len()
    }

    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Jar {
    fn cookies(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.cookies.lock()
    }

    /// Takes the cookies of a response to a request for this path.
    pub(super) fn learn(&self, headers: &HeaderMap, host: &str, path: &str, now: SystemTime) {
        let mut cookies = self.cookies();
        for value in headers.get_all(SET_COOKIE).iter().take(MOST) {
            let Some(cookie) = value.to_str().ok().and_then(|text| parse(text, host, path, now)) else {
                continue;
            };
            cookies.retain(|kept| {
                (kept.name != cookie.name || kept.path != cookie.path) && !kept.is_expired(now)
            });
            if !cookie.is_expired(now) {
                cookies.push(cookie);
            }
            while cookies.len() > MOST || cookies.iter().map(Cookie::len).sum::<usize>() > TOTAL {
                cookies.remove(0);
            }
        }
        self.used.store(!cookies.is_empty(), Ordering::Release);
    }

    /// Whether there are no cookies. Costs no lock.
    pub(super) fn is_empty(&self) -> bool {
        !self.used.load(Ordering::Acquire)
    }

    /// The `Cookie` header of a request for this path, marked sensitive.
    pub(super) fn header(&self, path: &str, https: bool, now: SystemTime) -> Option<HeaderValue> {
        let mut text = String::new();
        for cookie in self.cookies().iter() {
            let sent = !cookie.is_expired(now) && (https || !cookie.secure) && covers(&cookie.path, path);
            if sent {
                let separator = if text.is_empty() { "" } else { "; " };
                text.extend([separator, &cookie.name, "=", &cookie.value]);
            }
        }
        let mut value = HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Whether a cookie's path covers the path of a request (RFC 6265, section 5.1.4).
fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// Reads one `Set-Cookie`. `None` for what cannot be kept, or is meant for another host.
fn parse(text: &str, host: &str, path: &str, now: SystemTime) -> Option<Cookie> {
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let directory = path.rfind('/').map_or("/", |end| path.get(..end.max(1)).unwrap_or(path));
    let mut cookie = Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        path: directory.to_owned(),
        secure: false,
        expires: None,
    };
    let (mut age, mut date) = (None, None);
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => cookie.path = value.to_owned(),
            "secure" => cookie.secure = true,
            "max-age" => age = value.parse::<i64>().ok(),
            // Some write `Thu, 01-Jan-1970`.
            "expires" => date = httpdate::parse_http_date(&value.replace('-', " ")).ok(),
            "domain" => {
                let domain = value.trim_start_matches('.').to_ascii_lowercase();
                let is_host =
                    host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'));
                if !domain.is_empty() && !is_host {
                    return None;
                }
            }
            _ => {}
        }
    }
    // `Max-Age` takes precedence over `Expires`.
    cookie.expires = match age {
        Some(seconds) => Some(match u64::try_from(seconds) {
            Ok(seconds) => now.checked_add(Duration::from_secs(seconds))?,
            Err(_) => now,
        }),
        None => date,
    };
    let fits = !name.is_empty() && cookie.len() <= LONGEST;
    let is_name = name.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b',');
    // Blanks and commas are not allowed in a value, and some servers write them.
    let is_value = value.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    (fits && is_name && is_value).then_some(cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn jar(cookies: &[&str]) -> Jar {
        let jar = Jar::default();
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        jar.learn(&headers, "a.example.com", "/api/mcp", NOW);
        jar
    }

    fn sent(jar: &Jar, path: &str, https: bool) -> String {
        jar.header(path, https, NOW).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn cookies_are_sent_where_they_belong() {
        for (cookie, path, https, wanted) in [
            ("lb=1", "/api/mcp", false, "lb=1"),
            ("lb=1", "/other", false, ""),
            ("lb=1; Path=/", "/other", false, "lb=1"),
            ("lb=1; Path=/api", "/apis", false, ""),
            ("lb=1; Path=/; Secure", "/x", false, ""),
            ("lb=1; Path=/; Secure; HttpOnly; SameSite=None", "/x", true, "lb=1"),
            ("lb=1; Path=/; Domain=.example.com", "/x", false, "lb=1"),
            ("lb=1; Path=/; Domain=ample.com", "/x", false, ""),
            ("lb=1; Path=/; Domain=evil.test", "/x", false, ""),
            ("lb=1; Path=/; Max-Age=0", "/x", false, ""),
            ("lb=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/x", false, "lb=1"),
            ("lb=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/x", false, ""),
            ("lb=1; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT", "/x", false, ""),
            ("lb=!a b,c; Path=/", "/x", false, "lb=!a b,c"),
            ("l,b=1; Path=/", "/x", false, ""),
            ("no value", "/api/mcp", false, ""),
            ("=1", "/api/mcp", false, ""),
        ] {
            assert_eq!(sent(&jar(&[cookie]), path, https), wanted, "{cookie} {path}");
        }
    }

    #[test]
    fn a_later_cookie_replaces_or_deletes_an_earlier_one() {
        assert_eq!(sent(&jar(&["a=1; Path=/", "b=2; Path=/", "a=3; Path=/"]), "/", true), "b=2; a=3");
        assert_eq!(sent(&jar(&["a=1; Path=/", "a=; Path=/; Max-Age=-1"]), "/", true), "");
    }

    #[test]
    fn the_jar_is_bounded() {
        let long = format!("long={}; Path=/", "x".repeat(LONGEST));
        assert_eq!(sent(&jar(&[&long]), "/", true), "");
        let many = (0..100).map(|n| format!("c{n}={}; Path=/", "x".repeat(1000))).collect::<Vec<_>>();
        let kept = jar(&[]);
        for cookie in &many {
            let headers = HeaderMap::from_iter([(SET_COOKIE, cookie.parse().unwrap())]);
            kept.learn(&headers, "a.example.com", "/", NOW);
        }
        let text = sent(&kept, "/", true);
        assert!(text.len() <= TOTAL + MOST * 4 && text.contains("c99=") && !text.contains("c1="));
        assert!(!format!("{kept:?}").contains('x'));
    }
}
