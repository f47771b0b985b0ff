//! The settings of a server, with their defaults: loopback only, nothing open.

use std::sync::Arc;
use std::time::Duration;

use super::{Authenticate, Cors, EventStore, MemoryEventStore, OriginRule};
use crate::Secret;

/// The settings of a server. Plain data: change what you need.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpServerConfig {
    /// The path of the endpoint. Default `/mcp`.
    pub path: String,
    /// Whether the path is served with a slash behind it too. Default `true`.
    pub trailing_slash: bool,
    /// Hosts (with or without a port) that requests may name beside loopback ones. Needed for any other bind.
    pub hosts: Vec<String>,
    /// Origins that browsers may come from, beside loopback ones on a loopback bind. Default: none.
    pub origins: Vec<OriginRule>,
    /// What browsers are told. Off by default.
    pub cors: Cors,
    /// Who calls.
    pub authenticate: Option<Arc<dyn Authenticate>>,
    /// One fixed bearer token that every request needs, compared in constant time.
    pub bearer: Option<Secret>,
    /// Bounds on what is read and held.
    pub limits: ServerLimits,
    /// Bounds in time.
    pub timeouts: ServerTimeouts,
    /// Legacy sessions.
    pub sessions: SessionConfig,
    /// Where what is said on legacy streams is kept, so that clients whose connection broke can ask for the rest, and so
    /// that handlers can have them wait without one ([`StreamControl`](super::StreamControl)). By default in memory,
    /// with the bounds of [`StoreLimits`](super::StoreLimits); answers that go out as one JSON body are never kept.
    /// `None`: a stream that breaks is lost.
    pub event_store: Option<Arc<dyn EventStore>>,
    /// Whether the two endpoints of 2024-11-05 are served too: `GET` on the first path, `POST` on the second.
    pub http_sse: bool,
    /// The path of the stream of 2024-11-05.
    pub sse_path: String,
    /// The path that clients of 2024-11-05 are told to send their messages to.
    pub messages_path: String,
    /// A path that answers 200 with no body while the server serves, 503 while it drains.
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
            limits: ServerLimits::default(),
            timeouts: ServerTimeouts::default(),
            sessions: SessionConfig::default(),
            event_store: Some(Arc::new(MemoryEventStore::default())),
            http_sse: false,
            sse_path: "/sse".to_owned(),
            messages_path: "/messages".to_owned(),
            health: None,
        }
    }
}

/// What a server reads and holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// The body of a request, in bytes (413).
    pub body: usize,
    /// The headers of a request together, in bytes (431).
    pub headers: usize,
    /// How many headers (431).
    pub header_count: usize,
    /// Connections at once.
    pub connections: usize,
    /// Messages that wait for a reader that does not read, for one stream.
    pub stream_queue: usize,
}

impl Default for ServerLimits {
    fn default() -> ServerLimits {
        ServerLimits {
            body: 4 << 20,
            headers: 64 << 10,
            header_count: 100,
            connections: 10_000,
            stream_queue: 256,
        }
    }
}

/// How long a step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTimeouts {
    /// From the first byte of a request, or from accept, to the end of its headers.
    pub headers: Duration,
    /// In which a body has to bring 1 KiB, or its end (408).
    pub body: Duration,
    /// A write that the peer does not take. On HTTP/2: each 16 KiB of an answer, and each event.
    pub write: Duration,
    /// A kept connection without a request. On HTTP/2 the last answers have as long again to be read.
    pub idle: Duration,
    /// A comment on a silent stream, and the time after which an answer becomes a stream.
    pub keep_alive: Duration,
    /// What open exchanges have to end in a graceful shutdown.
    pub drain: Duration,
}

impl Default for ServerTimeouts {
    fn default() -> ServerTimeouts {
        ServerTimeouts {
            headers: Duration::from_secs(30),
            body: Duration::from_secs(30),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(120),
            keep_alive: Duration::from_secs(15),
            drain: Duration::from_secs(10),
        }
    }
}

/// Legacy sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// How many at once (503).
    pub max: usize,
    /// How long one may be silent before it ends.
    pub idle: Duration,
    /// What is told by `retry` where a stream may be polled (ledger SSE-S-007).
    pub retry: Duration,
}

impl Default for SessionConfig {
    fn default() -> SessionConfig {
        SessionConfig { max: 10_000, idle: Duration::from_secs(30 * 60), retry: Duration::from_secs(1) }
    }
}
