//! The driver of one link of a server.

pub(crate) mod command;
mod events;
mod held_back;
mod link;
mod serve;
pub(crate) mod server;
pub(crate) mod shared;

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::error::{CloseReason, Error};
use crate::message::{Message, Payload};
use crate::session::server::ServerSession;
use crate::session::small::SmallMap;
use crate::session::{Change, ExchangeId, OutgoingId, Output};
use crate::transport::{Binding, CloseReport, Outbound, Transport};
use rustc_hash::FxHashMap;

use crate::runtime::burst::LinkDriver;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::now;
use crate::runtime::timer::Timer;
use crate::runtime::writer::OutboxItem;
use crate::server::context::Exchange;
use command::{Command, ExchangeNotification, Outcome};
use held_back::HeldBack;
use serve::Notice;
use shared::{LinkShared, NotificationPermit, QueueSlot};

pub(crate) use server::{ServerLimits, ServerShared};

/// Messages that may wait for the writer before changes are held back and equal ones become one.
const BACKLOG: usize = 256;

/// Drives a link to its end.
///
/// Where the binding says `one_exchange`, nothing is spawned: the handler is polled here, beside the
/// writer. A binding that has to answer its own caller while the handler still runs moves this future into
/// a task of its own.
async fn run(server: Arc<ServerShared>, shared: Arc<LinkShared>, link: Box<dyn Transport>) -> CloseReason {
    let binding = link.binding();
    let (mut sender, mut receiver) = link.split();
    let outbox = Mailbox::new();
    let mut driver = Driver {
        session: ServerSession::new(now(), server.config.clone(), binding),
        server,
        shared,
        binding,
        outbox: &outbox,
        running: SmallMap::default(),
        inline: None,
        outgoing: FxHashMap::default(),
        keys: FxHashMap::default(),
        notices: None,
        held_back: HeldBack::default(),
        reading: true,
        drained: false,
        leave: false,
        reason: None,
        give_up: None,
        wait: None,
        timer: Timer::default(),
    };
    driver.drain();
    driver.drive_link(&mut *sender, &mut *receiver).await
}

/// The length of what a message carries.
fn payload_len(out: &Outbound) -> usize {
    let Outbound::Message { message, .. } = out else { return 0 };
    let carried = match message {
        Message::Request(request) => request.params.as_ref().map(Payload::raw),
        Message::Notification(notification) => notification.params.as_ref().map(Payload::raw),
        Message::Response(response) => match &response.outcome {
            Ok(result) => Some(result.raw()),
            Err(error) => error.data.as_ref(),
        },
    };
    carried.map_or(0, |json| json.as_bytes().len())
}

type Asked = (u64, oneshot::Sender<Result<Payload, Error>>);

struct Driver<'a> {
    server: Arc<ServerShared>,
    shared: Arc<LinkShared>,
    session: ServerSession,
    binding: Binding,
    outbox: &'a Mailbox<OutboxItem<QueueSlot>>,
    /// Requests that handlers are serving.
    running: SmallMap<ExchangeId, Arc<Exchange>>,
    /// The handler of the one exchange, where the link lives for one.
    inline: Option<BoxFuture<'static, (ExchangeId, Outcome)>>,
    /// Requests to a legacy client, by the session's name and by the handler's.
    outgoing: FxHashMap<OutgoingId, Asked>,
    keys: FxHashMap<u64, OutgoingId>,
    /// To the task that tells the handler what the client told.
    notices: Option<Arc<Mailbox<Notice>>>,
    /// Changes that wait until the writer has caught up.
    held_back: HeldBack,
    reading: bool,
    /// The session has done everything it accepted, and is to be closed.
    drained: bool,
    /// The session wants the link closed.
    leave: bool,
    /// Why the session closes the link.
    reason: Option<CloseReason>,
    /// When the requests of a peer that sends no more are given up.
    give_up: Option<Instant>,
    /// When the session wants to be told the time.
    wait: Option<Instant>,
    timer: Timer,
}

impl Driver<'_> {
    fn take_commands(&mut self) {
        while self.take_command() {}
    }

    fn command(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Reply { exchange, outcome } => {
                self.running.remove(&exchange);
                self.session.reply(now, exchange, outcome);
            }
            Command::Notify { exchange, notification, permit } => {
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
                return self.carry_out(Some(permit));
            }
            Command::Request { key, method, params, answer } => {
                let outgoing = self.session.request(now, method, params);
                self.outgoing.insert(outgoing, (key, answer));
                self.keys.insert(key, outgoing);
            }
            Command::GiveUp { key } => {
                if let Some(outgoing) = self.keys.remove(&key) {
                    self.outgoing.remove(&outgoing);
                    self.session.cancel_request(now, outgoing);
                }
            }
            Command::Publish(change) => self.publish(now, change),
            Command::Drain => self.session.drain(now),
            Command::Close => self.session.close(now, CloseReason::Drained),
        }
        self.drain();
    }

    /// Publishes a change, or holds it back while the writer is behind: equal changes become one.
    fn publish(&mut self, now: Instant, change: Change) {
        if self.outbox.len() < BACKLOG {
            self.session.publish(now, &change);
        } else if self.held_back.push(change).is_some() {
            tracing::warn!(link = self.shared.number, "a subscriber reads too slowly; a change was dropped");
        }
    }

    /// The writer has caught up: publishes what was held back.
    fn release(&mut self) {
        while self.outbox.len() < BACKLOG {
            let Some(change) = self.held_back.pop() else { return };
            self.session.publish(now(), &change);
            self.drain();
        }
    }

    /// Tells the session the time, if it is what the session waits for.
    fn tick(&mut self) {
        // Most of the time nothing is waited for: then no clock is asked.
        if self.wait.is_none() && self.give_up.is_none() {
            return;
        }
        let now = now();
        if self.wait.is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
            self.drain();
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

    /// Like [`drain`](Driver::drain), after a notification whose permit is to be held until it is written.
    fn carry_out(&mut self, mut permit: Option<NotificationPermit>) {
        loop {
            match self.session.poll_output() {
                Output::Transmit(out) => self.transmit(out, permit.take()),
                Output::Event(event) => self.event(event),
                // A server makes no links.
                Output::Redial { .. } => {}
                Output::Close(reason) => {
                    tracing::debug!(%reason, "closing the link");
                    self.leave = true;
                    self.reason = Some(reason);
                }
                Output::Wait(at) => {
                    self.wait = at;
                    if !std::mem::take(&mut self.drained) {
                        return;
                    }
                    self.session.close(now(), CloseReason::Drained);
                }
            }
        }
    }

    fn transmit(&mut self, out: Outbound, permit: Option<NotificationPermit>) {
        // The exchange for which the link lives ends with this: so does the link.
        if self.binding.one_exchange {
            self.leave |= match &out {
                Outbound::Message { last, .. } => *last,
                Outbound::End { .. } => true,
            };
        }
        let slot = self.shared.queue_slot(payload_len(&out), permit);
        // The outbox is closed once the link is given up.
        let _given_up = self.outbox.push(OutboxItem { out, _permit: Some(slot) });
    }
}

/// However the driver ends, handlers learn that nobody wants their answer, and nobody is left waiting.
impl Drop for Driver<'_> {
    fn drop(&mut self) {
        for (_, exchange) in std::mem::take(&mut self.running) {
            exchange.cancelled.raise();
        }
        if let Some(notices) = &self.notices {
            notices.close();
        }
        // Commands hold permits, and these the link: taking them out breaks the circle.
        self.shared.commands.abandon();
    }
}
