//! Carrying out the events of a server session: requests, cancellations, notices to the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::message::ErrorObject;
use crate::runtime::boxed;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::signal::Signal;
use crate::session::ExchangeId;
use crate::session::server::{Incoming, Reply, ServerEvent};

use super::command::Outcome;
use super::serve::{Notice, ServingPermit, serve, tell};
use super::{Command, Driver, ServerShared};
use crate::server::context::Exchange;

/// The most notices that wait for a slow handler; the oldest are dropped.
const NOTICES: usize = 256;

impl Driver<'_> {
    pub(super) fn event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Request(incoming) => self.request(incoming),
            ServerEvent::Cancelled { exchange } => match self.running.get(&exchange) {
                // The handler replies, or is dropped after its grace period, which replies for it.
                Some(running) => running.cancelled.raise(),
                None => self.answer(exchange, Err(ErrorObject::internal("Cancelled"))),
            },
            ServerEvent::Notification { notification, envelope } => {
                self.notice(Notice::Notification(notification, envelope));
            }
            ServerEvent::ResourceSubscription { uri, on } => self.notice(Notice::Subscription(uri, on)),
            ServerEvent::Initialized { version, .. } => {
                tracing::debug!(version = version.as_str(), link = self.shared.number, "initialized");
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
    fn answer(&self, exchange: ExchangeId, outcome: Outcome) {
        self.shared.command(Command::Reply { exchange, outcome });
    }

    fn request(&mut self, incoming: Arc<Incoming>) {
        let id = incoming.exchange;
        let limit = self.server.limits.in_flight;
        let Some(permit) = ServingPermit::take(&self.server, limit) else {
            let busy = format!("Busy: too many requests in flight (limit {limit})");
            self.answer(id, Ok(Reply::Busy(ErrorObject::internal(busy))));
            return;
        };
        let span = tracing::debug_span!(
            "mcp.request",
            method = incoming.method.as_str(),
            version = incoming.context.version.as_str(),
            link = self.shared.number,
            id = ?incoming.context.request_id,
            outcome = tracing::field::Empty,
        );
        let exchange = Arc::new(Exchange {
            request: incoming,
            cancelled: Signal::default(),
            link: self.shared.clone(),
            server: Arc::downgrade(&self.server),
            questions: AtomicU32::new(0),
        });
        self.running.insert(id, exchange.clone());
        if self.binding.one_exchange && self.inline.is_none() {
            self.inline = Some(boxed(|| serve(permit, exchange, span)));
            return;
        }
        let link = self.shared.clone();
        // Boxed, because spawning moves the future.
        tokio::spawn(boxed(|| async move {
            let (exchange, outcome) = serve(permit, exchange, span).await;
            link.command(Command::Reply { exchange, outcome });
        }));
    }

    /// Queues a notice for the handler, which one task delivers in order.
    fn notice(&mut self, notice: Notice) {
        let handler = &self.server.handler;
        let notices = self.notices.get_or_insert_with(|| {
            let notices = Arc::new(Mailbox::new());
            tokio::spawn(tell(handler.clone(), notices.clone()));
            notices
        });
        notices.push_lossy(notice, NOTICES);
    }
}

impl ServingPermit {
    /// A permit among the requests in flight of the whole server, if there is one.
    fn take(server: &Arc<ServerShared>, limit: usize) -> Option<ServingPermit> {
        let taken = server.in_flight.fetch_add(1, Ordering::Relaxed);
        // Created in any case: its `Drop` undoes the count.
        let permit = ServingPermit { server: server.clone() };
        (taken < limit).then_some(permit)
    }
}
