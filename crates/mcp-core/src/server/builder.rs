//! How a server is set up.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::message::ProtocolVersion;
use crate::server::driver::ServerLimits;
use crate::session::server::ServerConfig;

use super::{Handler, Layer, Server};

type Wrap = Box<dyn FnOnce(Arc<dyn Handler>) -> Arc<dyn Handler>>;

/// Sets up a [`Server`].
#[must_use = "nothing happens before `build`"]
pub struct ServerBuilder {
    config: ServerConfig,
    limits: ServerLimits,
    layers: Vec<Wrap>,
}

impl ServerBuilder {
    pub(super) fn new(config: ServerConfig) -> ServerBuilder {
        ServerBuilder { config, limits: ServerLimits::default(), layers: Vec::new() }
    }

    /// Sets instructions for the model behind the client. Default: none.
    pub fn instructions(mut self, text: impl Into<String>) -> ServerBuilder {
        self.config.instructions = Some(text.into());
        self
    }

    /// Sets the protocol revisions that are served, newest first. Default: all.
    pub fn versions(mut self, versions: impl Into<Vec<ProtocolVersion>>) -> ServerBuilder {
        self.config.versions = versions.into();
        self
    }

    /// Changes any other setting of the sessions. The capabilities come from the handler.
    pub fn configure(mut self, change: impl FnOnce(&mut ServerConfig)) -> ServerBuilder {
        change(&mut self.config);
        self
    }

    /// Limits how many requests may be in flight on all links together; further ones are refused with an error.
    /// Default 1,024.
    pub fn max_in_flight(mut self, requests: usize) -> ServerBuilder {
        self.limits.in_flight = requests;
        self
    }

    /// Limits how long a peer may leave a message unread before its link counts as failed. Default 60 s.
    pub fn write_timeout(mut self, limit: Duration) -> ServerBuilder {
        self.limits.write_timeout = limit;
        self
    }

    /// Limits how long a handler may run after its request was cancelled. Default 5 s.
    pub fn grace(mut self, limit: Duration) -> ServerBuilder {
        self.limits.grace = limit;
        self
    }

    /// Limits how long handlers may run after the peer closed its sending side. Their answers are still sent. Default
    /// 30 s.
    pub fn linger(mut self, limit: Duration) -> ServerBuilder {
        self.limits.linger = limit;
        self
    }

    /// Puts a layer around the handler. The first layer is the outermost.
    pub fn layer(mut self, layer: impl Layer + 'static) -> ServerBuilder {
        self.layers.push(Box::new(move |inner| layer.wrap(inner)));
        self
    }

    /// Builds the server with this handler. The capabilities are read once, here, through the layers.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the handler finds a mistake in its own setup ([`Handler::validate`]): for a
    /// [`Router`](crate::server::Router), a tool whose input schema is not a JSON object, for example.
    pub fn build(mut self, handler: impl Handler) -> Result<Server, Error> {
        handler.validate()?;
        let mut handler: Arc<dyn Handler> = Arc::new(handler);
        for wrap in self.layers.into_iter().rev() {
            handler = wrap(handler);
        }
        self.config.capabilities = handler.capabilities();
        Ok(Server::from_parts(self.config, self.limits, handler))
    }
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
