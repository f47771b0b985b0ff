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
use super::command::Outcome;
use crate::server::context::{Context, Exchange};
use crate::server::handler::Handler;

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
    exchange: Arc<Exchange>,
    span: Span,
) -> (ExchangeId, Outcome) {
    // The handler itself, not its `Arc`: that would be one more boxed future.
    let handler: &dyn Handler = &*permit.server.handler;
    let context = Context::new(exchange.clone());
    let work = AssertUnwindSafe(async { handler.handle(context).await });
    let overdue = async {
        exchange.cancelled.wait().await;
        tokio::time::sleep(permit.server.limits.grace).await;
    };
    let outcome = tokio::select! {
        biased;
        outcome = work.catch_unwind().instrument(span.clone()) => outcome.unwrap_or_else(|_| {
            // The text of a panic may hold what no client may see (ledger META-S-020).
            tracing::error!(parent: &span, "the handler panicked");
            Err(ErrorObject::internal("Internal error"))
        }),
        () = overdue => Err(ErrorObject::internal("Cancelled")),
    };
    if !span.is_disabled() {
        span.record(
            "outcome",
            match &outcome {
                Ok(Reply::Result(_)) => "ok",
                Ok(Reply::InputRequired(_)) => "input required",
                Ok(Reply::MethodNotFound) => "method not found",
                Err(_) => "error",
            },
        );
    }
    (exchange.id(), outcome)
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
