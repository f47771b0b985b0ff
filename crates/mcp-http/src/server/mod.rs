//! The server side: both eras on one URL.
//!
//! [`HttpServer`] listens by itself ([`HttpServer::bind`], [`HttpServer::over`]), or is a service that is mounted in
//! another server ([`HttpServer::service`]). Either way it checks hosts and origins on every route, and who calls,
//! before it reads a body.

mod body;
mod caller;
mod checks;
mod config;
mod gate;
mod legacy;
mod modern;
mod mount;
mod net;
mod read;
mod respond;
mod security;
mod service;
mod state;

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mcp_core::transport::Accept;
use tokio::net::{TcpListener, ToSocketAddrs};

pub use body::Body;
pub use caller::{HttpRequest, Peer};
pub use config::{HttpServerConfig, ServerLimits, ServerTimeouts, SessionConfig};
pub use legacy::{
    CloseStreamError, EventId, EventStore, MemoryEventStore, SessionCounters, StoreError, StoreLimits,
    StreamControl,
};
pub use mount::HttpService;
pub use net::{BoundServer, Listener, ServeReport};
pub use security::authenticate::{Authenticate, Denied, Identity, RequestHead};
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
}

impl HttpServer {
    /// A server that hands its links to this.
    pub fn new(accept: impl Accept) -> HttpServer {
        HttpServer { accept: Arc::new(accept), config: HttpServerConfig::default(), security: Tls::default() }
    }

    /// The same with these settings.
    #[must_use]
    pub fn with_config(mut self, config: HttpServerConfig) -> HttpServer {
        self.config = config;
        self
    }

    /// The same with settings that this changes.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut HttpServerConfig)) -> HttpServer {
        change(&mut self.config);
        self
    }

    /// The path of the endpoint, `/mcp` by default.
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

    /// Every request needs this bearer token.
    #[must_use]
    pub fn bearer(self, token: impl Into<Secret>) -> HttpServer {
        self.configure(|config| config.bearer = Some(token.into()))
    }

    /// This says who calls.
    #[must_use]
    pub fn authenticate(self, authenticate: Arc<dyn Authenticate>) -> HttpServer {
        self.configure(|config| config.authenticate = Some(authenticate))
    }

    /// Listens with TLS: a chain of certificates and its key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: they cannot be read, or do not belong together.
    #[cfg(feature = "tls")]
    pub fn tls(self, certificates: &[u8], key: &[u8]) -> Result<HttpServer, HttpError> {
        let config = net::tls_config(certificates, key)?;
        Ok(self.tls_config(config))
    }

    /// Listens with TLS by these settings. If they name no protocols, HTTP/2 and HTTP/1.1 are offered.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: rustls::ServerConfig) -> HttpServer {
        self.security.tls = Some(net::tls_offer(config));
        self
    }

    /// Takes an address: best one of this machine alone, `127.0.0.1` or `[::1]` (ledger SEC-S-003). Port 0 chooses one.
    ///
    /// # Errors
    ///
    /// The address is taken, or is none: the error names it (FAULT C-47). An address that others can reach is refused
    /// while [`HttpServerConfig::hosts`] is empty, because every request would be. A setting cannot be used.
    pub async fn bind(self, address: impl ToSocketAddrs + Display) -> io::Result<BoundServer> {
        let name = address.to_string();
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {name}: {error}"));
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(address).await.map_err(failed)?.collect();
        let open = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        if let Some(open) = open
            && self.config.hosts.is_empty()
        {
            let why = format!(
                "{open} can be reached from other machines: name the hosts that requests may ask for in the setting `hosts`"
            );
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, why)));
        }
        let listener = TcpListener::bind(addresses.as_slice()).await.map_err(failed)?;
        self.over(listener)
    }

    /// Listens on what is open already: a TCP or Unix listener, or a [`Listener`] of your own.
    ///
    /// # Errors
    ///
    /// As [`bind`](HttpServer::bind), but for the address.
    pub fn over<L: Listener>(self, listener: L) -> io::Result<BoundServer<L>> {
        let loopback = listener.is_loopback();
        if !loopback && self.config.hosts.is_empty() {
            let why = "others can reach this listener: name the hosts that requests may ask for in the setting `hosts`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let HttpServer { accept, config, security } = self;
        let server = ServerState::new(accept, config, loopback)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(BoundServer::new(Arc::new(server), listener, security))
    }

    /// A service, to mount in another server. Requests may name loopback hosts and origins, and those of the settings.
    ///
    /// That server owns the connections: their limits in time and number are its own to set, and TLS too.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a host or an origin that is none.
    pub fn service(self) -> Result<HttpService, HttpError> {
        Ok(HttpService::new(Arc::new(ServerState::new(self.accept, self.config, true)?)))
    }
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer").field("path", &self.config.path).finish_non_exhaustive()
    }
}
