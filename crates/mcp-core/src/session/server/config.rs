//! What a server session is told once.

use std::time::Duration;

use crate::message::{ProtocolVersion, RawJson};

/// What a server session is told once; shared by all links of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The server's `Implementation`: name, version.
    pub info: RawJson,
    /// The server's capabilities: an object.
    pub capabilities: RawJson,
    /// For the model behind the client.
    pub instructions: Option<String>,
    /// The revisions that are served, newest first.
    pub versions: Vec<ProtocolVersion>,
    /// Whether modern results carry `serverInfo` (META-S-009).
    pub send_info: bool,
    /// Requests in flight on one link, in each direction; one more is answered with an error. Default 1,024.
    pub max_in_flight: usize,
    /// Bytes that peers make one link keep: params in flight, filters and URIs that are subscribed to,
    /// answers to questions. Default 64 MiB.
    pub max_in_flight_bytes: usize,
    /// Subscriptions on one link. Default 1,024.
    pub max_listens: usize,
    /// Times that one request may ask a legacy client for input. Default 8.
    pub max_input_rounds: u32,
    /// How long a legacy client may take to answer, be it a handler's question or the server's own request.
    /// Default 10 min.
    pub input_timeout: Duration,
    /// The default `ttlMs` of results that carry caching hints. Default 0.
    pub cache_ttl_ms: u64,
    /// The default `cacheScope`: public or, by default, private.
    pub cache_public: bool,
}

impl ServerConfig {
    /// The defaults, for a server with this `Implementation` object and these capabilities.
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
        }
    }
}
