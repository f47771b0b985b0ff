//! The settings of a server and their defaults, which allow loopback only.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Authenticate, Cors, Document, EventStore, MemoryEventStore, OriginRule, Page, SessionEvents};
use crate::{HttpError, Secret};

/// The settings of a server. Start from [`default`](Default::default) and change fields.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpServerConfig {
    /// The path of the endpoint. Default `/mcp`.
    pub path: String,
    /// Whether the path with a trailing slash is the same endpoint. Default `true`.
    pub trailing_slash: bool,
    /// Hosts that requests may name in addition to loopback ones, as `host` (any port) or `host:port`; `*.domain` means
    /// all names below a domain. Required unless the server is bound to a loopback address.
    pub hosts: Vec<String>,
    /// Origins that are allowed in addition to loopback ones on a loopback bind. Default: none.
    pub origins: Vec<OriginRule>,
    /// CORS. Default: off.
    pub cors: Cors,
    /// The hook that identifies callers. Default: none.
    pub authenticate: Option<Arc<dyn Authenticate>>,
    /// A fixed bearer token that every request must carry, compared in constant time. Default: none.
    pub bearer: Option<Secret>,
    /// Addresses of proxies in front of this server, whose connections carry the requests of many callers. Callers without
    /// an identity share budgets by their address, and behind a proxy by the connection. Default: none.
    pub proxies: Vec<IpAddr>,
    /// Whether `X-Forwarded-For`, `-Proto` and `-Host` of the [`proxies`](HttpServerConfig::proxies), and of a proxy behind a
    /// Unix socket, say who the client is: in [`HttpRequest::peer`](super::HttpRequest::peer),
    /// [`HttpRequest::origin`](super::HttpRequest::origin) and the shares of callers without an identity. The proxies have to
    /// set or append these headers. Default `false`.
    pub forwarded: bool,
    /// Whether their `X-Forwarded-Prefix` goes in front of the path that HTTP+SSE clients receive. Default `false`.
    pub forwarded_prefix: bool,
    /// Limits on sizes and numbers.
    pub limits: ServerLimits,
    /// Limits in time.
    pub timeouts: ServerTimeouts,
    /// Legacy sessions.
    pub sessions: SessionConfig,
    /// Keeps the events of legacy streams, so that clients can resume a broken stream, and handlers can close a connection
    /// for a while ([`StreamControl`](super::StreamControl)). Answers in one JSON body are not kept. Default: in memory,
    /// bounded by [`StoreLimits`](super::StoreLimits). `None`: streams cannot be resumed.
    pub event_store: Option<Arc<dyn EventStore>>,
    /// Whether the transport of 2024-11-05 (HTTP+SSE) is also served, on the next two paths. Default `false`.
    pub http_sse: bool,
    /// The path of the HTTP+SSE stream (`GET`). Default `/sse`.
    pub sse_path: String,
    /// The path to which HTTP+SSE clients send messages (`POST`). Default `/messages`.
    pub messages_path: String,
    /// The path that HTTP+SSE clients receive for their messages, if a proxy changes paths on the way here. Default: that of
    /// `messages_path`.
    pub public_messages_path: Option<String>,
    /// Fixed texts beside the endpoint, which need no credentials. Default: none.
    pub documents: Vec<Document>,
    /// Texts beside the endpoint that are made anew for each request, for those who may use the endpoint. Default: none.
    pub pages: Vec<Page>,
    /// A path for health probes: 200 while the server serves, 503 while it drains, without a body. `Host`, `Origin`
    /// and credentials of the request are not checked. Default: none.
    pub health: Option<String>,
}

impl Default for HttpServerConfig {
    fn default() -> HttpServerConfig {
        HttpServerConfig {
            path: "/mcp".to_owned(),
            trailing_slash: true,
            hosts: Vec::new(),
            origins: Vec::new(),
            cors: Cors::default(),
            authenticate: None,
            bearer: None,
            proxies: Vec::new(),
            forwarded: false,
            forwarded_prefix: false,
            limits: ServerLimits::default(),
            timeouts: ServerTimeouts::default(),
            sessions: SessionConfig::default(),
            event_store: Some(Arc::new(MemoryEventStore::default())),
            http_sse: false,
            sse_path: "/sse".to_owned(),
            messages_path: "/messages".to_owned(),
            public_messages_path: None,
            documents: Vec::new(),
            pages: Vec::new(),
            health: None,
        }
    }
}

/// Limits on sizes and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Bytes of a request body; beyond it 413. Default 4 MiB.
    pub body: usize,
    /// Bytes of all headers of a request; beyond it 431. Default 64 KiB.
    pub headers: usize,
    /// Number of headers of a request; beyond it 431. Default 100; on HTTP/1 at most 16,384.
    pub header_count: usize,
    /// Open connections; further ones get 503. Default 10,000.
    pub connections: usize,
    /// Messages of one stream that wait for its reader. Default 256.
    pub stream_queue: usize,
    /// Bytes of all request bodies that are being received; beyond it 503 for the slowest one. Callers and connections have
    /// [shares](mcp_core::transport::budget). Default 256 MiB.
    pub bodies: usize,
    /// Bytes of all answers and events that clients have not read. A caller whose share is full gets 503, and the slowest
    /// reader is cut. Default 256 MiB.
    pub unread: usize,
    /// Open streams of legacy sessions that GET requests have opened; beyond it 503. Default 10,000.
    pub streams: usize,
}

impl Default for ServerLimits {
    fn default() -> ServerLimits {
        ServerLimits {
            body: 4 << 20,
            headers: 64 << 10,
            header_count: 100,
            connections: 10_000,
            stream_queue: 256,
            bodies: 256 << 20,
            unread: 256 << 20,
            streams: 10_000,
        }
    }
}

/// Time limits. [`Duration::MAX`] sets no limit. Zero is a [wrong setting](HttpError::Setting), because nothing could
/// be served within it; for `drain_delay` and `drain` it skips the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTimeouts {
    /// The longest time from the first byte of a request, or from accept, to the end of its headers. Default 30 s.
    pub headers: Duration,
    /// The interval within which each 1 KiB of a body, or its end, must arrive; otherwise 408. Default 30 s.
    pub body: Duration,
    /// The longest time that a write may wait for the client to read. On HTTP/2 the limit applies to each 16 KiB of
    /// an answer and to each event, and the stream is reset. Default 60 s.
    pub write: Duration,
    /// The longest time that a connection stays open without a request. On HTTP/2, the last answers may take the same
    /// time again to be read. Default 120 s.
    pub idle: Duration,
    /// The interval of comments on a silent stream, and the time after which an answer becomes a stream.
    /// [`Duration::MAX`]: no comments, and only a message makes a stream. Default 15 s.
    pub keep_alive: Duration,
    /// Time for a hook of the application, such as [`Authenticate`]; beyond it 503. Default 10 s.
    pub hook: Duration,
    /// How long a shutdown is announced before it begins: health probes are answered 503, work goes on, and kept HTTP/1
    /// connections end with their next answer. Longer than a load balancer needs to notice. Default 0.
    pub drain_delay: Duration,
    /// The time for open exchanges in a graceful shutdown. Default 10 s.
    pub drain: Duration,
}

impl ServerTimeouts {
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a limit that nothing could keep.
    pub(super) fn check(&self) -> Result<(), HttpError> {
        let limits = [
            ("headers", self.headers),
            ("body", self.body),
            ("write", self.write),
            ("idle", self.idle),
            ("keep_alive", self.keep_alive),
            ("hook", self.hook),
        ];
        match limits.iter().find(|(_, limit)| limit.is_zero()) {
            Some((name, _)) => Err(HttpError::Setting {
                what: format!("timeouts.{name}"),
                why: "it is zero; Duration::MAX sets no limit".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

impl Default for ServerTimeouts {
    fn default() -> ServerTimeouts {
        ServerTimeouts {
            headers: Duration::from_secs(30),
            body: Duration::from_secs(30),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(120),
            keep_alive: Duration::from_secs(15),
            hook: Duration::from_secs(10),
            drain_delay: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}

/// Legacy sessions.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Whether legacy clients get sessions. Without them every replica can answer every request: answers are JSON, `GET` and
    /// `DELETE` get 405, and the server cannot ask or notify a client. Default `true`.
    pub enabled: bool,
    /// Whether a legacy request is cancelled when its client drops the connection. By default it goes on, because the client
    /// may resume its stream. Default `false`.
    pub cancel_on_disconnect: bool,
    /// Is notified when sessions begin and end. Default: none.
    pub events: Option<Arc<dyn SessionEvents>>,
    /// Open sessions. Beyond it the session that is idle for longest ends; if none is idle, 503 with `Retry-After`. Each
    /// caller has a [share](mcp_core::transport::budget), within which the same holds. Default 10,000.
    pub max: usize,
    /// A session without a request or an open stream ends after this time. Default 30 min.
    pub idle: Duration,
    /// The same until the first request after the handshake, or the first stream. Default 60 s.
    pub unused: Duration,
    // Ledger SSE-S-007.
    /// The `retry` of streams that can be resumed: how long a client waits before it reconnects. Default 1 s.
    pub retry: Duration,
}

impl Default for SessionConfig {
    fn default() -> SessionConfig {
        SessionConfig {
            enabled: true,
            cancel_on_disconnect: false,
            events: None,
            max: 10_000,
            idle: Duration::from_secs(30 * 60),
            unused: Duration::from_secs(60),
            retry: Duration::from_secs(1),
        }
    }
}
