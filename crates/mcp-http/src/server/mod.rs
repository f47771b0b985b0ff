//! The server side: both eras on one URL.

mod body;
mod caller;
mod config;
mod core;
mod gate;
mod hooks;
mod legacy;
mod modern;
mod read;
mod respond;
mod service;

use std::sync::Arc;

use mcp_core::transport::Accept;

pub use caller::{HttpRequest, Peer};
pub use config::{Cors, ServerConfig, ServerLimits, ServerTimeouts, Sessions};
pub use hooks::{Authenticate, Denied, Identity, RequestHead};

/// Serves one MCP endpoint over HTTP.
pub struct HttpServer {
    accept: Arc<dyn Accept>,
    config: ServerConfig,
}

impl HttpServer {
    /// A server that hands its links to this.
    pub fn new(accept: Arc<dyn Accept>) -> HttpServer {
        HttpServer { accept, config: ServerConfig::default() }
    }

    /// The same with these settings.
    #[must_use]
    pub fn with_config(mut self, config: ServerConfig) -> HttpServer {
        self.config = config;
        self
    }
}
