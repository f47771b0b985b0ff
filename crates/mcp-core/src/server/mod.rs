//! The server's side: who serves, what, and how it stops.
//!
//! ```no_run
//! # use mcp_core::{server::{Router, Server, Tool, ToolError}, transport::Transport};
//! # async fn example(link: impl Transport) {
//! let router = Router::new().tool(
//!     Tool::new("greet").description("Says hello").input(r#"{"type":"object"}"#),
//!     |arguments, _context| async move {
//!         let name = arguments.member("name").and_then(|name| name.to_text());
//!         Ok::<_, ToolError>(format!("Hello, {}!", name.ok_or("who?")?))
//!     },
//! );
//! Server::builder("example", "1.0.0").build(router).serve(link).await;
//! # }
//! ```

mod builder;
pub(crate) mod command;
pub(crate) mod context;
mod handler;
mod layer;
pub(crate) mod link;
mod router;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

pub use crate::session::server::{Reply, RequestContext, ServerConfig};
pub use builder::ServerBuilder;
pub use context::Context;
pub use handler::{Handler, IncomingRequest};
pub use layer::Layer;
pub use router::{Prompt, Resource, Router, Template, Tool, ToolError, ToolReply};

pub(crate) use builder::ServerLimits;

use crate::driver;
use crate::driver::signal::Signal;
use crate::message::{ProtocolVersion, RawJson};
use crate::session::Change;
use crate::transport::{Accept, Envelope, Transport};
use command::Command;
use link::LinkShared;

/// A server: an identity, capabilities and a [`Handler`], for any number of links. Cloning it is cheap;
/// all clones are the same server.
///
/// Give an `Arc` of it to a listener: it implements [`Accept`].
#[derive(Clone)]
pub struct Server {
    shared: Arc<ServerShared>,
}

/// What all links of a server share.
pub(crate) struct ServerShared {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) limits: ServerLimits,
    /// Requests that handlers are serving, on all links.
    pub(crate) in_flight: AtomicUsize,
    stopping: Arc<Signal>,
    links: Mutex<HashMap<u64, Arc<LinkShared>>>,
    next_link: AtomicU64,
    link_ended: Notify,
}

/// Takes a link off the server's list when its driver ends, in whatever way.
struct Registered<'a> {
    server: &'a ServerShared,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.server.links().remove(&self.number);
        self.server.link_ended.notify_waiters();
    }
}

impl ServerShared {
    fn links(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<LinkShared>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_all(&self, command: impl Fn() -> Command) {
        for link in self.links().values() {
            link.command(command());
        }
    }

    async fn drive(self: &Arc<Self>, link: Box<dyn Transport>) {
        let number = self.next_link.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(LinkShared::new(number, self.stopping.clone()));
        self.links().insert(number, shared.clone());
        let _registered = Registered { server: self, number };
        // After the insert: a drain either sees the link on the list or is seen here.
        if self.stopping.is_raised() {
            shared.command(Command::Drain);
        }
        driver::server::run(self.clone(), shared, link).await;
    }

    /// Waits until no link is left.
    async fn idle(&self) {
        loop {
            let mut ended = std::pin::pin!(self.link_ended.notified());
            ended.as_mut().enable();
            if self.links().is_empty() {
                return;
            }
            ended.await;
        }
    }
}

impl Server {
    /// Sets up a server that calls itself by this name and version.
    pub fn builder(name: &str, version: &str) -> ServerBuilder {
        Server::with_info(RawJson::object([
            ("name", RawJson::string(name)),
            ("version", RawJson::string(version)),
        ]))
    }

    /// Sets up a server with this `Implementation` object.
    pub fn with_info(info: RawJson) -> ServerBuilder {
        ServerBuilder::new(ServerConfig::new(info, RawJson::EMPTY_OBJECT))
    }

    fn from_parts(config: ServerConfig, limits: ServerLimits, handler: Arc<dyn Handler>) -> Server {
        Server {
            shared: Arc::new(ServerShared {
                config: Arc::new(config),
                handler,
                limits,
                in_flight: AtomicUsize::new(0),
                stopping: Arc::default(),
                links: Mutex::default(),
                next_link: AtomicU64::new(0),
                link_ended: Notify::new(),
            }),
        }
    }

    /// Serves one link to its end. Needs a tokio runtime. Dropping the future drops the link and the
    /// handlers that run inline; handlers in tasks of their own see [`Context::cancelled`].
    pub async fn serve(&self, link: impl Transport) {
        self.shared.drive(Box::new(link)).await;
    }

    /// Tells every subscriber on every link that something changed. Returns at once. Behind a peer that
    /// reads slowly, equal changes become one.
    pub fn publish(&self, change: Change) {
        self.shared.tell_all(|| Command::Publish(change.clone()));
    }

    /// Stops: tells the handlers (see [`Context::stopping`]), ends subscriptions, refuses new requests,
    /// waits until what was accepted is answered, then closes the links. After `deadline` it closes them
    /// anyway, and what is not done gets no outcome. Dropped, the stop goes on without the deadline.
    ///
    /// Returns whether everything was answered in time.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.begin_drain();
        let done = tokio::time::timeout(deadline, self.shared.idle()).await.is_ok();
        if !done {
            self.shared.tell_all(|| Command::Close);
            // Closing a link is bounded in time by promise 8 of the transport.
            self.shared.idle().await;
        }
        done
    }

    fn begin_drain(&self) {
        self.shared.stopping.raise();
        self.shared.tell_all(|| Command::Drain);
    }

    /// How many links are open.
    pub fn links(&self) -> usize {
        self.shared.links().len()
    }

    /// The configuration.
    pub fn config(&self) -> &ServerConfig {
        &self.shared.config
    }
}

#[async_trait]
impl Accept for Server {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        self.shared.drive(link).await;
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &self.shared.config.versions
    }

    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        self.shared.handler.input_schema(tool, envelope).await
    }

    fn drain(&self) {
        self.begin_drain();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
