//! What an application implements to serve requests.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;
use crate::message::{ErrorObject, Notification, RawJson};
use crate::session::server::Reply;
use crate::transport::Envelope;

use super::context::Context;
use super::link::ServerLink;

/// Serves requests of both eras. [`Router`](crate::server::Router) is a handler made of closures.
///
/// The protocol's own methods (`initialize`, `server/discover`, `ping`, `subscriptions/listen` and so on)
/// are answered by the session and do not reach the handler. Requests are served concurrently, each in a
/// task, or inline where a link carries one exchange only. A panic is answered with `-32603` and affects no
/// other request.
///
/// When the client cancels a request, [`Context::cancelled`] resolves. The handler's future is dropped after
/// a grace period of 5 s, see [`ServerBuilder::grace`](crate::server::ServerBuilder::grace). There is no
/// other time limit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not serve requests",
    label = "not a handler",
    note = "register closures with `Router::new().tool(...)` and pass the router, or implement `Handler`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Serves the request that `context` describes: see [`Context::method`] and [`Context::params`].
    ///
    /// On a legacy link the same request comes again after [`Reply::InputRequired`], with the client's
    /// answers in [`Context::input_responses`].
    ///
    /// # Errors
    ///
    /// The error is sent to the client. For a method that this handler does not have, return
    /// [`Reply::MethodNotFound`]: some transports report that differently from a handler's error.
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject>;

    /// The server's capabilities: an object. Called once, when the server is built. Declare exactly what is
    /// served.
    fn capabilities(&self) -> RawJson;

    /// Reports mistakes in how the handler was set up. Called once, when the server is built.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] says what is wrong. The server is not built.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// A legacy client has finished its handshake: `link` reaches it outside of requests, until the link ends. Called
    /// once for each link of such a client, in the task that drives the link: return at once. A panic affects nothing
    /// else.
    ///
    /// ```
    /// use mcp_core::message::{ErrorObject, RawJson};
    /// use mcp_core::server::{Context, Handler, Reply, ServerLink};
    ///
    /// struct Greeter;
    ///
    /// #[async_trait::async_trait]
    /// impl Handler for Greeter {
    ///     async fn handle(&self, _: Context) -> Result<Reply, ErrorObject> {
    ///         Ok(Reply::MethodNotFound)
    ///     }
    ///
    ///     fn capabilities(&self) -> RawJson {
    ///         RawJson::EMPTY_OBJECT
    ///     }
    ///
    ///     fn opened(&self, link: ServerLink) {
    ///         tokio::spawn(async move {
    ///             // Only a client that declared roots has any.
    ///             if let Ok(roots) = link.request("roots/list", None).await {
    ///                 println!("the client works in {}", roots.raw());
    ///             }
    ///             link.closed().await;
    ///             println!("it is gone");
    ///         });
    ///     }
    /// }
    /// ```
    fn opened(&self, link: ServerLink) {
        let _ = link;
    }

    /// The client sent a notification: `notifications/roots/list_changed`, or one of an extension.
    ///
    /// Notifications of one link are delivered in order, one at a time. At most 256 wait; the oldest are
    /// dropped.
    async fn notified(&self, notification: Notification, envelope: Envelope) {
        let _ = (notification, envelope);
    }

    /// A legacy client subscribed to a resource (`on`) or ended that subscription. Delivered like
    /// [`Handler::notified`]. [`Server::publish`](crate::server::Server::publish) reaches the subscribers.
    async fn subscribed(&self, uri: String, on: bool) {
        let _ = (uri, on);
    }

    /// The input schema of a tool, for transports that copy arguments into metadata.
    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        let _ = (tool, envelope);
        None
    }
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
        (**self).handle(context).await
    }

    fn capabilities(&self) -> RawJson {
        (**self).capabilities()
    }

    fn validate(&self) -> Result<(), Error> {
        (**self).validate()
    }

    fn opened(&self, link: ServerLink) {
        (**self).opened(link);
    }

    async fn notified(&self, notification: Notification, envelope: Envelope) {
        (**self).notified(notification, envelope).await;
    }

    async fn subscribed(&self, uri: String, on: bool) {
        (**self).subscribed(uri, on).await;
    }

    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        (**self).input_schema(tool, envelope).await
    }
}
