//! Running handlers: catches panics, and gives cancelled handlers a grace period.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use tracing::{Instrument, Span};

use crate::message::{ErrorObject, Notification};
use crate::runtime::unread::{Unread, notification_len};
use crate::session::ExchangeId;
use crate::session::server::Reply;
use crate::transport::Envelope;
use crate::transport::budget::Permit;

use super::ServerShared;
use super::command::Outcome;
use crate::server::context::{Context, Exchange};
use crate::server::handler::Handler;

/// The outcome of a request, and the place that it held.
pub(super) struct Served {
    pub(super) exchange: ExchangeId,
    pub(super) outcome: Outcome,
    pub(super) permit: Permit,
}

/// Serves one request. Always replies: when the handler ends, or when the grace period after a cancellation is over.
pub(super) async fn serve(
    server: Arc<ServerShared>,
    permit: Permit,
    exchange: Arc<Exchange>,
    span: Span,
) -> Served {
    // The handler itself, not its `Arc`, which would box the future once more.
    let handler: &dyn Handler = &*server.handler;
    let context = Context::new(exchange.clone());
    let work = AssertUnwindSafe(async {
        // Checked here and not when the request is accepted: many are accepted before the first has its answer.
        if exchange.link.is_behind() {
            Box::pin(exchange.link.caught_up()).await;
            // A link that ends lets its handlers go on: they have no reason to start.
            if exchange.cancelled.is_raised() {
                return Err(ErrorObject::internal("Cancelled"));
            }
        }
        handler.handle(context).await
    });
    let overdue = async {
        exchange.cancelled.wait().await;
        tokio::time::sleep(server.limits.grace).await;
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
    if exchange.unanswered.load(Ordering::Relaxed)
        && matches!(&outcome, Ok(Reply::Result(_) | Reply::Verbatim(_)))
    {
        warn_swallowed(&span);
    }
    if !span.is_disabled() {
        span.record(
            "outcome",
            match &outcome {
                Ok(Reply::Result(_) | Reply::Verbatim(Ok(_))) => "ok",
                Ok(Reply::InputRequired(_)) => "input required",
                Ok(Reply::MethodNotFound) => "method not found",
                Ok(Reply::Busy(_)) => "busy",
                Ok(Reply::Verbatim(Err(_))) | Err(_) => "error",
            },
        );
    }
    Served { exchange: exchange.id(), outcome, permit }
}

/// Apart, because it is rare.
#[cold]
fn warn_swallowed(span: &Span) {
    tracing::warn!(
        parent: span,
        "a handler asked the client and did not return the error of its question: the client never sees it; pass it on \
         with `?`"
    );
}

/// A notification or a change of subscription, which gets no answer.
#[derive(Debug)]
pub(super) enum Notice {
    Notification(Notification, Envelope),
    Subscription(String, bool),
}

impl Notice {
    /// The bytes that it takes while it waits.
    pub(super) fn len(&self) -> usize {
        match self {
            Notice::Notification(notification, _) => notification_len(notification),
            Notice::Subscription(uri, _) => uri.capacity(),
        }
    }
}

/// Delivers notices to the handler, in order, until the queue is closed.
pub(super) async fn tell(handler: Arc<dyn Handler>, notices: Arc<Unread<Notice>>) {
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
