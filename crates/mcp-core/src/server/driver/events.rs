//! Carrying out the events of a server session: requests, cancellations, notices to the handler.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::message::ErrorObject;
use crate::runtime::boxed;
use crate::runtime::signal::Signal;
use crate::runtime::unread::Unread;
use crate::session::ExchangeId;
use crate::session::server::{Incoming, ServerEvent};
use crate::transport::budget::Permit;

use super::command::Outcome;
use super::serve::{Notice, Served, serve, tell};
use super::{Command, Driver};
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
                self.opened = Some(closed.clone());
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
        self.shared.command(Command::Reply { exchange, outcome, slot: None, permit: None });
    }

    /// Passes a request that has its place to the handler.
    pub(super) fn start(&mut self, incoming: Arc<Incoming>, permit: Permit) {
        let id = incoming.exchange;
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
            self.inline = Some(boxed(|| serve(self.server.clone(), permit, exchange, span)));
            return;
        }
        let (link, server) = (self.shared.clone(), self.server.clone());
        // Boxed, because spawning moves the future.
        tokio::spawn(boxed(|| async move {
            let Served { exchange, outcome, permit } = serve(server, permit, exchange, span).await;
            // Counted from here on, so that handlers which have not started yet see it.
            let (outcome, slot) = link.count_answer(outcome);
            link.command(Command::Reply { exchange, outcome, slot: Some(slot), permit: Some(permit) });
        }));
    }

    /// Queues a notice for the handler, which one task delivers in order.
    fn notice(&mut self, notice: Notice) {
        let handler = &self.server.handler;
        let notices = self.notices.get_or_insert_with(|| {
            let notices = Arc::new(Unread::new());
            tokio::spawn(tell(handler.clone(), notices.clone()));
            notices
        });
        let bytes = notice.len();
        notices.push(notice, bytes, &self.server.budgets.notices);
    }
}
