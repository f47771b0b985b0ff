//! URLs from untrusted sources: which are well formed, which may be requested, and where metadata is found.
//!
//! A URL is kept as the text that it was read from. Nothing is normalized, because identifiers are compared as text.

#![expect(clippy::string_slice, reason = "`parse` has found the positions in the same text")]

mod rules;
#[cfg(test)]
mod tests;
mod well_known;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use iri_string::types::UriStr;

#[cfg(feature = "client")]
pub(crate) use rules::{may_ask, redirected, resource_covers};
pub(crate) use well_known::authorization_server;
#[cfg(feature = "client")]
pub(crate) use well_known::protected_resource;

/// How much of a URL is shown, in characters.
const LONGEST_SHOWN: usize = 200;

/// An absolute `http` or `https` URL by RFC 3986, without user info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebUrl {
    text: String,
    https: bool,
    /// In lower case; IPv6 addresses without brackets.
    host: String,
    port: u16,
    path_at: usize,
    query_at: Option<usize>,
}

impl WebUrl {
    /// # Errors
    ///
    /// What is wrong with the text, without repeating it.
    pub(crate) fn parse(text: &str) -> Result<WebUrl, &'static str> {
        let uri = UriStr::new(text).map_err(|_| "not a URL")?;
        let https = match uri.scheme_str() {
            scheme if scheme.eq_ignore_ascii_case("https") => true,
            scheme if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err("the scheme is neither https nor http"),
        };
        if uri.fragment().is_some() {
            return Err("a fragment");
        }
        let authority = uri.authority_components().ok_or("no host")?;
        if authority.userinfo().is_some() {
            return Err("user info in the URL");
        }
        let host = host(authority.host())?;
        let port = match authority.port() {
            None | Some("") => 443 - 363 * u16::from(!https),
            Some(digits) => digits.parse().map_err(|_| "a port is at most 65535")?,
        };
        let authority = uri.authority_str().ok_or("no host")?;
        // `scheme://authority` is followed by the path.
        let path_at = text.find("://").ok_or("not a URL")? + 3 + authority.len();
        let query_at = text.find('?');
        // What the transport reads must be the same URL.
        text.parse::<Uri>().map_err(|_| "not a URL")?;
        Ok(WebUrl { text: text.to_owned(), https, host, port, path_at, query_at })
    }

    /// The text as it was read.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL for a request.
    pub(crate) fn uri(&self) -> Uri {
        // Checked by `parse`.
        self.text.parse().unwrap_or_default()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// In lower case; IPv6 addresses without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Begins with `/`, unless it is empty.
    pub(crate) fn path(&self) -> &str {
        &self.text[self.path_at..self.query_at.unwrap_or(self.text.len())]
    }

    /// Without the `?`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query_at.map(|at| &self.text[at + 1..])
    }

    /// `scheme://host[:port]`, as it was written.
    pub(crate) fn origin(&self) -> &str {
        &self.text[..self.path_at]
    }

    /// The same scheme, host and port. Case is ignored and default ports are filled in.
    pub(crate) fn same_origin(&self, other: &WebUrl) -> bool {
        self.https == other.https && self.host == other.host && self.port == other.port
    }

    /// This machine, by its name (RFC 6761) or by an address.
    pub(crate) fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        name == "localhost"
            || name.ends_with(".localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// Without its query, clipped.
    pub(crate) fn shown(&self) -> String {
        self.text[..self.query_at.unwrap_or(self.text.len())].chars().take(LONGEST_SHOWN).collect()
    }
}

/// A host in lower case. Names that some resolvers take for an address are refused.
fn host(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("no host");
    }
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').unwrap_or(inner);
        return inner
            .parse::<Ipv6Addr>()
            .map(|address| address.to_string())
            .map_err(|_| "not an IPv6 address");
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(address.to_string());
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !text.bytes().all(fits) {
        return Err("a character in the host that host names do not have");
    }
    let name = text.to_ascii_lowercase();
    // `0x7f.1` and `2130706433` are 127.0.0.1 to some, and names to others.
    let last = name.strip_suffix('.').unwrap_or(&name).rsplit('.').next().unwrap_or_default();
    let number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if number(last) || last.strip_prefix("0x").is_some_and(hex) {
        return Err("neither a name nor an IPv4 address of four decimal numbers");
    }
    Ok(name)
}

/// An untrusted text for display: without control characters, clipped to 200 characters.
pub(crate) fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()
}
