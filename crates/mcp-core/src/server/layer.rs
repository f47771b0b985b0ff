//! Handlers around handlers.

use std::sync::Arc;

use super::Handler;

/// Wraps a handler in another one: to count, log, limit or refuse requests.
///
/// A function `Fn(Arc<dyn Handler>) -> impl Handler` is a layer. Transports are wrapped in the same way, by a
/// [`Transport`](crate::transport::Transport) that owns another one.
///
/// ```
/// use std::sync::Arc;
/// use mcp_core::message::{ErrorObject, RawJson};
/// use mcp_core::server::{Context, Handler, Reply, Router, Server};
///
/// struct ReadOnly(Arc<dyn Handler>);
///
/// #[async_trait::async_trait]
/// impl Handler for ReadOnly {
///     async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
///         if context.method() == "tools/call" {
///             return Err(ErrorObject::invalid_request("read only"));
///         }
///         self.0.handle(context).await
///     }
///
///     fn capabilities(&self) -> RawJson {
///         self.0.capabilities()
///     }
/// }
///
/// # fn main() -> Result<(), mcp_core::Error> {
/// let server = Server::builder("example", "1.0.0").layer(ReadOnly).build(Router::new())?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not wrap a handler",
    label = "not a layer",
    note = "a layer is a function from `Arc<dyn Handler>` to a type that implements `Handler`"
)]
pub trait Layer {
    /// The handler around `inner`.
    fn wrap(self, inner: Arc<dyn Handler>) -> Arc<dyn Handler>;
}

impl<F, H> Layer for F
where
    F: FnOnce(Arc<dyn Handler>) -> H,
    H: Handler,
{
    fn wrap(self, inner: Arc<dyn Handler>) -> Arc<dyn Handler> {
        Arc::new(self(inner))
    }
}
