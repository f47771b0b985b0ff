//! What an application implements to serve requests.

use std::sync::Arc;

use async_trait::async_trait;

use crate::message::{ErrorObject, Method, Notification, Payload, RawJson};
use crate::session::InputRequired;
use crate::session::server::Reply;
use crate::transport::Envelope;

use super::context::Context;

/// A request to be served.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IncomingRequest {
    /// The method.
    pub method: Method,
    /// The params as they came, `_meta` included.
    pub params: Option<Payload>,
}

impl IncomingRequest {
    pub(crate) fn new(method: Method, params: Option<Payload>) -> IncomingRequest {
        IncomingRequest { method, params }
    }

    /// The params as JSON; `{}` if there are none.
    pub fn params(&self) -> RawJson {
        self.params.as_ref().map(|params| params.raw().clone()).unwrap_or_default()
    }
}

/// Serves requests, of both eras alike. [`Router`](crate::server::Router) is one made of closures.
///
/// The protocol's own methods (`initialize`, `server/discover`, `ping`, `subscriptions/listen`, …) never
/// come here. Requests are served at the same time, each in a task of its own, or inline where a link
/// lives for one exchange. A panic is answered with `-32603` and concerns nobody else (FAULT C-50).
///
/// When the client has cancelled, [`Context::cancelled`] is raised; after a grace period (5 s) the future
/// is dropped. There is no other limit of time.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Serves one request. `Err(error)` means the same as `Ok(Reply::Error(error))`. On a legacy link the
    /// same request comes again after [`Reply::InputRequired`], with the answers in the context.
    async fn handle(&self, request: IncomingRequest, context: Context) -> Result<Reply, ErrorObject>;

    /// The server's capabilities: an object. Asked once, when the server is built. Declare what is
    /// served, and nothing else (ledger META-S-012).
    fn capabilities(&self) -> RawJson;

    /// The client told something: `notifications/roots/list_changed`, or a method of an extension. Told
    /// one after the other, in order; while one is looked at at most 256 wait, and the oldest go first.
    async fn notified(&self, notification: Notification, envelope: Envelope) {
        let _ = (notification, envelope);
    }

    /// A legacy client subscribed to a resource, or to none of it any more. Told like
    /// [`Handler::notified`]. Changes reach it by [`Server::publish`](crate::server::Server::publish).
    async fn subscribed(&self, uri: String, on: bool) {
        let _ = (uri, on);
    }

    /// The input schema of a tool, for bindings that copy arguments into metadata.
    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        let _ = (tool, envelope);
        None
    }
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn handle(&self, request: IncomingRequest, context: Context) -> Result<Reply, ErrorObject> {
        (**self).handle(request, context).await
    }

    fn capabilities(&self) -> RawJson {
        (**self).capabilities()
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

/// A result object.
impl From<RawJson> for Reply {
    fn from(result: RawJson) -> Reply {
        Reply::Result(result)
    }
}

impl From<InputRequired> for Reply {
    fn from(input: InputRequired) -> Reply {
        Reply::InputRequired(input)
    }
}

impl From<ErrorObject> for Reply {
    fn from(error: ErrorObject) -> Reply {
        Reply::Error(error)
    }
}
