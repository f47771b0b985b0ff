//! Servers: [`Server`], the [`Handler`] that serves requests, and [`Router`], a handler made of closures.
//!
//! ```no_run
//! # use mcp_core::{server::{Router, Server, ToolDef}, transport::Transport};
//! # async fn example(link: impl Transport) -> Result<(), mcp_core::Error> {
//! let greet = ToolDef::new("greet").description("Says hello").input(r#"{"type":"object"}"#);
//! let router = Router::new().tool(greet, async |arguments, _context| {
//!     let name = arguments.member("name").and_then(|name| name.to_text());
//!     Ok(format!("Hello, {}!", name.ok_or("the name is missing")?))
//! });
//! let reason = Server::builder("example", "1.0.0").build(router)?.serve(link).await;
//! println!("the link is closed: {reason}");
//! # Ok(())
//! # }
//! ```
//!
//! [`ToolDef`], [`PromptDef`], [`ResourceDef`] and [`TemplateDef`] define what a [`Router`] lists. The types
//! of [`model`](crate::model) name every member of the protocol's objects; a router accepts them as
//! definitions and as results.

#[cfg(feature = "schemars")]
mod ask;
mod builder;
mod context;
pub(crate) mod driver;
mod error;
mod handler;
mod layer;
mod link;
mod question;
mod reply;
mod router;
#[cfg(feature = "seal")]
pub mod seal;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use crate::session::server::{Reply, ServerConfig};
#[cfg(feature = "schemars")]
pub use ask::Elicited;
pub use builder::ServerBuilder;
pub use context::Context;
pub use error::HandlerError;
pub use handler::Handler;
pub use layer::Layer;
pub use link::ServerLink;
pub use reply::IntoReply;
pub use router::{
    Arguments, IntoPromptReply, IntoResourceReply, IntoSchema, IntoToolReply, Json, LiveRouter, PromptDef,
    ResourceDef, Router, State, TemplateDef, ToolDef, ToolReply,
};
#[cfg(feature = "schemars")]
pub use router::{IntoOutcome, ToolOutput, ToolSet, TypedArguments};

use crate::error::CloseReason;
use crate::message::{ProtocolVersion, RawJson};
use crate::runtime::on_worker;
use crate::session::Change;
use crate::transport::{Accept, Envelope, Owner, Transport};
use driver::{ServerLimits, ServerShared};

/// A server: an identity, capabilities and a [`Handler`], for any number of links. Clones are cheap and are
/// the same server.
///
/// A listener takes a server as its [`Accept`].
#[derive(Clone)]
pub struct Server {
    shared: Arc<ServerShared>,
}

impl Server {
    /// Sets up a server with this name and version.
    pub fn builder(name: &str, version: &str) -> ServerBuilder {
        Server::with_info(RawJson::object([
            ("name", RawJson::string(name)),
            ("version", RawJson::string(version)),
        ]))
    }

    /// Sets up a server with this `Implementation` object.
    pub fn with_info(info: RawJson) -> ServerBuilder {
        ServerBuilder::new(ServerConfig::new(info, RawJson::EMPTY_OBJECT).into())
    }

    /// Sets up a server with this configuration. An `Arc` is shared with other servers of the same configuration, as long
    /// as nothing is changed in it: for programs that make many servers, such as one for each user. The handler's
    /// capabilities replace those of the configuration if they differ.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mcp_core::message::RawJson;
    /// use mcp_core::server::{Router, Server, ServerConfig};
    ///
    /// let info = RawJson::object([("name", RawJson::string("example"))]);
    /// let capabilities = RawJson::parse(r#"{"tools":{}}"#).unwrap();
    /// let config = Arc::new(ServerConfig::new(info, capabilities));
    /// let router = || Router::new().tool("hello", |_, _| async { Ok("world") });
    /// let ada = Server::with_config(config.clone()).build(router())?;
    /// let bob = Server::with_config(config).build(router())?;
    /// assert!(std::ptr::eq(ada.config(), bob.config()));
    /// # Ok::<_, mcp_core::Error>(())
    /// ```
    pub fn with_config(config: impl Into<Arc<ServerConfig>>) -> ServerBuilder {
        ServerBuilder::new(config.into())
    }

    fn from_parts(config: Arc<ServerConfig>, limits: ServerLimits, handler: Arc<dyn Handler>) -> Server {
        Server { shared: Arc::new(ServerShared::new(config, limits, handler)) }
    }

    /// Serves one link until it is closed, and returns why it closed:
    ///
    /// - [`CloseReason::PeerClosed`]: the client closed it, and every accepted request was answered or given
    ///   up after [`ServerBuilder::linger`].
    /// - [`CloseReason::LinkFailed`]: reading or writing failed.
    /// - [`CloseReason::Drained`]: [`Server::drain`] closed it.
    /// - [`CloseReason::Requested`]: the link carries one exchange only, and that is complete.
    ///
    /// Needs a tokio runtime; on one with worker threads the link runs as a task. Dropping the future drops the link, on
    /// such a runtime as soon as its task is not being polled, and the handlers that run inline; handlers in their own
    /// tasks see [`Context::cancelled`].
    pub async fn serve(&self, link: impl Transport) -> CloseReason {
        let served = self.shared.clone().serve(Box::new(link), |reason| reason);
        on_worker(served).await.unwrap_or(CloseReason::Requested)
    }

    /// Announces a change to every subscriber on every link. Returns immediately. While a client reads slowly, equal
    /// changes are merged.
    ///
    /// A change that the server does not declare reaches no client, and a warning is logged: see
    /// [`Router::tools_list_changed`] and its siblings.
    pub fn publish(&self, change: Change) {
        warn_undeclared(&self.shared.config.capabilities, &change);
        self.shared.publish(change, None);
    }

    /// Like [`publish`](Server::publish), for subscribers of this owner only: a change that others must not learn of, such
    /// as one to a resource of one user. Callers without an identity are one owner, [`Owner::anonymous`].
    ///
    /// ```
    /// use mcp_core::server::Server;
    /// use mcp_core::session::Change;
    /// use mcp_core::transport::Identity;
    ///
    /// fn note_changed(server: &Server, of: &Identity, uri: String) {
    ///     server.publish_to(&of.owner(), Change::Resource { uri });
    /// }
    /// ```
    pub fn publish_to(&self, audience: &Owner, change: Change) {
        warn_undeclared(&self.shared.config.capabilities, &change);
        self.shared.publish(change, Some(audience.clone()));
    }

    /// Shuts down: notifies the handlers (see [`Context::stopping`]), ends subscriptions, refuses new
    /// requests, waits until all accepted requests are answered, then closes the links. After `deadline` it
    /// closes them anyway, and unfinished requests get no answer. If the future is dropped, the shutdown
    /// continues without the deadline.
    ///
    /// Returns whether everything was answered in time.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.shared.drain(deadline).await
    }

    /// The number of open links.
    pub fn links(&self) -> usize {
        self.shared.open()
    }

    /// The configuration.
    pub fn config(&self) -> &ServerConfig {
        &self.shared.config
    }
}

/// Warns of a change that no client will receive.
fn warn_undeclared(capabilities: &RawJson, change: &Change) {
    let (list, flag, declares) = match change {
        Change::ToolsList => ("tools", "listChanged", "tools_list_changed"),
        Change::PromptsList => ("prompts", "listChanged", "prompts_list_changed"),
        Change::ResourcesList => ("resources", "listChanged", "resources_list_changed"),
        Change::Resource { .. } => ("resources", "subscribe", "subscribe"),
    };
    let declared = capabilities.member(list).and_then(|list| list.member(flag));
    if declared.is_none_or(|declared| declared.as_bytes() != b"true") {
        let method = change.method();
        tracing::warn!(
            method,
            "published a change whose capability is not declared: `{list}.{flag}`; call Router::{declares}()"
        );
    }
}

#[async_trait]
impl Accept for Server {
    fn accept<'f>(self: Arc<Self>, link: Box<dyn Transport>) -> BoxFuture<'f, ()>
    where
        Self: 'f,
    {
        self.shared.clone().serve(link, drop)
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
        // Through the `dyn Handler`, because the `Arc`'s own implementation adds a boxed future.
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
