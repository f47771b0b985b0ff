//! Which words are URLs, and which URLs are on this machine.

use std::net::{IpAddr, Ipv6Addr};

/// What a word is that may name a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    /// `http://`, `https://`: certainly a URL that can be reached.
    Url,
    /// `host:port`, `host.name/path`, `localhost`: a URL without its scheme, if no config file has such a name.
    Host,
    /// `ws://`, `wss://`.
    WebSocket,
    /// Another scheme.
    OtherScheme,
    /// The name of a server in a config file.
    Name,
}

/// What this word is.
pub(crate) fn of(word: &str) -> TargetKind {
    // Further on it is part of a path or of a query.
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    let Some(scheme) = scheme.filter(|scheme| !scheme.contains(['/', '?', '#'])) else {
        return if looks_like_host(word) { TargetKind::Host } else { TargetKind::Name };
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => TargetKind::Url,
        "ws" | "wss" => TargetKind::WebSocket,
        _ => TargetKind::OtherScheme,
    }
}

/// `host[:port][/path]`, where the host is `localhost`, has a dot in it, or has a port.
fn looks_like_host(word: &str) -> bool {
    let authority = word.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port));
    }
    let (host, port) = match authority.find(':') {
        Some(colon) => authority.split_at(colon),
        None => (authority, ""),
    };
    let label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    host.trim_end_matches('.').split('.').all(label)
        && (port.is_empty() || is_port(port))
        && (!port.is_empty() || host.contains('.') || host.eq_ignore_ascii_case("localhost"))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|number| number.parse::<u16>().is_ok())
}

/// Whether a URL's host is this machine: what is sent there crosses no network.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let name = host.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| match address {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => {
                address.is_loopback() || address.to_ipv4_mapped().is_some_and(|it| it.is_loopback())
            }
        })
}

/// The text with each `%XX` read.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(part.as_bytes().get(2..).unwrap_or_default());
            }
            None => {
                out.push(b'%');
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_urls_hosts_or_names() {
        let rows = [
            ("https://h/mcp", TargetKind::Url),
            ("HTTP://h", TargetKind::Url),
            ("localhost:8080/mcp?next=http://x", TargetKind::Host),
            ("h.test?u=ws://x", TargetKind::Host),
            ("ws://h", TargetKind::WebSocket),
            ("wss://h/x", TargetKind::WebSocket),
            ("file:///x", TargetKind::OtherScheme),
            ("demo://readme", TargetKind::OtherScheme),
            ("localhost", TargetKind::Host),
            ("localhost/mcp", TargetKind::Host),
            ("localhost:8080", TargetKind::Host),
            ("box:8080/mcp", TargetKind::Host),
            ("mcp.example.com", TargetKind::Host),
            ("mcp.example.com./x?y=a:b", TargetKind::Host),
            ("127.0.0.1:1/", TargetKind::Host),
            ("[::1]:8080/mcp", TargetKind::Host),
            ("[::1]", TargetKind::Host),
            ("github", TargetKind::Name),
            ("my_server", TargetKind::Name),
            ("add", TargetKind::Name),
            ("./server", TargetKind::Name),
            ("../x.y", TargetKind::Name),
            ("/usr/bin/x", TargetKind::Name),
            ("a:b", TargetKind::Name),
            ("a:99999", TargetKind::Name),
            ("a.b:", TargetKind::Name),
            ("[::1", TargetKind::Name),
            ("@scope/pack.age", TargetKind::Name),
            ("my server.x", TargetKind::Name),
            ("", TargetKind::Name),
        ];
        for (word, wanted) in rows {
            assert_eq!(of(word), wanted, "{word:?}");
        }
    }

    #[test]
    fn names_are_read_however_they_are_written() {
        let rows = [("api%5Fkey", "api_key"), ("%6bey", "key"), ("%", "%"), ("100%x", "100%x"), ("%é", "%é")];
        for (given, wanted) in rows {
            assert_eq!(percent_decoded(given), wanted);
        }
    }

    /// FAULTS B, convention 10: what only looks like this machine is another one.
    #[test]
    fn loopback_is_this_machine_only() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["localhost.evil.test", "127.0.0.1.evil.test", "128.0.0.1", "10.0.0.1", "0.0.0.0", "[::]", "h"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
