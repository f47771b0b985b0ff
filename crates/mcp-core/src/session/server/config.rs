//! Settings of a server session.

use std::time::Duration;

use crate::message::{ProtocolVersion, RawJson};
use crate::session::LogLevel;

/// Settings of a server session, shared by all links of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The server's `Implementation`: name, version.
    pub info: RawJson,
    /// The server's capabilities: an object.
    pub capabilities: RawJson,
    /// Instructions for the model that uses the server.
    pub instructions: Option<String>,
    /// The served revisions, newest first.
    pub versions: Vec<ProtocolVersion>,
    /// Whether modern results carry `serverInfo`. Default true.
    pub send_info: bool,
    /// The most requests in flight on one link, in each direction. Further ones wait in a [`Server`](crate::server::Server),
    /// which reads the link no further; a session alone refuses them. Default 1,024.
    pub max_in_flight: usize,
    /// The most bytes that a peer can make one link keep: params in flight, filters and URIs of subscriptions, answers to
    /// requests for input. Default 64 MiB.
    pub max_in_flight_bytes: usize,
    /// The most subscriptions on one link. Default 1,024.
    pub max_listens: usize,
    /// The most rounds of input of one request on a legacy link. Default 8.
    pub max_input_rounds: u32,
    /// How long a legacy client may take to answer a request. `Duration::MAX` means no limit. Default 10 min.
    pub input_timeout: Duration,
    /// The default `ttlMs` of results that carry caching hints. Default 0.
    pub cache_ttl_ms: u64,
    /// Whether the default `cacheScope` is public. Default false: private.
    pub cache_public: bool,
    /// The least severe level of the log messages that a legacy client gets which has set no level. Default `info`.
    pub log_level: LogLevel,
    /// Whether `logging/setLevel`, `resources/subscribe`, `resources/unsubscribe` and `subscriptions/listen` reach the
    /// handler, as other requests do. For gateways. Default false: the session answers them, and
    /// [`Server::publish`](crate::server::Server::publish) finds the subscribers.
    ///
    /// The session still checks their params, and keeps the level. A `subscriptions/listen` is open until the handler
    /// returns its result; before that the handler sends the acknowledgement and the changes with
    /// [`Context::notify`](crate::server::Context::notify).
    pub pass_through: bool,
}

impl ServerConfig {
    /// The defaults, with this `Implementation` object and these capabilities.
    pub fn new(info: RawJson, capabilities: RawJson) -> ServerConfig {
        ServerConfig {
            info,
            capabilities,
            instructions: None,
            versions: ProtocolVersion::ALL.to_vec(),
            send_info: true,
            max_in_flight: 1024,
            max_in_flight_bytes: 64 << 20,
            max_listens: 1024,
            max_input_rounds: 8,
            input_timeout: Duration::from_secs(600),
            cache_ttl_ms: 0,
            cache_public: false,
            log_level: LogLevel::Info,
            pass_through: false,
        }
    }
}
