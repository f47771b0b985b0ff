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
    config: Arc<ServerConfig>,
    limits: ServerLimits,
    layers: Vec<Wrap>,
}

impl ServerBuilder {
    pub(super) fn new(config: Arc<ServerConfig>) -> ServerBuilder {
        ServerBuilder { config, limits: ServerLimits::default(), layers: Vec::new() }
    }

    /// Sets instructions for the model behind the client. Default: none.
    pub fn instructions(mut self, text: impl Into<String>) -> ServerBuilder {
        Arc::make_mut(&mut self.config).instructions = Some(text.into());
        self
    }

    /// Sets the protocol revisions that are served, newest first. Default: all.
    pub fn versions(mut self, versions: impl Into<Vec<ProtocolVersion>>) -> ServerBuilder {
        Arc::make_mut(&mut self.config).versions = versions.into();
        self
    }

    /// Changes any other setting of the sessions. The capabilities come from the handler.
    pub fn configure(mut self, change: impl FnOnce(&mut ServerConfig)) -> ServerBuilder {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The most requests in flight on all links together. Default 1,024. Each caller and each link has a share of them:
    /// see [`budget`](crate::transport::budget). Further requests wait: while the link's own requests hold its share,
    /// until one of them ends; while others hold the places, for [`ServerBuilder::busy_after`].
    pub fn max_in_flight(mut self, requests: usize) -> ServerBuilder {
        self.limits.in_flight = requests;
        self
    }

    /// The most bytes of requests in flight on all links together. Default 256 MiB. Shared as
    /// [`ServerBuilder::max_in_flight`].
    pub fn max_in_flight_bytes(mut self, bytes: usize) -> ServerBuilder {
        self.limits.in_flight_bytes = bytes;
        self
    }

    /// The most requests of one link that wait for a place. At that number, or at 1 MiB, the link is not read until one
    /// of them is served, or for 5 s at most. Default 256.
    pub fn max_waiting(mut self, requests: usize) -> ServerBuilder {
        self.limits.waiting = requests;
        self
    }

    /// How long a request waits for a place that others hold before it is refused as busy. Default 1 s.
    pub fn busy_after(mut self, limit: Duration) -> ServerBuilder {
        self.limits.busy_after = limit;
        self
    }

    /// The most subscriptions of all links together, each with a place of its caller and its link. Default 1,024.
    pub fn max_subscriptions(mut self, subscriptions: usize) -> ServerBuilder {
        self.limits.subscriptions = subscriptions;
        self
    }

    /// The most memory that subscriptions of all links take, in bytes. Default 64 MiB.
    pub fn max_subscription_bytes(mut self, bytes: usize) -> ServerBuilder {
        self.limits.subscription_bytes = bytes;
        self
    }

    /// The most bytes of answers that the peers of all links have not read. Beyond that an answer is replaced by an error,
    /// and the link that holds most of them and has written nothing for a second is ended. Default 256 MiB.
    pub fn max_unread_bytes(mut self, bytes: usize) -> ServerBuilder {
        self.limits.unread_bytes = bytes;
        self
    }

    /// The most bytes of answers that the peer of one link has not read. From half of it on the link is not read and no
    /// handler starts; beyond it an answer is replaced by an error. Default 64 MiB.
    pub fn max_link_unread_bytes(mut self, bytes: usize) -> ServerBuilder {
        self.limits.link_unread_bytes = bytes;
        self
    }

    /// The most bytes of answers that are collected for one batch (2025-03-26). Further answers are replaced by errors.
    /// Default 16 MiB.
    pub fn max_batch_bytes(mut self, bytes: usize) -> ServerBuilder {
        self.limits.batch_bytes = bytes;
        self
    }

    /// The most bytes of notifications that wait for [`Handler::notified`], of all links together; at most 256 wait for
    /// one link. The oldest of a link are dropped. Default 64 MiB.
    pub fn max_notice_bytes(mut self, bytes: usize) -> ServerBuilder {
        self.limits.notice_bytes = bytes;
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

    /// Gives each handler a task on links of many requests. Default: no. A handler is then polled in the task of its link
    /// first, and gets a task only if it has to wait. On a runtime with several threads this begins after a tool has
    /// answered within 0.1 ms in four consecutive calls, and ends when it takes longer. Until its first `await` a handler that
    /// is polled in place delays the other requests of its link: set this if a tool that is usually quick may block its
    /// thread.
    pub fn spawn_handlers(mut self, spawn: bool) -> ServerBuilder {
        self.limits.spawn_handlers = spawn;
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
    /// [`Error::Misuse`] if no revision is served, or the handler finds a mistake in its own setup
    /// ([`Handler::validate`]): for a [`Router`](crate::server::Router), a tool whose input schema is not a JSON object,
    /// for example.
    pub fn build(mut self, handler: impl Handler) -> Result<Server, Error> {
        if self.config.versions.is_empty() {
            return Err(Error::Misuse("no protocol revision is served: `versions` is empty".to_owned()));
        }
        handler.validate()?;
        let mut handler: Arc<dyn Handler> = Arc::new(handler);
        for wrap in self.layers.into_iter().rev() {
            handler = wrap(handler);
        }
        let capabilities = handler.capabilities();
        if self.config.capabilities != capabilities {
            Arc::make_mut(&mut self.config).capabilities = capabilities;
        }
        Ok(Server::from_parts(self.config, self.limits, handler))
    }
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
