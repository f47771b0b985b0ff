//! The settings of a client, with their defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::Authorize;
use crate::Secret;

/// The settings of a client. Plain data: change what you need.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Headers that go with every request, and to no other origin. The transport's own and hop-by-hop headers are
    /// refused: `Accept`, `Content-Type`, `Host`, `Mcp-*` and their like. Shown nowhere.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A fixed bearer token: goes with every request (ledger SEC-C-006). [`ClientConfig::authorize`] wins over it.
    pub bearer: Option<Secret>,
    /// Credentials that change.
    pub authorize: Option<Arc<dyn Authorize>>,
    /// Bounds on what is read.
    pub limits: ClientLimits,
    /// Bounds in time.
    pub timeouts: Timeouts,
    /// How broken legacy streams are taken up again.
    pub reconnect: ReconnectStreams,
    /// Which versions of HTTP are spoken.
    pub versions: HttpVersions,
    /// Where proxies come from.
    pub proxy: Proxy,
    /// More certificates to trust, in PEM, beside the system's.
    pub extra_roots: Vec<Vec<u8>>,
    /// Trust any certificate. For tests only.
    pub insecure: bool,
    /// The most calls at once; calls beyond wait, first come first served. Over HTTP/1.1 each has a connection of its
    /// own. Streams that stay open do not count. 0 is no limit.
    pub connections: usize,
    /// Send credentials over `http` to other machines too, where anybody on the way can read them.
    pub allow_plain_credentials: bool,
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        ClientConfig {
            headers: Vec::new(),
            bearer: None,
            authorize: None,
            limits: ClientLimits::default(),
            timeouts: Timeouts::default(),
            reconnect: ReconnectStreams::default(),
            versions: HttpVersions::Auto,
            proxy: Proxy::Environment,
            extra_roots: Vec::new(),
            insecure: false,
            connections: 64,
            allow_plain_credentials: false,
        }
    }
}

/// What a client reads at most, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// A JSON body.
    pub body: usize,
    /// One event of a stream.
    pub event: usize,
    /// What is kept of the body of a refusal.
    pub error_body: usize,
    /// The headers of a response, together.
    pub headers: usize,
}

impl Default for ClientLimits {
    fn default() -> ClientLimits {
        ClientLimits { body: 16 << 20, event: 16 << 20, error_body: 64 << 10, headers: 64 << 10 }
    }
}

/// How long a step may take. `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Name, TCP, proxy and TLS together.
    pub connect: Option<Duration>,
    /// From handing the request to the connection to the head of its answer. The session bounds calls itself; this
    /// catches dead peers.
    pub first_byte: Option<Duration>,
    /// Between two reads of a body or of a stream that owes an answer.
    pub idle: Option<Duration>,
    /// One whole exchange, streams that stay open excepted.
    pub total: Option<Duration>,
    /// DELETE of the session on close.
    pub delete: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Some(Duration::from_secs(10)),
            first_byte: None,
            idle: Some(Duration::from_secs(300)),
            total: None,
            delete: Duration::from_secs(5),
        }
    }
}

/// How a broken legacy stream is taken up again: wait, then GET with the last event id.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReconnectStreams {
    /// The first wait.
    pub first: Duration,
    /// What each further wait is multiplied by.
    pub factor: f64,
    /// The longest wait of our own choice.
    pub cap: Duration,
    /// Tries without a new event before the stream is given up.
    pub tries: u32,
    /// The longest wait that a server may ask for by `retry`; beyond it the stream is given up.
    pub longest_retry: Duration,
}

impl Default for ReconnectStreams {
    fn default() -> ReconnectStreams {
        ReconnectStreams {
            first: Duration::from_secs(1),
            factor: 1.5,
            cap: Duration::from_secs(30),
            tries: 5,
            longest_retry: Duration::from_secs(300),
        }
    }
}

/// Which versions of HTTP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only, also without TLS. Servers that speak HTTP/1.1 only cannot be reached.
    Http2,
}

/// Where proxies come from. Proxies are spoken to by `http`: requests for `http` URLs are forwarded, `https` goes through
/// a tunnel. `Debug` shows no user info.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case. Never for loopback.
    Environment,
    /// None.
    None,
    /// This one, for every request. User info in it is sent as `Proxy-Authorization`.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::Environment => f.write_str("Environment"),
            Proxy::None => f.write_str("None"),
            Proxy::Url(url) => {
                // What stands before the last `@` may be a secret, however the rest is written.
                let host = url.rsplit('@').next().unwrap_or_default();
                f.debug_tuple("Url").field(&host).finish()
            }
        }
    }
}
