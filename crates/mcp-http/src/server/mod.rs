//! The server: both eras on one URL.
//!
//! [`HttpServer`] accepts connections ([`HttpServer::bind`], [`HttpServer::over`]), or becomes a service that another
//! server mounts ([`HttpServer::service`]). Either way it checks the host, the origin and the caller of a request before
//! it reads the body.

mod body;
mod budgets;
mod caller;
mod checks;
mod config;
mod document;
mod forwarded;
mod gate;
mod legacy;
mod log;
mod modern;
mod mount;
mod net;
mod page;
mod paths;
mod read;
mod respond;
mod security;
mod service;
mod state;
mod usual;

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mcp_core::transport::Accept;
use tokio::net::{TcpListener, ToSocketAddrs};

pub use body::Body;
pub use caller::{HttpRequest, Peer};
pub use config::{HttpServerConfig, ServerLimits, ServerTimeouts, SessionConfig};
pub use document::Document;
pub use legacy::{
    CloseStreamError, EventId, EventStore, MemoryEventStore, SessionCounters, SessionEvents, SessionInfo,
    SessionTotals, StoreError, StoreLimits, StreamControl,
};
pub use mount::HttpService;
pub use net::{BoundServer, Listener, ServeReport};
pub use page::Page;
pub use security::authenticate::{Authenticate, Denied, Operation, RequestHead};
pub use security::cors::Cors;
pub use security::origin::OriginRule;

use self::state::ServerState;
use crate::{HttpError, Secret};
use net::Tls;

/// Serves one MCP endpoint over HTTP.
///
/// ```no_run
/// # async fn example(server: std::sync::Arc<dyn mcp_core::transport::Accept>) -> std::io::Result<()> {
/// use mcp_http::HttpServer;
///
/// let bound = HttpServer::new(server).bind("127.0.0.1:8080").await?;
/// println!("listening on {}", bound.url()?);
/// bound.serve_until(async { /* until a signal comes */ }).await;
/// # Ok(())
/// # }
/// ```
pub struct HttpServer {
    accept: Arc<dyn Accept>,
    config: HttpServerConfig,
    security: Tls,
    beside: Vec<HttpServer>,
}

impl HttpServer {
    /// Creates a server that passes its links to `accept`, with default settings.
    pub fn new(accept: impl Accept) -> HttpServer {
        HttpServer {
            accept: Arc::new(accept),
            config: HttpServerConfig::default(),
            security: Tls::default(),
            beside: Vec::new(),
        }
    }

    /// Replaces all settings.
    #[must_use]
    pub fn with_config(mut self, config: HttpServerConfig) -> HttpServer {
        self.config = config;
        self
    }

    /// Changes settings in place.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut HttpServerConfig)) -> HttpServer {
        change(&mut self.config);
        self
    }

    /// Sets the path of the endpoint. Default `/mcp`.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> HttpServer {
        self.configure(|config| config.path = path.into())
    }

    /// Adds a host (`host[:port]`) that requests may name.
    #[must_use]
    pub fn allow_host(self, host: impl Into<String>) -> HttpServer {
        self.configure(|config| config.hosts.push(host.into()))
    }

    /// Adds a rule for origins that browsers may come from, such as `https://app.example.com`.
    #[must_use]
    pub fn allow_origin(self, origin: impl Into<OriginRule>) -> HttpServer {
        self.configure(|config| config.origins.push(origin.into()))
    }

    /// Requires this bearer token from every request.
    #[must_use]
    pub fn bearer(self, token: impl Into<Secret>) -> HttpServer {
        self.configure(|config| config.bearer = Some(token.into()))
    }

    /// Sets the hook that identifies callers.
    #[must_use]
    pub fn authenticate(self, authenticate: impl Authenticate) -> HttpServer {
        self.configure(|config| config.authenticate = Some(Arc::new(authenticate)))
    }

    /// Serves this document beside the endpoint.
    #[must_use]
    pub fn document(self, document: Document) -> HttpServer {
        self.configure(|config| config.documents.push(document))
    }

    /// Serves this page beside the endpoint.
    #[must_use]
    pub fn page(self, page: Page) -> HttpServer {
        self.configure(|config| config.pages.push(page))
    }

    /// Serves another endpoint behind the same connections, at its own path. It keeps its settings, its sessions, its callers
    /// and its budgets; a request that belongs to none of the endpoints gets the 404 of this one. What concerns
    /// connections comes from this server: TLS, proxies and the headers that they set, the limits of connections and of
    /// headers, and time limits without a request.
    ///
    /// ```no_run
    /// # async fn example(notes: mcp_core::server::Server, files: mcp_core::server::Server) -> std::io::Result<()> {
    /// use mcp_http::HttpServer;
    ///
    /// let files = HttpServer::new(files).path("/files/mcp");
    /// let bound = HttpServer::new(notes).path("/notes/mcp").beside(files).bind("127.0.0.1:8080").await?;
    /// bound.serve().await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn beside(mut self, other: HttpServer) -> HttpServer {
        self.beside.push(other);
        self
    }

    /// The server's own state and that of the endpoints beside it.
    fn state(self, loopback: bool) -> Result<ServerState, HttpError> {
        let own = ServerState::new(self.accept, self.config, loopback)?;
        let (mut waiting, mut others) = (self.beside, Vec::new());
        while let Some(HttpServer { accept, mut config, beside, .. }) = waiting.pop() {
            // They share the connections, and what is said of those.
            config.proxies.clone_from(&own.config.proxies);
            config.forwarded = own.config.forwarded;
            config.forwarded_prefix = own.config.forwarded_prefix;
            config.limits.header_count = own.config.limits.header_count;
            waiting.extend(beside);
            others.push(ServerState::new(accept, config, loopback)?);
        }
        own.with_beside(others)
    }

    /// Enables TLS with a certificate chain and its private key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: the certificates or the key cannot be read, or do not match.
    #[cfg(feature = "tls")]
    pub fn tls(self, certificates: &[u8], key: &[u8]) -> Result<HttpServer, HttpError> {
        let config = net::tls_config(certificates, key)?;
        Ok(self.tls_config(config))
    }

    /// Enables TLS with a configuration of rustls. If it lists no ALPN protocols, HTTP/2 and HTTP/1.1 are offered.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: rustls::ServerConfig) -> HttpServer {
        self.security.tls = Some(net::tls_offer(config));
        self
    }

    /// Binds a TCP address. Prefer a loopback address, `127.0.0.1` or `[::1]`. Port 0 lets the system choose a port.
    ///
    /// # Errors
    ///
    /// The address is invalid or in use; the error names it. The address can be reached from other machines and
    /// [`HttpServerConfig::hosts`] is empty. A setting is invalid.
    pub async fn bind(self, address: impl ToSocketAddrs + Display) -> io::Result<BoundServer> {
        let name = address.to_string();
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {name}: {error}"));
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(address).await.map_err(failed)?.collect();
        let open = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        if let Some(open) = open
            && self.names_no_hosts()
        {
            let why = format!(
                "{open} can be reached from other machines: list the hosts that requests may name in the setting `hosts`"
            );
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, why)));
        }
        let listener = TcpListener::bind(addresses.as_slice()).await.map_err(failed)?;
        self.over(listener)
    }

    /// Serves an open listener: TCP, Unix, or your own [`Listener`].
    ///
    /// # Errors
    ///
    /// The errors of [`bind`](HttpServer::bind), except those that concern the address.
    pub fn over<L: Listener>(self, listener: L) -> io::Result<BoundServer<L>> {
        let loopback = listener.is_loopback();
        if !loopback && self.names_no_hosts() {
            let why = "other machines can reach this listener: list the hosts that requests may name in the setting `hosts`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let security = self.security.clone();
        let server =
            self.state(loopback).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(BoundServer::new(Arc::new(server), listener, security))
    }

    /// Creates a service that another server mounts. Loopback origins are allowed beside those of the settings.
    ///
    /// The other server owns the connections, their limits in time and number, and TLS.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a setting is invalid.
    pub fn service(self) -> Result<HttpService, HttpError> {
        Ok(HttpService::new(Arc::new(self.state(true)?)))
    }

    /// Whether one of the endpoints lists no hosts that requests may name.
    fn names_no_hosts(&self) -> bool {
        self.config.hosts.is_empty() || self.beside.iter().any(HttpServer::names_no_hosts)
    }
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer").field("path", &self.config.path).finish_non_exhaustive()
    }
}
