//! A server that accepts connections, limits their number, and ends them.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};

use super::super::caller::{Peer, Source};
use super::super::mount::HttpService;
use super::super::state::ServerState;
use super::conn::{self, Conn};
use super::listen::{AfterError, Listener, after_error};
use super::state::{ConnPhase, ConnState};
use super::tls::Tls;
#[cfg(feature = "tls")]
use crate::boxed;

/// The answer to connections beyond the limit, sent before they send a request.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// How many such answers are sent at a time, and their time limit. Further connections are closed without an answer.
const REFUSALS: usize = 64;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// A server with a bound address that does not accept connections yet: they wait in the backlog.
pub struct BoundServer<L: Listener = TcpListener> {
    server: Arc<ServerState>,
    listener: L,
    security: Tls,
}

/// How a server stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeReport {
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that were cut at the end, because their requests took longer than the drain limit.
    pub cut: usize,
}

impl<L: Listener> BoundServer<L> {
    pub(in super::super) fn new(server: Arc<ServerState>, listener: L, security: Tls) -> BoundServer<L> {
        BoundServer { server, listener, security }
    }

    /// Serves until `shutdown` completes, and for [`ServerTimeouts::drain_delay`](super::super::ServerTimeouts::drain_delay)
    /// after it, while health probes are answered 503 already. Then the server stops accepting, new requests on open connections get 503, and
    /// subscriptions end. Requests in flight have [`ServerTimeouts::drain`](super::super::ServerTimeouts::drain) to finish;
    /// then their connections are cut.
    ///
    /// Dropping the future cuts all connections. Needs a tokio runtime with time and I/O.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> ServeReport {
        let BoundServer { server, mut listener, security } = self;
        let mut open = Open::new(server.clone(), security);
        let delay = server.config.timeouts.drain_delay;
        let announced = async {
            shutdown.await;
            if !delay.is_zero() {
                server.announce_drain();
                tokio::time::sleep(delay).await;
            }
        };
        let mut shutdown = std::pin::pin!(announced);
        let mut pauses = 0;
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = open.reap(), if !open.is_empty() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((io, peer)) => {
                    pauses = 0;
                    open.take(io, peer);
                }
                Err(error) => {
                    if let AfterError::Pause(pause) = after_error(&error, pauses + 1) {
                        pauses += 1;
                        if pauses == 1 {
                            tracing::warn!(%error, "cannot accept connections");
                        }
                        tokio::select! {
                            () = &mut shutdown => break,
                            () = tokio::time::sleep(pause) => {}
                        }
                    }
                }
            }
        }
        // Frees the address for the next server.
        drop(listener);
        server.drain();
        open.finish(server.config.timeouts.drain).await
    }

    /// The same server as a service, to mount it elsewhere too, or to read its counters while it runs.
    pub fn service(&self) -> HttpService {
        HttpService::new(self.server.clone())
    }

    /// Serves until the future is dropped.
    pub async fn serve(self) -> ServeReport {
        self.serve_until(std::future::pending()).await
    }
}

impl BoundServer<TcpListener> {
    /// The bound address. If port 0 was requested, it has the port that the system chose.
    ///
    /// # Errors
    ///
    /// The system cannot report it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The URL of the endpoint, made from the bound address.
    ///
    /// # Errors
    ///
    /// As [`local_addr`](BoundServer::local_addr).
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.security.is_on() { "https" } else { "http" };
        Ok(format!("{scheme}://{}{}", self.local_addr()?, self.server.config.path))
    }
}

impl<L: Listener> fmt::Debug for BoundServer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer").field("path", &self.server.config.path).finish_non_exhaustive()
    }
}

/// The connections that are open.
struct Open {
    server: Arc<ServerState>,
    security: Tls,
    tasks: JoinSet<()>,
    states: HashMap<Id, Arc<ConnState>>,
    refusals: Arc<Semaphore>,
    count: u64,
    full: bool,
}

impl Open {
    fn new(server: Arc<ServerState>, security: Tls) -> Open {
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        Open {
            server,
            security,
            tasks: JoinSet::new(),
            states: HashMap::new(),
            refusals,
            count: 0,
            full: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Serves a connection, or refuses it at the limit.
    fn take<I>(&mut self, io: I, peer: Peer)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limit = self.server.config.limits.connections;
        if self.states.len() >= limit {
            if !std::mem::replace(&mut self.full, true) {
                tracing::warn!(limit, "too many connections: more are refused");
            }
            return self.refuse(io);
        }
        self.full = false;
        self.count += 1;
        let state = Arc::<ConnState>::default();
        let source =
            Source::connection(peer, &self.server.config.proxies).with_tls(self.security.is_on()).into();
        let conn = Conn { server: self.server.clone(), source, state: state.clone() };
        let task = self.tasks.spawn(secured(self.security.clone(), conn, io));
        self.states.insert(task.id(), state);
    }

    fn refuse<I: AsyncWrite + Unpin + Send + 'static>(&self, mut io: I) {
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else { return };
        if self.security.is_on() {
            return;
        }
        tokio::spawn(async move {
            let _permit = permit;
            let refuse = async {
                io.write_all(TOO_MANY).await?;
                io.shutdown().await
            };
            // A client that does not read in time finds the connection closed.
            let _sent = tokio::time::timeout(REFUSAL_TIMEOUT, refuse).await;
        });
    }

    /// Waits until a connection ends. Cancel-safe.
    async fn reap(&mut self) {
        let ended = match self.tasks.join_next_with_id().await {
            None => return,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                if error.is_panic() {
                    tracing::error!("a connection panicked");
                }
                error.id()
            }
        };
        self.states.remove(&ended);
    }

    fn advance(&self, phase: ConnPhase) {
        for state in self.states.values() {
            state.advance(phase);
        }
    }

    async fn finish(mut self, limit: Duration) -> ServeReport {
        self.advance(ConnPhase::Draining);
        let all = async {
            while !self.is_empty() {
                self.reap().await;
            }
        };
        let mut cut = 0;
        if tokio::time::timeout(limit, all).await.is_err() {
            cut = self.states.len();
            self.server.close();
            self.advance(ConnPhase::Cut);
            while !self.is_empty() {
                self.reap().await;
            }
        }
        self.server.close();
        ServeReport { connections: self.count, cut }
    }
}

/// Serves one connection, with TLS if the server has TLS.
async fn secured<I>(security: Tls, conn: Conn, io: I)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    #[cfg(feature = "tls")]
    if let Some(config) = security.tls {
        // Boxed, so that connections without TLS do not have space for it.
        return boxed(|| with_tls(config, conn, io)).await;
    }
    let _no_tls = security;
    conn::serve(conn, io, None).await;
}

#[cfg(feature = "tls")]
async fn with_tls<I>(config: Arc<rustls::ServerConfig>, mut conn: Conn, io: I)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limit = conn.server.config.timeouts.headers;
    let handshake = tokio_rustls::TlsAcceptor::from(config).accept(io);
    match boxed(|| conn::before_requests(&conn.state, limit, handshake)).await {
        Some(Ok(io)) => {
            let tls = io.get_ref().1;
            let http2 = tls.alpn_protocol() == Some(b"h2");
            if let Some([certificate, ..]) = tls.peer_certificates()
                // No request has a copy yet.
                && let Some(source) = Arc::get_mut(&mut conn.source)
            {
                source.set_certificate(certificate);
            }
            conn::serve(conn, io, Some(http2)).await;
        }
        Some(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        None => tracing::debug!(?limit, "a TLS handshake took too long, or the server stops"),
    }
}
