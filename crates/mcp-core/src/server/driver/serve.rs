//! Running handlers: panics are contained, cancelled ones get a grace period.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use tracing::{Instrument, Span};

use crate::message::{ErrorObject, Notification};
use crate::runtime::mailbox::Mailbox;
use crate::session::ExchangeId;
use crate::session::server::Reply;
use crate::transport::Envelope;

use super::ServerShared;
use crate::server::context::{Context, Exchange};
use crate::server::handler::{Handler, IncomingRequest};

/// A permit among the requests in flight of a server.
pub(super) struct ServingPermit {
    pub(super) server: Arc<ServerShared>,
}

impl Drop for ServingPermit {
    fn drop(&mut self) {
        self.server.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one request. Always comes to a reply, once the handler comes to an end or its request was
/// cancelled long enough ago.
pub(super) async fn serve(
    permit: ServingPermit,
    request: IncomingRequest,
    exchange: Arc<Exchange>,
    span: Span,
) -> (ExchangeId, Reply) {
    // The handler itself, not its `Arc`: that would be one more boxed future.
    let handler: &dyn Handler = &*permit.server.handler;
    let context = Context::new(exchange.clone());
    let work = AssertUnwindSafe(async { handler.handle(request, context).await });
    let overdue = async {
        exchange.cancelled.wait().await;
        tokio::time::sleep(permit.server.limits.grace).await;
    };
    let reply = tokio::select! {
        biased;
        outcome = work.catch_unwind().instrument(span.clone()) => match outcome {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Reply::Error(error),
            Err(_) => {
                // The text of a panic may hold what no client may see (ledger META-S-020).
                tracing::error!(parent: &span, "the handler panicked");
                Reply::Error(ErrorObject::internal("Internal error"))
            }
        },
        () = overdue => Reply::Error(ErrorObject::internal("Cancelled")),
    };
    if !span.is_disabled() {
        span.record(
            "outcome",
            match &reply {
                Reply::Result(_) => "ok",
                Reply::Error(_) => "error",
                Reply::InputRequired(_) => "input required",
                Reply::MethodNotFound => "method not found",
            },
        );
    }
    (exchange.id(), reply)
}

/// Something that the client told, and that wants no answer.
#[derive(Debug)]
pub(super) enum Notice {
    Notification(Notification, Envelope),
    Subscription(String, bool),
}

/// Tells a handler, one thing after the other, until nothing more can come.
pub(super) async fn tell(handler: Arc<dyn Handler>, notices: Arc<Mailbox<Notice>>) {
    while let Some(notice) = notices.pop().await {
        let told = AssertUnwindSafe(async {
            match notice {
                Notice::Notification(notification, envelope) => {
                    handler.notified(notification, envelope).await
                }
                Notice::Subscription(uri, on) => handler.subscribed(uri, on).await,
            }
        });
        if told.catch_unwind().await.is_err() {
            tracing::error!("the handler of notifications panicked");
        }
    }
}
