//! Running handlers: catches panics, and gives cancelled handlers a grace period.

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

/// Counts one request in flight of the server until it is dropped.
pub(super) struct ServingPermit {
    pub(super) server: Arc<ServerShared>,
}

impl Drop for ServingPermit {
    fn drop(&mut self) {
        self.server.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one request. Always replies: when the handler ends, or when the grace period after a cancellation is over.
pub(super) async fn serve(
    permit: ServingPermit,
    exchange: Arc<Exchange>,
    span: Span,
) -> (ExchangeId, Outcome) {
    // The handler itself, not its `Arc`, which would box the future once more.
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
            // The panic message may contain internals that clients must not see (ledger META-S-020).
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
                Ok(Reply::Busy(_)) => "busy",
                Err(_) => "error",
            },
        );
    }
    (exchange.id(), outcome)
}

/// A notification or a change of subscription, which gets no answer.
#[derive(Debug)]
pub(super) enum Notice {
    Notification(Notification, Envelope),
    Subscription(String, bool),
}

/// Delivers notices to the handler, in order, until the queue is closed.
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
