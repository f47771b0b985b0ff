//! The endpoint's URL: how a user's text becomes one, and how it is shown.

use ::url::{Host, Url};

use crate::HttpError;

/// Reads a URL as a person writes it. Without a scheme, `localhost` and loopback addresses mean `http`, all else
/// `https` (FAULT A-B31). The path is never changed (FAULT A-B3).
///
/// # Errors
///
/// [`HttpError::Url`]: no host, another scheme than `http` and `https`, or no URL at all. The text is not repeated
/// beyond its path: a query may hold a secret.
pub(super) fn parse(text: &str) -> Result<Url, HttpError> {
    let text = text.trim();
    let refuse = |why: String| HttpError::Url { url: shown(text), why };
    if has_scheme(text) {
        let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
        return match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(refuse(format!("the scheme {other} is neither http nor https"))),
        };
    }
    // `http:///mcp` would be read as the host `mcp`.
    if text.starts_with(['/', '\\']) {
        return Err(refuse("no host".to_owned()));
    }
    let plain = Url::parse(&format!("http://{text}")).map_err(|error| refuse(error.to_string()))?;
    if is_loopback(&plain) {
        return Ok(plain);
    }
    // Parsed anew: the default port depends on the scheme.
    Url::parse(&format!("https://{text}")).map_err(|error| refuse(error.to_string()))
}

/// Whether the text says its scheme. `://` further on is part of a path or of a query.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']))
}

/// Whether the host is this machine by its name or address. Nothing is resolved.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The URL for people and logs: without user info, query and fragment.
pub(super) fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    // These fail only for URLs that cannot have user info, which then has none.
    let _none = url.set_username("");
    let _none = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// What may be shown of a text that is no URL: up to the query, after the user info, clipped.
fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = &text[..end];
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let host = rest.find('/').unwrap_or(rest.len());
    let rest = rest[..host].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    let rest: String = rest.chars().filter(|c| !c.is_control()).take(200).collect();
    if scheme.is_empty() { rest } else { format!("{scheme}://{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FAULT A-B31, A-B3.
    #[test]
    fn a_missing_scheme_is_http_for_this_machine_and_https_elsewhere() {
        for (text, url) in [
            ("localhost:8080/mcp", "http://localhost:8080/mcp"),
            ("127.0.0.1/mcp/", "http://127.0.0.1/mcp/"),
            ("127.8.9.1:1", "http://127.8.9.1:1/"),
            ("[::1]:3000/api/mcp", "http://[::1]:3000/api/mcp"),
            ("dev.localhost/x", "http://dev.localhost/x"),
            ("example.com", "https://example.com/"),
            ("example.com:8080/mcp?key=1", "https://example.com:8080/mcp?key=1"),
            ("localhost.evil.example/mcp", "https://localhost.evil.example/mcp"),
            ("192.168.0.7/mcp", "https://192.168.0.7/mcp"),
            ("http://example.com/a/mcp/mcp", "http://example.com/a/mcp/mcp"),
            ("HTTPS://Example.com/Mcp", "https://example.com/Mcp"),
            ("localhost:8080/mcp?next=http://x/", "http://localhost:8080/mcp?next=http://x/"),
            ("example.com/a?b=c://d", "https://example.com/a?b=c://d"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), url, "{text}");
        }
    }

    /// FAULT A-B31: what cannot be used is refused before any I/O, and the error shows no secret.
    #[test]
    fn what_is_no_http_url_is_refused_without_its_secrets() {
        for text in [
            "",
            "ws://example.com/",
            "file:///etc/passwd",
            "http://",
            "https://a b/",
            "host:notaport/x",
            "/mcp",
        ] {
            assert!(matches!(parse(text), Err(HttpError::Url { .. })), "{text}");
        }
        for text in
            ["ws://user:hunter2@example.com/mcp?key=hunter2", "user:hunter2@ex ample/mcp?key=hunter2#hunter2"]
        {
            let error = parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_shown_url_has_no_user_info_and_no_query() {
        let url = Url::parse("https://user:pass@example.com:1/a?key=1#f").unwrap();
        assert_eq!(redacted(&url), "https://example.com:1/a");
    }
}
