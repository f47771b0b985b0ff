//! The usual POST. Most requests have the same few headers, which one pass finds faster than a look-up of each.

use hyper::Method;
use hyper::http::request::Parts;

use super::state::ServerState;
use crate::server::security::host::HostPolicy;

const CONTENT: &[u8] = b"application/json";
const ACCEPT: &[u8] = b"application/json, text/event-stream";

/// Whether the checks of the gate pass for this POST: the host is allowed, no page sent it, its body is JSON of a legal
/// length, and the client takes both formats of an answer. May return false negatives, never false positives.
pub(crate) fn is_usual_post(server: &ServerState, parts: &Parts) -> bool {
    parts.method == Method::POST
        && parts.uri.authority().is_none()
        && passes(&server.hosts, parts, server.config.limits.body as u64)
}

fn passes(hosts: &HostPolicy, Parts { headers, .. }: &Parts, limit: u64) -> bool {
    // As many values as names: no header is repeated.
    if headers.len() != headers.keys_len() {
        return false;
    }
    let (mut host, mut content, mut accept) = (false, false, false);
    for (name, value) in headers {
        let value = value.as_bytes();
        match name.as_str() {
            "host" => host = hosts.is_usual(value),
            "content-type" => content = value == CONTENT,
            "accept" => accept = value == ACCEPT,
            "content-length" => {
                let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                if length.is_none_or(|length: u64| length > limit) {
                    return false;
                }
            }
            "origin" | "content-encoding" => return false,
            _ => {}
        }
    }
    host && content && accept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::gate;
    use crate::server::respond::Formats;
    use crate::server::security::origin::OriginList;

    const LIMIT: usize = 1000;

    fn parts(changed: &[(&'static str, &'static str)]) -> Parts {
        let usual = [
            ("host", "localhost"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("content-length", "1000"),
            ("user-agent", "x"),
        ];
        let kept = usual.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let mut request = hyper::Request::post("/mcp");
        for (name, value) in kept.chain(changed).filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    /// What passes here passes the gate, and only what is usual does.
    #[test]
    fn what_is_usual_passes_the_gate() {
        let hosts = HostPolicy::new(true, &[], OriginList::default()).unwrap();
        assert!(!passes(&hosts, &parts(&[]), LIMIT as u64), "no host was seen yet");
        hosts.check_host(None, &parts(&[]).headers).unwrap();
        let usual = parts(&[]);
        assert!(passes(&hosts, &usual, LIMIT as u64));
        assert_eq!(gate::check_post(&usual.headers, LIMIT).ok(), Some(Formats::Either));
        assert_eq!(hosts.check_origin(&usual.headers), Ok(None));
        for changed in [
            [("host", "")],
            [("host", "evil.test")],
            [("origin", "http://localhost")],
            [("content-type", "")],
            [("content-type", "application/json; charset=latin1")],
            [("content-encoding", "gzip")],
            [("accept", "")],
            [("accept", "application/json")],
            [("content-length", "1001")],
            [("content-length", "-1")],
        ] {
            assert!(!passes(&hosts, &parts(&changed), LIMIT as u64), "{changed:?}");
        }
        for twice in ["host", "content-type", "accept", "user-agent"] {
            let mut parts = parts(&[]);
            let value = parts.headers[twice].clone();
            parts.headers.append(twice, value);
            assert!(!passes(&hosts, &parts, LIMIT as u64), "{twice}");
        }
    }
}
