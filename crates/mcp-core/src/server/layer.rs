//! Handlers around handlers.

use std::sync::Arc;

use super::Handler;

/// Wraps a handler in another: to count, to log, to limit, to refuse.
///
/// A function `Fn(Arc<dyn Handler>) -> impl Handler` is a layer. A transport is wrapped the same way, by a
/// [`Transport`](crate::transport::Transport) that owns another and whose halves own the other's halves.
///
/// ```
/// use std::sync::Arc;
/// use mcp_core::message::{ErrorObject, RawJson};
/// use mcp_core::server::{Context, Handler, IncomingRequest, Reply, Router, Server};
///
/// struct ReadOnly(Arc<dyn Handler>);
///
/// #[async_trait::async_trait]
/// impl Handler for ReadOnly {
///     async fn handle(&self, request: IncomingRequest, cx: Context) -> Result<Reply, ErrorObject> {
///         if request.method == "tools/call" {
///             return Err(ErrorObject::invalid_request("read only"));
///         }
///         self.0.handle(request, cx).await
///     }
///
///     fn capabilities(&self) -> RawJson {
///         self.0.capabilities()
///     }
/// }
///
/// let server = Server::builder("example", "1.0.0").layer(ReadOnly).build(Router::new());
/// ```
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
