//! Carrying out the events of a server session: requests, cancellations, notices to the handler.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::task::{Context, Poll, Waker};

use tracing::Span;

use crate::message::ErrorObject;
use crate::runtime::boxed;
use crate::runtime::signal::Signal;
use crate::runtime::unread::Unread;
use crate::session::ExchangeId;
use crate::session::server::{Incoming, ServerEvent};
use crate::transport::budget::Permit;

use super::at_once::Inline;
use super::command::Outcome;
use super::in_place::Measured;
use super::serve::{Notice, Served, serve, tell};
use super::shared::LinkShared;
use super::{Command, Driver, ServerShared};
use crate::server::context::Exchange;
use crate::server::link::ServerLink;

impl Driver<'_> {
    pub(super) fn event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Request(incoming) => self.request(incoming),
            ServerEvent::Cancelled { exchange } => match self.running.get(&exchange) {
                // The handler replies, or is dropped after its grace period, which replies for it.
                Some(running) => running.cancelled.raise(),
                None => {
                    self.waiting.remove(exchange);
                    self.answer(exchange, Err(ErrorObject::internal("Cancelled")));
                }
            },
            ServerEvent::Notification { notification, envelope } => {
                self.notice(Notice::Notification(notification, envelope));
            }
            ServerEvent::ResourceSubscription { uri, on } => self.notice(Notice::Subscription(uri, on)),
            ServerEvent::Initialized { version, client_info, client_capabilities } => {
                tracing::debug!(version = version.as_str(), link = self.shared.number, "initialized");
                let closed = Arc::new(Signal::default());
                self.kept.opened = Some(closed.clone());
                let link =
                    ServerLink::new(self.shared.clone(), closed, version, client_info, client_capabilities);
                let handler = &self.server.handler;
                let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handler.opened(link)));
                if told.is_err() {
                    tracing::error!("the handler panicked when a link was opened");
                }
            }
            ServerEvent::OutgoingDone { outgoing, outcome } => {
                if let Some((key, answer)) = self.outgoing.remove(&outgoing) {
                    self.keys.remove(&key);
                    // The receiver may have been dropped.
                    let _gone = answer.send(outcome);
                }
            }
            ServerEvent::Drained => self.drained = true,
        }
    }

    /// Replies by a command, because the session must not be called before all its outputs are carried out.
    pub(super) fn answer(&self, exchange: ExchangeId, outcome: Outcome) {
        self.shared.command(Command::Reply { exchange, outcome, slot: None, permit: None, answered: None });
    }

    /// Passes a request that has its place to the handler.
    pub(super) fn start(&mut self, incoming: Arc<Incoming>, permit: Permit) {
        let id = incoming.exchange;
        // One at a time: the outcomes that wait here are not counted, and a batch may bring hundreds.
        let in_place = self.served.is_none() && self.kept.in_place.allows(&incoming);
        let mut measured = self.kept.in_place.measure(&incoming);
        let (exchange, span) = exchange(self.server, self.shared, incoming);
        self.running.insert(id, exchange.clone());
        // Boxed, because spawning moves the future.
        let mut work = boxed(|| serve(self.server.clone(), permit, exchange, span));
        if self.binding.one_exchange && self.inline.is_none() {
            self.inline = Some(Inline::Running(work));
            return;
        }
        if in_place {
            // If it is not ready, its task polls it again, with a waker.
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(served) = work.as_mut().poll(&mut cx) {
                self.kept.in_place.note(measured.map(Measured::answered));
                // The session must not be called before all its outputs are carried out.
                self.served = Some(served);
                return;
            }
            measured = None;
        }
        let link = self.shared.clone();
        tokio::spawn(async move {
            let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
            let answered = measured.filter(|_| first.is_ready()).map(Measured::answered);
            let Served { exchange, outcome, permit } = match first {
                Poll::Ready(served) => served,
                Poll::Pending => work.await,
            };
            // Counted from here on, so that handlers which have not started yet see it.
            let (outcome, slot) = link.count_answer(outcome);
            let (slot, permit) = (Some(slot), Some(permit));
            link.command(Command::Reply { exchange, outcome, slot, permit, answered });
        });
    }

    /// Passes the outcome of a handler that has answered in place to the session, after what it sent before.
    pub(super) fn reply_in_place(&mut self) {
        while let Some(served) = self.served.take() {
            self.replied(served);
        }
    }

    /// Queues a notice for the handler, which one task delivers in order.
    fn notice(&mut self, notice: Notice) {
        let handler = &self.server.handler;
        let notices = self.kept.notices.get_or_insert_with(|| {
            let notices = Arc::new(Unread::new());
            tokio::spawn(tell(handler.clone(), notices.clone()));
            notices
        });
        let bytes = notice.len();
        notices.push(notice, bytes, &self.server.budgets.notices);
    }
}

/// What the driver and the handler of a request share, and the span of the request.
pub(super) fn exchange(
    server: &Arc<ServerShared>,
    link: &Arc<LinkShared>,
    incoming: Arc<Incoming>,
) -> (Arc<Exchange>, Span) {
    let span = tracing::debug_span!(
        "mcp.request",
        method = incoming.method.as_str(),
        version = incoming.context.version.as_str(),
        link = link.number,
        id = ?incoming.context.request_id,
        outcome = tracing::field::Empty,
    );
    let exchange = Arc::new(Exchange {
        request: incoming,
        cancelled: Signal::default(),
        link: link.clone(),
        server: Arc::downgrade(server),
        questions: AtomicU32::new(0),
        unanswered: AtomicBool::new(false),
    });
    (exchange, span)
}
