//! Opening a byte stream: name lookup, TCP, proxy and TLS, or a dialler of the application.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mcp_core::transport::async_trait;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::config::AddressPolicy;
use super::origin::{Origin, authority};
use super::proxy::{self, Via};
use super::stream::{Plain, Stream};
use crate::HttpError;
use crate::error::ConnectFailure;

/// A byte stream in both directions that HTTP can run over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens byte streams to one server: HTTP over Unix sockets, over pipes, over anything.
///
/// Proxies and name lookup do not apply to such a stream. TLS does, when the URL says `https`.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// Opens one stream. Dropping the future must leak nothing. The connect timeout bounds it.
    async fn dial(&self) -> io::Result<Box<dyn Io>>;
}

/// Opens streams to a Unix socket.
#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixDial {
    path: std::path::PathBuf,
}

#[cfg(unix)]
impl UnixDial {
    /// Connections to the socket at this path.
    pub fn new(path: impl Into<std::path::PathBuf>) -> UnixDial {
        UnixDial { path: path.into() }
    }
}

#[cfg(unix)]
#[async_trait]
impl Dial for UnixDial {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(tokio::net::UnixStream::connect(&self.path).await?))
    }
}

/// How long an idle TCP connection is quiet before the system asks whether the peer still lives.
// FAULT C-31.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The head start of one address over the next (RFC 8305 suggests 250 ms).
const HEAD_START: Duration = Duration::from_millis(250);
/// Of a name with more addresses than this, the rest is not tried.
const ADDRESSES: usize = 16;

/// How connections to one origin are opened.
pub(super) struct Dialler {
    pub(super) custom: Option<Arc<dyn Dial>>,
    pub(super) via: Via,
    /// Holds for addresses that are looked up here, not for a proxy's.
    pub(super) addresses: AddressPolicy,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::tls::Tls>,
}

/// An open stream, and what TLS agreed on.
pub(super) struct Dialled {
    pub(super) stream: Stream,
    /// ALPN chose HTTP/2.
    pub(super) h2: bool,
}

impl Dialler {
    /// Opens one stream to the origin. The caller bounds it in time.
    pub(super) async fn dial(&self, origin: &Origin) -> Result<Dialled, HttpError> {
        let plain = match (&self.custom, &self.via) {
            (Some(custom), _) => {
                Plain::Dialled(custom.dial().await.map_err(|error| self.failed(origin, kind(&error), error))?)
            }
            (None, Via::Direct) => tcp(&origin.host, origin.port, self.addresses)
                .await
                .map_err(|error| error.to(origin.label()))?,
            (None, Via::Forward(proxy)) => self.to_proxy(proxy).await?,
            (None, Via::Tunnel(proxy)) => {
                let mut plain = self.to_proxy(proxy).await?;
                proxy::connect(&mut plain, origin, proxy)
                    .await
                    .map_err(|error| self.failed(origin, ConnectFailure::Proxy, error))?;
                plain
            }
        };
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.connect(plain).await.map_err(|error| self.failed(origin, tls_kind(&error), error));
        }
        Ok(Dialled { stream: Stream::Plain(plain), h2: false })
    }

    fn failed(&self, origin: &Origin, kind: ConnectFailure, error: io::Error) -> HttpError {
        let to = match self.via.label() {
            Some(proxy) => format!("{} through the proxy {proxy}", origin.label()),
            None => origin.label(),
        };
        HttpError::Connect { to, kind, source: Arc::new(error) }
    }

    async fn to_proxy(&self, proxy: &proxy::Target) -> Result<Plain, HttpError> {
        tcp(&proxy.host, proxy.port, AddressPolicy::Any).await.map_err(|error| {
            let kind = if error.kind == ConnectFailure::Name { error.kind } else { ConnectFailure::Proxy };
            NoTcp { kind, ..error }.to(format!("the proxy {}", authority(&proxy.host, proxy.port)))
        })
    }
}

fn kind(error: &io::Error) -> ConnectFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ConnectFailure::Refused,
        _ => ConnectFailure::Network,
    }
}

/// An I/O error during the handshake is TLS's own if it carries a rustls error, else the network's.
#[cfg(feature = "tls")]
fn tls_kind(error: &io::Error) -> ConnectFailure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(inner) => super::tls::failure(inner),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => ConnectFailure::Tls,
        _ => kind(error),
    }
}

struct NoTcp {
    kind: ConnectFailure,
    error: io::Error,
}

impl NoTcp {
    fn to(self, to: String) -> HttpError {
        HttpError::Connect { to, kind: self.kind, source: Arc::new(self.error) }
    }
}

/// Looks the name up and connects to whichever address answers first.
async fn tcp(host: &str, port: u16, policy: AddressPolicy) -> Result<Plain, NoTcp> {
    let no_name = |error| NoTcp { kind: ConnectFailure::Name, error };
    let found = tokio::net::lookup_host((host, port)).await.map_err(no_name)?;
    let mut found = found.collect::<Vec<_>>();
    if found.is_empty() {
        return Err(no_name(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    found.retain(|address| policy.allows(address.ip()));
    if found.is_empty() {
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "the address is not public");
        return Err(NoTcp { kind: ConnectFailure::ForbiddenAddress, error });
    }
    let addresses = interleave(found);
    let stream = race(addresses).await.map_err(|error| NoTcp { kind: kind(&error), error })?;
    // Without these two the connection works too, only slower or forgotten for longer.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    Ok(Plain::Tcp(stream))
}

/// The addresses with the families taking turns, the resolver's first choice first (RFC 8305, section 4). Clipped
/// after that: a long list of one family does not hide the other.
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return addresses };
    let v6 = first.is_ipv6();
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for address in addresses {
        if address.is_ipv6() == v6 { one.push(address) } else { other.push(address) }
    }
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut mixed = Vec::new();
    loop {
        let (a, b) = (one.next(), other.next());
        if a.is_none() && b.is_none() {
            mixed.truncate(ADDRESSES);
            return mixed;
        }
        mixed.extend(a.into_iter().chain(b));
    }
}

/// Connects to each address in turn, with a head start for the earlier ones; a failure starts the next at once. The
/// error is the first address's.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut error = None;
    loop {
        running.extend(waiting.next().map(TcpStream::connect));
        let more = waiting.len() > 0;
        tokio::select! {
            result = running.next(), if !running.is_empty() => match result {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(failure)) => { error.get_or_insert(failure); }
                None => {}
            },
            () = tokio::time::sleep(HEAD_START), if more => {}
            else => return Err(error.unwrap_or_else(|| io::ErrorKind::NotFound.into())),
        }
    }
}
