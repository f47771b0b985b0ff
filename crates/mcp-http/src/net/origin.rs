//! Where requests go: one origin, and the paths below it in the forms that HTTP writes them.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::HeaderValue;

use super::uri::{self, Host, shown};
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
    pub(super) fn new(url: &Uri) -> Result<Origin, HttpError> {
        let wrong = |why: String| HttpError::Url { url: shown(url), why };
        let origin = uri::Origin::of(url).map_err(|why| wrong(why.into_owned()))?;
        let header = HeaderValue::from_str(&origin.authority())
            .map_err(|_| wrong("a host that no header can hold".to_owned()))?;
        let loopback = origin.host.is_loopback();
        let host = match origin.host {
            Host::Name(name) => name,
            Host::Address(address) => IpAddr::to_string(&address),
        };
        Ok(Origin { https: origin.https, host, port: origin.port, header, loopback })
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

/// One URL of the origin, in both forms of a request line.
#[derive(Clone)]
pub(super) struct RequestTarget {
    /// The whole URL: HTTP/2, and HTTP/1.1 to a proxy that forwards.
    pub(super) absolute: Uri,
    /// `/path?query`: HTTP/1.1, straight or through a tunnel.
    pub(super) path: Uri,
}

impl RequestTarget {
    pub(super) fn new(absolute: Uri) -> RequestTarget {
        let path = absolute.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
        RequestTarget { absolute, path }
    }
}
