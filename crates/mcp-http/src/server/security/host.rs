//! Which hosts and origins a request may name: the guard against DNS rebinding (ledger SEC-S-001 to
//! SEC-S-003, T-36).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderValue, ORIGIN};

use crate::HttpError;

/// A refusal: 403. The text names the setting to change, where one would help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostDenied {
    #[error("the request names no host")]
    NoHost,
    #[error("the request has more than one Host header")]
    ManyHosts,
    #[error("the request's Host header and its target name different hosts")]
    HostsDiffer,
    #[error("the host {0:?} is not allowed; add it to the server's setting `hosts` to allow it")]
    Host(String),
    #[error("the request has more than one Origin header")]
    ManyOrigins,
    #[error("the origin {0:?} is not allowed; add it to the server's setting `origins` to allow it")]
    Origin(String),
}

/// What a server allows.
#[derive(Clone, Debug)]
pub(crate) struct HostPolicy {
    loopback: bool,
    hosts: Vec<Authority>,
    origins: Vec<Site>,
    /// A Host header that was allowed. Most requests have the same, and what was allowed once is always.
    usual: OnceLock<Vec<u8>>,
}

/// The longest Host header that is kept.
const USUAL: usize = 128;

impl HostPolicy {
    /// A policy for a server that is bound to a loopback address or not, with these settings. On a loopback
    /// bind all loopback hosts and origins are allowed too, with any port. A host without a port allows any
    /// port.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: an entry that is no `host[:port]`, or no `scheme://host[:port]`.
    pub(crate) fn new(loopback: bool, hosts: &[String], origins: &[String]) -> Result<HostPolicy, HttpError> {
        let bad = |what: &str, entry: &str, want: &str| HttpError::Setting {
            what: what.to_owned(),
            why: format!("{entry:?} is no {want}"),
        };
        let hosts = hosts.iter().map(|entry| {
            // An IPv6 address without brackets is plain enough in a setting.
            let bare = entry.parse().ok().map(|ip| Authority { host: Host::Ip(IpAddr::V6(ip)), port: None });
            bare.or_else(|| Authority::parse(entry)).ok_or_else(|| bad("hosts", entry, "host[:port]"))
        });
        let origins = origins
            .iter()
            .map(|entry| Site::parse(entry).ok_or_else(|| bad("origins", entry, "scheme://host[:port]")));
        Ok(HostPolicy {
            loopback,
            hosts: hosts.collect::<Result<_, _>>()?,
            origins: origins.collect::<Result<_, _>>()?,
            usual: OnceLock::new(),
        })
    }

    /// Checks the host that a request names. `authority` is the target's own, where it has one: `:authority`
    /// on HTTP/2, the absolute form on HTTP/1.1. It and a Host header have to agree.
    pub(crate) fn check_host(&self, authority: Option<&str>, headers: &HeaderMap) -> Result<(), HostDenied> {
        let mut values = headers.get_all(HOST).iter();
        let header = values.next().map(HeaderValue::as_bytes);
        if values.next().is_some() {
            return Err(HostDenied::ManyHosts);
        }
        let target = authority.map(str::as_bytes);
        if target.is_none() && header.is_some() && header == self.usual.get().map(Vec::as_slice) {
            return Ok(());
        }
        let text = target.or(header).ok_or(HostDenied::NoHost)?;
        let deny = || HostDenied::Host(clip(text));
        let named = parse(text).ok_or_else(deny)?;
        if let (Some(_), Some(header)) = (target, header)
            && parse(header).as_ref() != Some(&named)
        {
            return Err(HostDenied::HostsDiffer);
        }
        let local = self.loopback && named.host.is_loopback();
        if !local && !self.hosts.iter().any(|allowed| allowed.covers(&named)) {
            return Err(deny());
        }
        if let (None, Some(header)) = (target, header)
            && header.len() <= USUAL
        {
            self.usual.get_or_init(|| header.to_vec());
        }
        Ok(())
    }

    /// Checks the origin of a request. `None`: there is none, so it comes from no browser, and passes.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<Option<Origin>, HostDenied> {
        let mut values = headers.get_all(ORIGIN).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(HostDenied::ManyOrigins);
        }
        let deny = || HostDenied::Origin(clip(value.as_bytes()));
        let site = std::str::from_utf8(value.as_bytes()).ok().and_then(Site::parse).ok_or_else(deny)?;
        let local = self.loopback && site.is_web() && site.host.is_loopback();
        if !local && !self.origins.contains(&site) {
            return Err(deny());
        }
        Ok(Some(Origin(value.clone())))
    }
}

/// An origin that was allowed, as the browser wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(HeaderValue);

impl Origin {
    /// The value, for `Access-Control-Allow-Origin`.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

impl Host {
    /// A name or an address in its strict formats: `127.1` and `0x7f.0.0.1` are no addresses here, nor is a name
    /// that ends in a dot allowed because its twin without one is.
    fn parse(text: &str) -> Option<Host> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(|ip| Host::Ip(IpAddr::V6(ip)));
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Some(Host::Ip(IpAddr::V4(ip)));
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (!text.is_empty() && text.bytes().all(legal)).then(|| Host::Name(text.to_ascii_lowercase()))
    }

    fn is_loopback(&self) -> bool {
        match self {
            Host::Ip(ip) => ip.is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }
}

/// `host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Authority {
    host: Host,
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Option<Authority> {
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        let port = match port {
            "" => None,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Authority { host: Host::parse(host)?, port })
    }

    /// Whether this entry of a list allows `named`.
    fn covers(&self, named: &Authority) -> bool {
        self.host == named.host && (self.port.is_none() || self.port == named.port)
    }
}

fn parse(text: &[u8]) -> Option<Authority> {
    std::str::from_utf8(text).ok().and_then(Authority::parse)
}

/// `scheme://host[:port]`, with the port that the scheme implies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

impl Site {
    fn parse(text: &str) -> Option<Site> {
        let (scheme, rest) = text.split_once("://")?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_empty() || !scheme.bytes().all(legal) {
            return None;
        }
        let Authority { host, port } = Authority::parse(rest)?;
        let scheme = scheme.to_ascii_lowercase();
        let implied = match scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        };
        Some(Site { scheme, host, port: port.or(implied) })
    }

    fn is_web(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https")
    }
}

/// A peer's text, short enough for a message.
fn clip(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned()
}

#[cfg(test)]
mod tests;
