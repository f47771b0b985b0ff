//! Which origins browsers may come from: rules, and the sites that they are compared with.

use hyper::header::HeaderValue;

use super::host::{Authority, Host};
use crate::HttpError;

/// A rule for the origins that browsers may come from.
///
/// | text | allows |
/// |---|---|
/// | `https://app.example.com` | this origin |
/// | `http://app.example.com:*` | any port of it |
/// | `https://*.example.com` | every host below `example.com`, not `example.com` itself |
/// | `vscode-webview://*` | every host of a scheme |
/// | `*` | every origin, `null` included |
///
/// Rules that allow any site of the web (`*`, `http://*`, `https://*`) are taken only by a server that asks for
/// credentials ([`bearer`](super::super::HttpServer::bearer), [`authenticate`](super::super::HttpServer::authenticate)).
///
/// The text is read when the server starts: a rule that cannot be read is an
/// [`HttpError::Setting`](crate::HttpError::Setting) there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginRule(String);

impl OriginRule {
    /// A rule in the form of the table.
    pub fn new(text: impl Into<String>) -> OriginRule {
        OriginRule(text.into())
    }

    /// Allows every origin, `null` included: the rule `*`.
    pub fn any() -> OriginRule {
        OriginRule::new("*")
    }

    /// The text of the rule.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for OriginRule {
    fn from(text: &str) -> OriginRule {
        OriginRule::new(text)
    }
}

impl From<String> for OriginRule {
    fn from(text: String) -> OriginRule {
        OriginRule::new(text)
    }
}

/// The rules of a server, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginList {
    sites: Vec<Pattern>,
    /// Every origin is allowed.
    any: bool,
}

impl OriginList {
    /// Reads rules. `authenticated`: every request needs credentials.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a rule cannot be read, or allows any site of the web without authentication.
    pub(crate) fn new(rules: &[OriginRule], authenticated: bool) -> Result<OriginList, HttpError> {
        let refuse = |rule: &OriginRule, why: &str| HttpError::Setting {
            what: "origins".to_owned(),
            why: format!("{:?} {why}", rule.0),
        };
        let mut list = OriginList::default();
        for rule in rules {
            let pattern = match rule.as_str() {
                "*" => None,
                text => Some(Pattern::parse(text).ok_or_else(|| {
                    refuse(rule, "is not of the form scheme://host[:port], scheme://*.host, scheme://* or *")
                })?),
            };
            if pattern.as_ref().is_none_or(Pattern::is_web_wide) {
                if !authenticated {
                    let why = "allows any site to call this server, so every request has to need credentials: set \
                               `bearer` or `authenticate`";
                    return Err(refuse(rule, why));
                }
                tracing::warn!(rule = rule.as_str(), "pages of any site may call this server");
            }
            list.any |= pattern.is_none();
            list.sites.extend(pattern);
        }
        Ok(list)
    }

    /// Whether every origin is allowed.
    pub(crate) fn is_any(&self) -> bool {
        self.any || self.sites.iter().any(Pattern::is_web_wide)
    }

    /// Whether a rule allows this site. `None`: an origin that names none, as `null`.
    pub(super) fn allow(&self, site: Option<&Site>) -> bool {
        self.any || site.is_some_and(|site| self.sites.iter().any(|pattern| pattern.allows(site)))
    }
}

/// One rule that names a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    scheme: String,
    host: HostPattern,
    /// `None`: any port.
    port: Option<Option<u16>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Exact(Host),
    /// Any name that ends in this, which begins with a dot and is in lower case.
    Below(String),
    Any,
}

impl Pattern {
    fn parse(text: &str) -> Option<Pattern> {
        let (scheme, rest) = scheme(text)?;
        let (rest, any_port) = match rest.strip_suffix(":*") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (host, port) = if rest == "*" {
            (HostPattern::Any, None)
        } else if let Some(parent) = rest.strip_prefix("*.") {
            match Authority::parse(parent)? {
                Authority { host: Host::Name(name), port } => (HostPattern::Below(format!(".{name}")), port),
                Authority { host: Host::Ip(_), .. } => return None,
            }
        } else {
            let Authority { host, port } = Authority::parse(rest)?;
            (HostPattern::Exact(host), port)
        };
        if any_port && port.is_some() {
            return None;
        }
        let any_port = any_port || host == HostPattern::Any;
        let port = (!any_port).then(|| port.or_else(|| implied_port(&scheme)));
        Some(Pattern { scheme, host, port })
    }

    fn allows(&self, site: &Site) -> bool {
        let host = match &self.host {
            HostPattern::Any => true,
            HostPattern::Exact(host) => *host == site.host,
            HostPattern::Below(parent) => {
                matches!(&site.host, Host::Name(name) if name.len() > parent.len() && name.ends_with(parent))
            }
        };
        host && self.scheme == site.scheme && self.port.is_none_or(|port| port == site.port)
    }

    /// Whether it allows any site of the web.
    fn is_web_wide(&self) -> bool {
        self.host == HostPattern::Any && is_web(&self.scheme)
    }
}

/// `scheme://host[:port]`, with the port that the scheme implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

impl Site {
    pub(super) fn read(value: &HeaderValue) -> Option<Site> {
        let (scheme, rest) = scheme(std::str::from_utf8(value.as_bytes()).ok()?)?;
        let Authority { host, port } = Authority::parse(rest)?;
        let port = port.or_else(|| implied_port(&scheme));
        Some(Site { scheme, host, port })
    }

    /// Whether it is a page that was served by this machine.
    pub(super) fn is_local(&self) -> bool {
        is_web(&self.scheme) && self.host.is_loopback()
    }
}

/// The scheme in lower case, and what follows `://`.
fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (!scheme.is_empty() && scheme.bytes().all(legal)).then(|| (scheme.to_ascii_lowercase(), rest))
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

fn implied_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// An origin that was allowed, as the browser wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(HeaderValue);

impl Origin {
    pub(super) fn allowed(value: &HeaderValue) -> Origin {
        Origin(value.clone())
    }

    /// The value, for `Access-Control-Allow-Origin`.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0
    }
}

#[cfg(test)]
mod tests;
