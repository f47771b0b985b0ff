//! The URLs of servers: parsing, comparison of origins, and display.
//!
//! Parsing follows RFC 3986 strictly. A URL that browsers would repair or guess is refused: if two programs read one
//! text differently, secrets reach the wrong host. The result has a canonical form, so that the dialler, `Host`, TLS
//! and logs all see the same host. The `url` crate is not used, because it parses as browsers do.

#![expect(
    clippy::string_slice,
    reason = "positions are those of ASCII signs that were found in the same text"
)]

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;
use iri_string::types::{UriAbsoluteStr, UriReferenceStr, UriStr};

use crate::HttpError;

/// The error for credentials in a URL, which would end up in logs.
pub(super) const USER_INFO: &str = "user info in the URL; give credentials as headers or as a bearer token";

/// The most characters of a URL that are shown.
const LONGEST_SHOWN: usize = 500;

/// Parses a URL as a user writes it. Without a scheme, `localhost` and loopback addresses mean `http`, all other
/// hosts `https`. The path is kept, but `.` and `..` are resolved, and characters outside ASCII are written as `%XX`.
///
/// # Errors
///
/// [`HttpError::Url`] without a host, for a scheme other than `http` and `https`, for user info, and for a text that
/// is not a URL. The error shows the text up to its path only, because a query may hold a secret.
// FAULT A-B31; FAULT A-B3.
pub(crate) fn parse(text: &str) -> Result<Uri, HttpError> {
    let text = text.trim();
    read(text).map_err(|why| HttpError::Url { url: shown_text(text), why: why.into_owned() })
}

fn read(text: &str) -> Result<Uri, Cow<'static, str>> {
    if scheme_end(text).is_some_and(|end| text[end..].starts_with("//")) {
        return canonical(&readable(text)?);
    }
    let plain = format!("http://{text}");
    // `http:/x` and `http:x` are typing errors, not a host named `http`.
    if plain[..authority(&plain).1].ends_with(':') {
        return Err("neither `//` nor a port follows the `:`".into());
    }
    let uri = canonical(&readable(&plain)?)?;
    if is_loopback(&uri) {
        return Ok(uri);
    }
    // Parsed again, because the default port depends on the scheme.
    canonical(&readable(&format!("https://{text}"))?)
}

/// The target of a reference that leaves the origin of its base. For display, without secrets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere(pub(crate) String);

/// Resolves a reference from a server against the URL that it came from (RFC 3986, section 5). Refuses another
/// origin, which would receive our headers, and a reference that is not valid.
// T-32, FAULT A-B20.
pub(crate) fn within(base: &Uri, reference: &str) -> Result<Uri, Elsewhere> {
    let nowhere = || Elsewhere("nowhere".to_owned());
    let whole = resolved(base, reference).ok_or_else(nowhere)?;
    match canonical(&whole) {
        Ok(uri) if same_origin(&uri, base) => Ok(uri),
        Ok(uri) => Err(Elsewhere(shown(&uri))),
        Err(_) => Err(Elsewhere(shown_parts(&whole).unwrap_or_else(|| "nowhere".to_owned()))),
    }
}

fn resolved(base: &Uri, reference: &str) -> Option<String> {
    let reference = readable(reference).ok()?;
    let reference = UriReferenceStr::new(&reference).ok()?;
    let base = base.to_string();
    Some(reference.resolve_against(UriAbsoluteStr::new(&base).ok()?).to_string())
}

/// Whether two URLs have the same scheme, host and port. A missing port means the scheme's default port. A URL with
/// user info has no origin.
pub(crate) fn same_origin(one: &Uri, other: &Uri) -> bool {
    match (Origin::of(one), Origin::of(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Formats a URL for errors and logs: without user info, query and fragment, shortened.
pub(crate) fn shown(uri: &Uri) -> String {
    shown_parts(&uri.to_string()).unwrap_or_else(|| "a URL that cannot be shown".to_owned())
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) https: bool,
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Origin {
    /// # Errors
    ///
    /// A text without secrets that says what is wrong with the URL.
    pub(super) fn of(uri: &Uri) -> Result<Origin, Cow<'static, str>> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        Origin::read(uri.scheme_str().unwrap_or_default(), authority)
    }

    fn read(scheme: &str, authority: &str) -> Result<Origin, Cow<'static, str>> {
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            other => return Err(format!("the scheme {other:?} is neither http nor https").into()),
        };
        if authority.contains('@') {
            return Err(USER_INFO.into());
        }
        let bracket = authority.rfind(']').unwrap_or(0);
        let (host, port) = match authority[bracket..].rfind(':') {
            Some(colon) => (&authority[..bracket + colon], &authority[bracket + colon + 1..]),
            None => (authority, ""),
        };
        let own = if https { 443 } else { 80 };
        let port = match port {
            "" => own,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| "a port is at most 65535")?
            }
            _ => return Err("the port is not a number".into()),
        };
        Ok(Origin { https, host: Host::read(host)?, port })
    }

    /// The value of `Host`. The scheme's default port is left out.
    pub(super) fn authority(&self) -> String {
        let host = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        let own = if self.https { 443 } else { 80 };
        if self.port == own { host } else { format!("{host}:{}", self.port) }
    }
}

/// The host of a URL, by name or by address. Names are not resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name in lower case. Never an address in a spelling that a resolver may accept.
    Name(String),
    Address(IpAddr),
}

impl Host {
    fn read(text: &str) -> Result<Host, Cow<'static, str>> {
        if text.is_empty() {
            return Err("no host".into());
        }
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|it| Host::Address(it.into())).ok_or_else(|| "not an IPv6 address".into());
        }
        if !text.is_ascii() {
            return Err("a host outside ASCII; write it in punycode (xn--...)".into());
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
            return Err("a character that is not valid in a host".into());
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Address(address.into()));
        }
        let name = text.to_ascii_lowercase();
        // Some resolvers read `127.1`, `0x7f.1` and `2130706433` as 127.0.0.1, others as names.
        let last = name.strip_suffix('.').unwrap_or(&name).rsplit('.').next().unwrap_or_default();
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if (!last.is_empty() && digits(last)) || last.strip_prefix("0x").is_some_and(hex) {
            return Err("neither a name nor an IPv4 address of four decimal numbers".into());
        }
        Ok(Host::Name(name))
    }

    /// Whether the host is this machine, by its name (RFC 6761) or address, so that requests cross no network.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Host::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Address(address) => address.to_canonical().is_loopback(),
        }
    }
}

fn is_loopback(uri: &Uri) -> bool {
    Origin::of(uri).is_ok_and(|origin| origin.host.is_loopback())
}

/// Converts an absolute URL to the canonical form that the rest of the crate uses.
fn canonical(text: &str) -> Result<Uri, Cow<'static, str>> {
    let (start, end) = authority(text);
    let scheme = &text[..scheme_end(text).map_or(0, |end| end - 1)];
    // Checked first, because its errors are more specific.
    let origin = Origin::read(scheme, &text[start..end])?;
    let given = UriStr::new(text).map_err(|_| "not written as a URL")?;
    // Removes `.` and `..`.
    let given = AsRef::<UriReferenceStr>::as_ref(given).resolve_against(given.to_absolute()).to_string();
    let path = &given[authority(&given).1..];
    let path = path.split('#').next().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let scheme = if origin.https { "https" } else { "http" };
    let whole = format!("{scheme}://{}{slash}{path}", origin.authority());
    whole.parse().map_err(|_| "not written as a URL, or too long".into())
}

/// Escapes the characters after the authority that RFC 3986 does not allow as `%XX`. This repair cannot change the
/// host.
///
/// # Errors
///
/// Spaces, control characters and backslashes, which some parsers drop and others read as `/`.
fn readable(text: &str) -> Result<Cow<'_, str>, Cow<'static, str>> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("a space, a control character or a backslash".into());
    }
    let is_foreign = |byte: u8| !byte.is_ascii() || b"\"<>[]^`{|}".contains(&byte);
    let (_, end) = authority(text);
    if !text[end..].bytes().any(is_foreign) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = text[..end].to_owned();
    for part in text[end..].chars() {
        let mut bytes = [0; 4];
        for &byte in part.encode_utf8(&mut bytes).as_bytes() {
            if is_foreign(byte) { out.push_str(&format!("%{byte:02X}")) } else { out.push(char::from(byte)) }
        }
    }
    Ok(Cow::Owned(out))
}

/// The end of `scheme:`, if the text begins so.
fn scheme_end(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    let mut scheme = text[..colon].bytes();
    let is_scheme = scheme.next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then_some(colon + 1)
}

/// The range of the authority, without its `//`. Empty if there is none.
fn authority(text: &str) -> (usize, usize) {
    let start = scheme_end(text).unwrap_or(0);
    if !text[start..].starts_with("//") {
        return (start, start);
    }
    let start = start + 2;
    (start, text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length))
}

/// The part of a URL that may be shown: its scheme only, if it has no authority. `None` if it is not a URL.
fn shown_parts(text: &str) -> Option<String> {
    let uri = UriStr::new(text).ok()?;
    let scheme = uri.scheme_str();
    let Some(authority) = uri.authority_str() else { return Some(format!("{scheme}:")) };
    let host = authority.rsplit('@').next().unwrap_or_default();
    Some(format!("{scheme}://{host}{}", uri.path_str()).chars().take(LONGEST_SHOWN).collect())
}

/// The part of an invalid URL that may be shown: up to the query, after the user info, shortened.
fn shown_text(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (host, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, path) = if rest.contains('@') {
        // A password with a `/` in it looks like a host and a path.
        ("...", "")
    } else {
        (host.rsplit('@').next().unwrap_or_default(), rest.split(['?', '#']).next().unwrap_or_default())
    };
    let shown = host.chars().chain(path.chars()).filter(|c| !c.is_control()).take(200);
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    scheme.chars().chain(shown).collect()
}
