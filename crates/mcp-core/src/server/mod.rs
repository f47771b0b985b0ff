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
//!
//! [`Tool`], [`Prompt`], [`Resource`] and [`Template`] are what a [`Router`] lists: finished JSON text that goes
//! out as it is. The types of [`model`](crate::model) name every member, to read and to write; a router takes
//! them too. Closures that compute a list, contents or messages return `model` types.

mod builder;
mod context;
pub(crate) mod driver;
mod handler;
mod layer;
mod router;
#[cfg(feature = "seal")]
pub mod seal;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use crate::session::server::{Reply, RequestContext, ServerConfig};
pub use builder::ServerBuilder;
pub use context::Context;
pub use handler::{Handler, IncomingRequest};
pub use layer::Layer;
#[cfg(feature = "schemars")]
pub use router::ToolOutput;
pub use router::{Json, Prompt, Resource, Router, Template, Tool, ToolError, ToolReply};

use crate::message::{ProtocolVersion, RawJson};
use crate::runtime::boxed;
use crate::session::Change;
use crate::transport::{Accept, Envelope, Transport};
use driver::{ServerLimits, ServerShared};

/// A server: an identity, capabilities and a [`Handler`], for any number of links. Cloning it is cheap;
/// all clones are the same server.
///
/// Give an `Arc` of it to a listener: it implements [`Accept`].
#[derive(Clone)]
pub struct Server {
    shared: Arc<ServerShared>,
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
        Server { shared: Arc::new(ServerShared::new(config, limits, handler)) }
    }

    /// Serves one link to its end. Needs a tokio runtime. Dropping the future drops the link and the
    /// handlers that run inline; handlers in tasks of their own see [`Context::cancelled`].
    pub async fn serve(&self, link: impl Transport) {
        self.shared.drive(Box::new(link)).await;
    }

    /// Tells every subscriber on every link that something changed. Returns at once. Behind a peer that
    /// reads slowly, equal changes become one.
    pub fn publish(&self, change: Change) {
        self.shared.publish(change);
    }

    /// Stops: tells the handlers (see [`Context::stopping`]), ends subscriptions, refuses new requests,
    /// waits until what was accepted is answered, then closes the links. After `deadline` it closes them
    /// anyway, and what is not done gets no outcome. Dropped, the stop goes on without the deadline.
    ///
    /// Returns whether everything was answered in time.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.shared.drain(deadline).await
    }

    /// How many links are open.
    pub fn links(&self) -> usize {
        self.shared.open()
    }

    /// The configuration.
    pub fn config(&self) -> &ServerConfig {
        &self.shared.config
    }
}

#[async_trait]
impl Accept for Server {
    fn accept<'f>(self: Arc<Self>, link: Box<dyn Transport>) -> BoxFuture<'f, ()>
    where
        Self: 'f,
    {
        boxed(|| async move { self.shared.drive(link).await })
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &self.shared.config.versions
    }

    fn input_schema<'s, 'n, 'e, 'f>(
        &'s self,
        tool: &'n str,
        envelope: &'e Envelope,
    ) -> BoxFuture<'f, Option<RawJson>>
    where
        's: 'f,
        'n: 'f,
        'e: 'f,
        Self: 'f,
    {
        // The handler itself, not its `Arc`: that would be one more boxed future.
        (*self.shared.handler).input_schema(tool, envelope)
    }

    fn drain(&self) {
        self.shared.begin_drain();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
