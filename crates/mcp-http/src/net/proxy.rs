//! Proxies: selects the one to use and opens a tunnel through it.

mod no_proxy;

use std::io;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::config::{HttpVersions, Proxy};
use super::origin::{Origin, authority};
use super::stream::Plain;
use super::uri;
use crate::HttpError;

/// How the origin is reached.
pub(super) enum Via {
    /// Without a proxy.
    Direct,
    /// The proxy receives requests with absolute URLs and forwards them.
    Forward(Target),
    /// The proxy opens a tunnel by CONNECT.
    Tunnel(Target),
}

impl Via {
    /// Host and port of the proxy, for errors.
    pub(super) fn label(&self) -> Option<String> {
        match self {
            Via::Direct => None,
            Via::Forward(proxy) | Via::Tunnel(proxy) => Some(authority(&proxy.host, proxy.port)),
        }
    }

    /// Whether the connection to the proxy, if any, stays on this machine.
    pub(super) fn is_near(&self) -> bool {
        match self {
            Via::Direct => true,
            Via::Forward(proxy) | Via::Tunnel(proxy) => proxy.loopback,
        }
    }
}

impl super::Net {
    /// Host and port of the proxy that is used, if one is.
    pub(crate) fn proxy(&self) -> Option<&str> {
        self.shared.proxy.as_deref()
    }
}

/// A proxy.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) loopback: bool,
    /// Marked sensitive.
    pub(super) authorization: Option<HeaderValue>,
}

/// The largest head of an answer to CONNECT, in bytes.
const HEAD: usize = 16 << 10;

/// Selects the route that the settings prescribe.
///
/// # Errors
///
/// [`HttpError::Setting`] if the URL does not name a proxy, or names one with an unsupported scheme.
pub(super) fn choose(origin: &Origin, proxy: &Proxy, versions: HttpVersions) -> Result<Via, HttpError> {
    let matcher = match proxy {
        Proxy::None => return Ok(Via::Direct),
        Proxy::Environment if origin.loopback => return Ok(Via::Direct),
        Proxy::Environment if is_excepted(origin) => return Ok(Via::Direct),
        Proxy::Environment => Matcher::from_env(),
        Proxy::Url(url) => Matcher::builder().all(url.as_str()).build(),
    };
    let wrong = |why: &str| HttpError::Setting { what: "proxy".to_owned(), why: why.to_owned() };
    let scheme = if origin.https { "https" } else { "http" };
    let destination: Uri =
        format!("{scheme}://{}/", origin.label()).parse().map_err(|_| wrong("the URL is not a URI"))?;
    let Some(found) = matcher.intercept(&destination) else {
        return match proxy {
            Proxy::Url(_) => Err(wrong("not the URL of a proxy")),
            _ => Ok(Via::Direct),
        };
    };
    match found.uri().scheme_str() {
        Some("http") => {}
        Some("https") => return Err(wrong("proxies over https are not supported; use an http proxy")),
        _ => return Err(wrong("SOCKS is not supported; use an http proxy")),
    }
    let host = found.uri().host().ok_or_else(|| wrong("no host"))?;
    let target = Target {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: found.uri().port_u16().unwrap_or(80),
        loopback: uri::Origin::of(found.uri()).is_ok_and(|proxy| proxy.host.is_loopback()),
        authorization: found.basic_auth().cloned(),
    };
    // A forwarding proxy speaks HTTP/1.1. Like TLS, HTTP/2 without TLS needs a tunnel.
    let tunnel = origin.https || versions == HttpVersions::Http2;
    Ok(if tunnel { Via::Tunnel(target) } else { Via::Forward(target) })
}

/// Whether the environment names the origin as one that is reached directly.
fn is_excepted(origin: &Origin) -> bool {
    let set = |name| std::env::var(name).ok().filter(|list| !list.is_empty());
    let list = set("NO_PROXY").or_else(|| set("no_proxy"));
    list.is_some_and(|list| no_proxy::bypasses(&list, &origin.host, origin.port))
}

/// Asks the proxy for a tunnel to the origin. Afterwards the stream is connected to the origin.
///
/// # Errors
///
/// The proxy refused, or did not answer in HTTP. Errors never contain its credentials.
pub(super) async fn connect(stream: &mut Plain, origin: &Origin, proxy: &Target) -> io::Result<()> {
    let to = authority(&origin.host, origin.port);
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(value) = &proxy.authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    stream.flush().await?;

    let mut head = Vec::with_capacity(512);
    let end = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the proxy closed the connection"));
        }
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if head.len() > HEAD {
            return Err(io::Error::other("the head of the proxy's answer is too large"));
        }
    };
    match status(&head) {
        // The origin waits for the client to speak first, so bytes after the head cannot come from it.
        Some(200..=299) if end == head.len() => Ok(()),
        Some(200..=299) => Err(io::Error::other("the proxy sent bytes before the tunnel was used")),
        Some(407) => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the proxy requires credentials (status 407); put them into its URL",
        )),
        Some(code) => Err(io::Error::other(format!("the proxy refused the tunnel with status {code}"))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy does not speak HTTP")),
    }
}

/// Reads the status of `HTTP/1.x NNN ...`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5).filter(|_| rest.get(1) == Some(&b' '))?;
    let boundary = matches!(rest.get(5), Some(b' ' | b'\r'));
    std::str::from_utf8(digits).ok().filter(|_| boundary)?.parse().ok()
}
