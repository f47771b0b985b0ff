//! The driver of one link of a server.

mod answers;
mod at_once;
pub(crate) mod command;
mod events;
mod held_back;
mod in_place;
mod limits;
mod link;
mod rest;
mod serve;
pub(crate) mod server;
pub(crate) mod shared;
mod waiting;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::error::{CloseReason, Error};
use crate::message::Payload;
use crate::session::server::{ServerEvent, ServerSession};
use crate::session::small::SmallMap;
use crate::session::{ExchangeId, OutgoingId, Output};
use crate::transport::budget::Permit;
use crate::transport::{Binding, CloseReport, Lane, Outbound};
use rustc_hash::FxHashMap;

use crate::runtime::mailbox::Mailbox;
use crate::runtime::timer::Timer;
use crate::runtime::writer::OutboxItem;
use crate::runtime::{Received, now, weight};
use crate::server::context::Exchange;
use at_once::{Inline, Start};
use command::{Command, ExchangeNotification};
use limits::Account;
use rest::Kept;
use serve::Served;
use shared::{LinkShared, QueueSlot};
use waiting::WaitingRequests;

pub(crate) use limits::ServerLimits;
pub(crate) use server::ServerShared;

/// The number of waiting messages from which changes are held back, so that equal ones become one.
const BACKLOG: usize = 256;

type Asked = (u64, oneshot::Sender<Result<Payload, Error>>);

struct Driver<'a> {
    server: &'a Arc<ServerShared>,
    shared: &'a Arc<LinkShared>,
    kept: &'a mut Kept,
    session: ServerSession,
    binding: Binding,
    outbox: &'a Mailbox<OutboxItem<QueueSlot>>,
    /// Requests that handlers are serving.
    running: SmallMap<ExchangeId, Arc<Exchange>>,
    /// The handler, on a link that carries one exchange.
    inline: Option<Inline>,
    /// The outcome of a handler that has answered in place.
    served: Option<Served>,
    /// Requests to a legacy client, by the session's id and by the handler's key.
    outgoing: FxHashMap<OutgoingId, Asked>,
    keys: FxHashMap<u64, OutgoingId>,
    /// The shares of the link.
    account: Option<Account>,
    /// Requests that wait for a place.
    waiting: WaitingRequests,
    /// What the unread answers take of the server's budget.
    unread: Option<Permit>,
    /// The bytes of answers that the transport collects, by the lane of their batch, and their sum.
    batches: FxHashMap<Lane, usize>,
    batch_bytes: usize,
    /// Changes wait until the writer has caught up.
    behind: bool,
    /// The link is ended because its peer reads too slowly.
    cut: bool,
    reading: bool,
    /// Every accepted request has had its outcome; the session is to be closed.
    drained: bool,
    /// The session wants the link closed.
    leave: bool,
    /// Why the session closes the link.
    reason: Option<CloseReason>,
    /// When the requests of a peer that has stopped sending are given up.
    give_up: Option<Instant>,
    /// When the session expects `handle_timeout`.
    wait: Option<Instant>,
    timer: Timer,
}

impl Driver<'_> {
    /// A driver that goes on from `start`, and what it has to receive first. A function, so that the future of a link does
    /// not have space for `start`.
    fn new<'a>(
        server: &'a Arc<ServerShared>,
        shared: &'a Arc<LinkShared>,
        kept: &'a mut Kept,
        start: Box<Start>,
        binding: Binding,
        outbox: &'a Mailbox<OutboxItem<QueueSlot>>,
    ) -> (Driver<'a>, Option<Box<Received>>) {
        let Start { session, outputs, received, inline, .. } = *start;
        let mut driver = Driver {
            session,
            served: None,
            server,
            shared,
            kept,
            binding,
            outbox,
            running: SmallMap::default(),
            inline: None,
            outgoing: FxHashMap::default(),
            keys: FxHashMap::default(),
            account: None,
            waiting: WaitingRequests::default(),
            unread: None,
            batches: FxHashMap::default(),
            batch_bytes: 0,
            behind: false,
            cut: false,
            reading: true,
            drained: false,
            leave: false,
            reason: None,
            give_up: None,
            wait: None,
            timer: Timer::default(),
        };
        if let Some((exchange, inline)) = inline {
            driver.running.insert(exchange.id(), exchange);
            driver.inline = Some(inline);
        }
        for output in outputs {
            let _more = driver.carry(output, &mut None);
        }
        driver.drain();
        driver.reply_in_place();
        (driver, received)
    }

    fn take_commands(&mut self) {
        while let Some(command) = self.shared.commands.try_pop() {
            self.command(*command);
        }
    }

    fn command(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Reply { exchange, outcome, slot, permit, answered } => {
                self.kept.in_place.note(answered);
                return self.reply(now, exchange, outcome, slot, permit);
            }
            Command::Notify { exchange, notification, slot } => {
                match notification {
                    ExchangeNotification::Progress { progress, total, message } => {
                        self.session.progress(now, exchange, progress, total, message.as_deref());
                    }
                    ExchangeNotification::Log { level, logger, data } => {
                        self.session.log(now, exchange, level, logger.as_deref(), data);
                    }
                    ExchangeNotification::Other { method, params } => {
                        self.session.notify(now, exchange, method, params)
                    }
                }
                return self.carry_out(Some(slot));
            }
            Command::NotifyClient { method, params, slot } => {
                self.session.notify_client(now, method, params);
                return self.carry_out(Some(slot));
            }
            Command::Request { key, exchange, method, params, answer } => {
                let outgoing = self.session.request(now, exchange, method, params);
                self.outgoing.insert(outgoing, (key, answer));
                self.keys.insert(key, outgoing);
            }
            Command::GiveUp { key } => {
                if let Some(outgoing) = self.keys.remove(&key) {
                    self.outgoing.remove(&outgoing);
                    self.session.cancel_request(now, outgoing);
                }
            }
            Command::Changed => self.release(),
            Command::Cut => self.cut = true,
            Command::Drain => self.session.drain(now),
            Command::Close => self.session.close(now, CloseReason::Drained),
        }
        self.drain();
    }

    /// Publishes the changes that wait, until the writer is behind.
    fn release(&mut self) {
        loop {
            self.behind = self.outbox.len() >= BACKLOG;
            if self.behind {
                return;
            }
            let Some((change, audience)) = self.shared.next_change() else { return };
            self.session.publish(now(), &change, audience.as_ref());
            self.drain();
        }
    }

    /// Calls `handle_timeout` if it is due.
    fn tick(&mut self) {
        // Usually nothing is waited for, which saves reading the clock.
        if self.wait.is_none() && self.give_up.is_none() {
            return;
        }
        let now = now();
        if self.wait.is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
            self.drain();
            self.reply_in_place();
        }
        if self.give_up.is_some_and(|at| at <= now) {
            self.give_up = None;
            self.session.close(now, CloseReason::PeerClosed(CloseReport::default()));
            self.drain();
        }
    }

    /// Carries out what the session wants, until it waits.
    fn drain(&mut self) {
        self.carry_out(None);
    }

    /// Like [`drain`](Driver::drain), after a message that is counted already: its slot is held until it is written.
    fn carry_out(&mut self, mut slot: Option<QueueSlot>) {
        loop {
            let output = self.session.poll_output();
            if self.carry(output, &mut slot).is_break() {
                return;
            }
        }
    }

    /// Carries out one output. Breaks once the session waits.
    fn carry(&mut self, output: Output<ServerEvent>, slot: &mut Option<QueueSlot>) -> ControlFlow<()> {
        match output {
            Output::Transmit(out) => self.transmit(out, slot.take()),
            Output::Event(event) => self.event(event),
            // Servers do not connect.
            Output::Redial { .. } => {}
            Output::Close(reason) => {
                tracing::debug!(%reason, "closing the link");
                self.leave = true;
                self.reason = Some(reason);
            }
            Output::Wait(at) => {
                self.wait = at;
                if !std::mem::take(&mut self.drained) {
                    return ControlFlow::Break(());
                }
                self.session.close(now(), CloseReason::Drained);
            }
        }
        ControlFlow::Continue(())
    }

    fn transmit(&mut self, out: Outbound, slot: Option<QueueSlot>) {
        // The link ends with its one exchange.
        if self.binding.one_exchange {
            self.leave |= match &out {
                Outbound::Message { last, .. } => *last,
                Outbound::End { .. } => true,
            };
        }
        let mut slot = slot.unwrap_or_else(|| self.shared.queue_slot(weight::outbound(&out), None));
        let collected = self.count_batch(&out);
        if collected > 0 {
            slot.grow(collected);
        }
        // The outbox is closed once the link is given up.
        let _given_up = self.outbox.push(OutboxItem { out, _permit: Some(slot) });
    }
}

/// Cancels the running handlers, however the driver ends.
impl Drop for Driver<'_> {
    fn drop(&mut self) {
        for (_, exchange) in std::mem::take(&mut self.running) {
            exchange.cancelled.raise();
        }
    }
}
