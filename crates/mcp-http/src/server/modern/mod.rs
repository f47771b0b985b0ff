//! One modern exchange. Handler, session and answer run in the task of the request if the answer is one text.
//!
//! An answer of one body needs no task and no channel. The first message that is not the last, or a keep-alive that is due,
//! turns it into a stream: then the link moves to a separate task, behind a bounded queue.

mod exchange;
mod keep_alive;
mod link;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};
use mcp_core::message::{ErrorObject, Message, RequestId};
use mcp_core::transport::budget::BudgetKey;
use mcp_core::transport::{Accept, AnsweredBy, EndReason, Inbound};

use super::body::Body;
use super::caller::HttpRequest;
use super::net::longest_tick;
use super::respond::{self, Formats, Reply};
use super::state::ServerState;
use super::{ServerTimeouts, checks};
use crate::sse;
use exchange::{Exchange, FirstOutput, HangUp};
use keep_alive::KeepAlive;
use link::Link;

pub(crate) use link::LANE;

// Ledger HTTP-S-012, T-16.
/// Serves one POST: a request, or the refusal of a malformed message.
///
/// If this future is dropped early, the client hung up: the session is notified, and the handler has its grace period
/// in a separate task.
pub(crate) fn serve(
    server: &Arc<ServerState>,
    inbound: Inbound,
    id: Option<RequestId>,
    formats: Formats,
    key: BudgetKey,
) -> impl Future<Output = Reply> + use<> {
    let ticks = ticks(&inbound, &server.config.timeouts);
    let exchange = Arc::new(Exchange::new(formats, server.clone(), key));
    // Outside of the future, so that the message is moved once.
    let mut link = Inline::new(&server.accept, Link::new(exchange.clone(), inbound), exchange.clone());
    async move {
        let mut keep_alive = KeepAlive::new(exchange.timeouts().keep_alive, ticks);
        let first = poll_fn(|cx| {
            exchange.begin_poll();
            let over = link.poll(cx);
            if let Some(first) = exchange.take_first(cx.waker()) {
                return Poll::Ready(first);
            }
            if over {
                return Poll::Ready(FirstOutput::Nothing);
            }
            if formats == Formats::Json {
                return Poll::Pending;
            }
            keep_alive.poll(cx).map(|()| exchange.first_or_stream())
        })
        .await;
        link.go_on();
        answer(first, id.as_ref(), formats, exchange)
    }
}

/// The longest time after which a request is polled in any case.
fn ticks(inbound: &Inbound, timeouts: &ServerTimeouts) -> Option<Duration> {
    let Inbound::Message { envelope, .. } = inbound else { return None };
    envelope.get::<HttpRequest>().filter(|request| request.is_ticked()).map(|_| longest_tick(timeouts))
}

fn answer(first: FirstOutput, id: Option<&RequestId>, formats: Formats, exchange: Arc<Exchange>) -> Reply {
    let failed = |status, why| respond::error(status, &ErrorObject::internal(why), id);
    match first {
        FirstOutput::Stream(body) => respond::events(body.guarded(HangUp(exchange))),
        FirstOutput::Last(message, answered_by) => last(&message, answered_by, formats),
        // A cancelled request gets no message (CANC-S-010): an empty stream.
        FirstOutput::End(EndReason::Cancelled) => respond::events(Body::default()),
        FirstOutput::End(EndReason::NoAnswer) => respond::empty(StatusCode::ACCEPTED),
        FirstOutput::End(EndReason::Closing) => {
            let failed = failed(StatusCode::SERVICE_UNAVAILABLE, "The server is closing");
            failed.with_header(RETRY_AFTER, HeaderValue::from_static("1"))
        }
        FirstOutput::End(EndReason::TimedOut) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, "The request ran out of time")
        }
        FirstOutput::End(_) | FirstOutput::Nothing => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, "The request got no answer")
        }
    }
}

/// One message is the whole answer.
fn last(message: &Message, answered_by: AnsweredBy, formats: Formats) -> Reply {
    let status = match message {
        Message::Response(response) => checks::status(response, answered_by),
        _ => StatusCode::OK,
    };
    if formats == Formats::Events && status == StatusCode::OK {
        let mut event = Vec::with_capacity(message.encoded_len_hint());
        sse::message_event(None, message, &mut event);
        return respond::events(Body::full(event));
    }
    respond::message(status, message)
}

/// A link that is polled in the task of the request. If it is dropped early, it goes on in a separate task, and is notified
/// that the client hung up.
struct Inline {
    work: Option<BoxFuture<'static, ()>>,
    exchange: Arc<Exchange>,
}

impl Inline {
    fn new(accept: &Arc<dyn Accept>, link: Box<Link>, exchange: Arc<Exchange>) -> Inline {
        Inline { work: Some(accept.clone().accept(link)), exchange }
    }

    /// Polls the link. Returns whether it has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(work) = &mut self.work else { return true };
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(())) => {}
            Err(_) => tracing::error!("`Accept::accept` panicked"),
        }
        self.work = None;
        true
    }

    /// Moves the link to a separate task, unless it has ended.
    fn go_on(&mut self) {
        if let Some(work) = self.work.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        if self.work.is_some() && !std::thread::panicking() {
            self.exchange.hang_up();
            self.go_on();
        }
    }
}
