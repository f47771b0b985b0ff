//! What a trusted proxy says of the client of a request.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::HeaderName;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The most hops that are looked at.
const HOPS: usize = 32;

/// The longest prefix that is taken, in bytes.
const LONGEST_PREFIX: usize = 256;

/// The address of the client: the last one of `X-Forwarded-For` that is not a trusted proxy. Each proxy appends the
/// address that it was reached from, so what stands before that is the client's own claim.
pub(super) fn client(headers: &HeaderMap, proxies: &[IpAddr]) -> Option<IpAddr> {
    let values: Vec<&str> = headers.get_all(FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
    for hop in hops.take(HOPS) {
        let address = address(hop.trim())?.to_canonical();
        if !proxies.contains(&address) {
            return Some(address);
        }
    }
    None
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The scheme that the client has used: `http` or `https`.
pub(super) fn scheme(headers: &HeaderMap) -> Option<&'static str> {
    match last(headers, &PROTO)?.to_ascii_lowercase().as_str() {
        "https" => Some("https"),
        "http" => Some("http"),
        _ => None,
    }
}

/// The host that the client has used, with its port if it has one.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    last(headers, &HOST).filter(|host| !host.is_empty() && host.len() <= 255 && host.bytes().all(legal))
}

/// The prefix that the proxy has removed from the path, without a slash at its end. Anything that is not a plain path
/// is ignored: clients resolve what is made of it.
pub(super) fn prefix(headers: &HeaderMap) -> Option<&str> {
    let prefix = last(headers, &PREFIX)?.trim_end_matches('/');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
    let is_path = prefix.starts_with('/') && !prefix.contains("//") && prefix.bytes().all(legal);
    let climbs = prefix.split('/').any(|part| matches!(part, "." | ".."));
    (is_path && !climbs && prefix.len() <= LONGEST_PREFIX).then_some(prefix)
}

/// The value that the nearest proxy has set.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    /// FAULT F-S20: only what trusted proxies have appended counts.
    #[test]
    fn the_client_is_the_last_hop_that_is_not_a_proxy() {
        let proxies = ["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        let rows: [(&[&str], Option<&str>); 9] = [
            (&["192.0.2.7"], Some("192.0.2.7")),
            (&["6.6.6.6, 192.0.2.7"], Some("192.0.2.7")),
            (&["6.6.6.6, 192.0.2.7, 10.0.0.1"], Some("192.0.2.7")),
            (&["6.6.6.6", "192.0.2.7", "fd00::1"], Some("192.0.2.7")),
            (&["[2001:db8::7]:4711"], Some("2001:db8::7")),
            (&["192.0.2.7:80"], Some("192.0.2.7")),
            (&["::ffff:192.0.2.7"], Some("192.0.2.7")),
            (&["192.0.2.7, unknown"], None),
            (&["10.0.0.1"], None),
        ];
        for (values, wanted) in rows {
            let found = client(&headers(&FOR, values), &proxies);
            assert_eq!(found, wanted.map(|text| text.parse().unwrap()), "{values:?}");
        }
    }

    #[test]
    fn a_prefix_is_a_plain_path() {
        let rows = [
            ("/tools", Some("/tools")),
            ("/a/b/", Some("/a/b")),
            ("/x, /y", Some("/y")),
            ("//evil.example", None),
            ("/a/../b", None),
            ("https://evil.example", None),
            ("/a?b", None),
            ("a", None),
            ("/", None),
        ];
        for (value, wanted) in rows {
            assert_eq!(prefix(&headers(&PREFIX, &[value])), wanted, "{value}");
        }
    }

    #[test]
    fn scheme_and_host_are_checked() {
        assert_eq!(scheme(&headers(&PROTO, &["http", "HTTPS"])), Some("https"));
        assert_eq!(scheme(&headers(&PROTO, &["ftp"])), None);
        assert_eq!(host(&headers(&HOST, &["mcp.example.com:8443"])), Some("mcp.example.com:8443"));
        assert_eq!(host(&headers(&HOST, &["a/b"])), None);
    }
}
