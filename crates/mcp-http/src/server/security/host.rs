//! The hosts and origins that a request may name: protection against DNS rebinding.

// Ledger SEC-S-001 to SEC-S-003, T-36.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderValue, ORIGIN};

use super::origin::{Origin, OriginList, Site};
use crate::HttpError;

/// A refusal: 403. The text names the setting to change, where there is one.
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
    #[error(
        "the origin {0:?} names no site: it is that of a sandboxed page or a local file; only the rule `*` in the \
         server's setting `origins`, on a server with authentication, allows it"
    )]
    OpaqueOrigin(String),
}

/// The hosts and origins that a server allows.
#[derive(Clone, Debug)]
pub(crate) struct HostPolicy {
    loopback: bool,
    hosts: Vec<HostRule>,
    origins: OriginList,
    /// A Host header that was allowed before. Most requests have the same one.
    usual: OnceLock<Vec<u8>>,
}

/// The longest Host header that is remembered.
const USUAL: usize = 128;

impl HostPolicy {
    /// A policy with these lists. Loopback hosts are always allowed, with any port; on a loopback bind so are loopback
    /// origins. A host without a port allows any port.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: an entry cannot be read.
    pub(crate) fn new(
        loopback: bool,
        hosts: &[String],
        origins: OriginList,
    ) -> Result<HostPolicy, HttpError> {
        let hosts = hosts.iter().map(|entry| {
            HostRule::parse(entry).ok_or_else(|| HttpError::Setting {
                what: "hosts".to_owned(),
                why: format!("{entry:?} is not of the form host[:port], nor *.domain[:port]"),
            })
        });
        Ok(HostPolicy { loopback, hosts: hosts.collect::<Result<_, _>>()?, origins, usual: OnceLock::new() })
    }

    /// Checks the host that a request names. `authority` is that of the target, if it has one: `:authority` on HTTP/2, the
    /// absolute form on HTTP/1.1. It and a Host header have to agree.
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
        // Loopback hosts are safe: DNS rebinding needs a name that the attacker owns.
        if !named.host.is_loopback() && !self.hosts.iter().any(|allowed| allowed.covers(&named)) {
            return Err(deny());
        }
        if let (None, Some(header)) = (target, header)
            && header.len() <= USUAL
        {
            self.usual.get_or_init(|| header.to_vec());
        }
        Ok(())
    }

    /// Whether this is a Host header that was allowed before. May return false negatives.
    pub(crate) fn is_usual(&self, header: &[u8]) -> bool {
        self.usual.get().is_some_and(|usual| usual == header)
    }

    /// Checks the origin of a request. A request without one does not come from a page and passes: `None`.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<Option<Origin>, HostDenied> {
        let mut values = headers.get_all(ORIGIN).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(HostDenied::ManyOrigins);
        }
        match Site::read(value) {
            Some(site) if self.loopback && site.is_local() => {}
            site if self.origins.allow(site.as_ref()) => {}
            Some(_) => return Err(HostDenied::Origin(clip(value.as_bytes()))),
            None => return Err(HostDenied::OpaqueOrigin(clip(value.as_bytes()))),
        }
        Ok(Some(Origin::allowed(value)))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

impl Host {
    /// A name, or an address in its strict form. `127.1` and `0x7f.0.0.1` are not addresses here, and a name with a trailing
    /// dot is another name.
    pub(super) fn parse(text: &str) -> Option<Host> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(|ip| Host::Ip(IpAddr::V6(ip)));
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Some(Host::Ip(IpAddr::V4(ip)));
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (!text.is_empty() && text.bytes().all(legal)).then(|| Host::Name(text.to_ascii_lowercase()))
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Host::Ip(ip) => ip.is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }
}

/// `host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Authority> {
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
}

/// An entry of the setting `hosts`.
#[derive(Clone, Debug)]
struct HostRule {
    /// Of a wildcard, the domain behind `*.`.
    base: Authority,
    /// All names below the domain are meant, not the domain.
    below: bool,
}

impl HostRule {
    fn parse(entry: &str) -> Option<HostRule> {
        if let Some(domain) = entry.strip_prefix("*.") {
            let base = Authority::parse(domain)?;
            return matches!(base.host, Host::Name(_)).then_some(HostRule { base, below: true });
        }
        // A setting may have an IPv6 address without brackets.
        let bare = entry.parse().ok().map(|ip| Authority { host: Host::Ip(IpAddr::V6(ip)), port: None });
        Some(HostRule { base: bare.or_else(|| Authority::parse(entry))?, below: false })
    }

    /// Whether this entry allows `named`.
    fn covers(&self, named: &Authority) -> bool {
        let host = match (&self.base.host, &named.host) {
            (Host::Name(domain), Host::Name(name)) if self.below => name
                .strip_suffix(domain.as_str())
                .is_some_and(|before| before.len() > 1 && before.ends_with('.')),
            (own, named) => !self.below && own == named,
        };
        host && (self.base.port.is_none() || self.base.port == named.port)
    }
}

fn parse(text: &[u8]) -> Option<Authority> {
    std::str::from_utf8(text).ok().and_then(Authority::parse)
}

/// The start of a client's text, for an error message.
fn clip(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..128).unwrap_or(text)).into_owned()
}

#[cfg(test)]
mod tests;
