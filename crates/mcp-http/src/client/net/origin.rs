//! Where requests go: one origin, and the paths below it in the forms that HTTP writes them.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::HeaderValue;
use url::{Host, Position, Url};

use crate::HttpError;

/// Scheme, host and port. Everything that a [`Net`](super::Net) sends goes to one of them.
pub(super) struct Origin {
    pub(super) https: bool,
    /// For a lookup: IPv6 addresses without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Host`, without the scheme's own port.
    pub(super) header: HeaderValue,
    pub(super) loopback: bool,
}

impl Origin {
    /// The origin of this URL.
    ///
    /// # Errors
    ///
    /// Another scheme than http and https, no host, or user info: credentials in URLs end up in logs.
    pub(super) fn new(url: &Url) -> Result<Origin, HttpError> {
        let wrong = |why: &str| HttpError::Url { url: shown(url), why: why.to_owned() };
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong("neither http nor https")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("user info in the URL; give credentials as headers or as a bearer token"));
        }
        let (host, loopback) = match url.host() {
            Some(Host::Domain(name)) => (name.to_owned(), is_local_name(name)),
            Some(Host::Ipv4(address)) => (address.to_string(), address.is_loopback()),
            Some(Host::Ipv6(address)) => {
                (address.to_string(), IpAddr::V6(address).to_canonical().is_loopback())
            }
            None => return Err(wrong("no host")),
        };
        let port = url.port_or_known_default().ok_or_else(|| wrong("no port"))?;
        let header = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
            .map_err(|_| wrong("a host that no header can hold"))?;
        Ok(Origin { https, host, port, header, loopback })
    }

    /// Host and port, for errors and for CONNECT.
    pub(super) fn label(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// Host and port, with brackets where the host is an IPv6 address.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `localhost` and the names below it never leave the machine (RFC 6761).
pub(super) fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// A URL as errors and logs show it: without user info, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let text = if url.cannot_be_a_base() {
        format!("{}:", url.scheme())
    } else {
        format!("{}{}", &url[..Position::BeforeUsername], &url[Position::BeforeHost..Position::AfterPath])
    };
    text.chars().take(500).collect()
}

/// One URL of the origin, in both forms of a request line.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) url: Url,
    /// `/path?query`: HTTP/1.1, straight or through a tunnel.
    pub(super) path: Uri,
    /// The whole URL: HTTP/2, and HTTP/1.1 to a proxy that forwards.
    pub(super) absolute: Uri,
}

impl Place {
    /// # Errors
    ///
    /// A URL that is no URI.
    pub(super) fn new(url: Url) -> Result<Place, HttpError> {
        let parse = |text: &str| {
            text.parse::<Uri>().map_err(|error| HttpError::Url { url: shown(&url), why: error.to_string() })
        };
        let path = parse(&url[Position::BeforePath..Position::AfterQuery])?;
        let absolute = parse(&url[..Position::AfterQuery])?;
        Ok(Place { url, path, absolute })
    }
}
