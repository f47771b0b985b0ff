//! The driver of a client: one task for all of its links.

mod command;
mod events;
mod link;
mod shared;
mod slot;
mod state_watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::AbortHandle;

use crate::error::{CloseReason, Error};
use crate::session::client::{ClientEvent, ClientSession};
use crate::session::{InputId, ListenId, Output};
use crate::transport::budget::LinkBudget;
use crate::transport::{CloseReport, Connect, ConnectError, PeerEvidence, Transport, TransportError};

use crate::runtime::burst::LinkDriver;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::timer::Timer;
use crate::runtime::writer::OutboxItem;
use crate::runtime::{now, sleep_until};

pub use state_watch::StateWatch;

use command::CallTag;
pub(crate) use command::{Command, NewCall, Permit};
pub(crate) use shared::{ClientLimits, ClientShared, MAX_IN_FLIGHT, start};
pub(crate) use slot::{CallSlot, ListenSlot};

struct Driver {
    shared: Arc<ClientShared>,
    session: ClientSession<CallTag>,
    listens: HashMap<ListenId, Arc<ListenSlot>>,
    inputs: HashMap<InputId, AbortHandle>,
    /// What their requests hold.
    inputs_share: LinkBudget,
    /// The queue to the writer, while a link is open.
    outbox: Option<Arc<Mailbox<OutboxItem<Permit>>>>,
    /// The outbox is short enough to go on reading.
    reading: bool,
    /// When the session wants a link to be made.
    redial: Option<Instant>,
    /// The session wants the link closed.
    leave: bool,
    /// Why the session has ended.
    end: Option<CloseReason>,
    /// What the peer of the newest link has shown.
    evidence: Option<PeerEvidence>,
    /// When the session expects `handle_timeout`.
    wait: Option<Instant>,
    timer: Timer,
}

impl Driver {
    /// A driver that has not started. It settles everything when it is dropped, started or not.
    fn new(shared: Arc<ClientShared>) -> Driver {
        Driver {
            session: ClientSession::new(now(), shared.config.clone()),
            inputs_share: shared.unread.share(),
            shared,
            listens: HashMap::new(),
            inputs: HashMap::new(),
            outbox: None,
            reading: true,
            redial: None,
            leave: false,
            end: None,
            evidence: None,
            wait: None,
            timer: Timer::default(),
        }
    }

    /// Drives a client to its end.
    async fn run(mut self, mut connector: Box<dyn Connect>) {
        self.drain();
        while self.end.is_none() {
            self.leave = false;
            match self.redial.take() {
                Some(at) => {
                    if let Some(link) = self.dial(&mut *connector, at).await {
                        self.drive_link(link).await;
                    }
                }
                None => self.rest().await,
            }
        }
    }

    /// Waits for `at`, then makes a link within the start limit. Commands and timers are handled meanwhile.
    async fn dial(&mut self, connector: &mut dyn Connect, at: Instant) -> Option<Box<dyn Transport>> {
        let limit = self.shared.config.start_timeout;
        let attempt = async {
            // A timer would add its grain to a time that has come.
            if at > now() {
                sleep_until(Some(at)).await;
            }
            let link = tokio::time::timeout(limit, connector.connect()).await;
            link.unwrap_or(Err(ConnectError::timed_out(limit)))
        };
        let mut attempt = std::pin::pin!(attempt);
        loop {
            tokio::select! {
                biased;
                () = self.shared.commands.ready() => self.take_commands(),
                result = &mut attempt => match result {
                    Ok(link) => return Some(link),
                    Err(error) => {
                        tracing::debug!(%error, "no link");
                        self.session.handle_connect_failed(now(), error);
                        self.drain();
                        return None;
                    }
                },
                () = self.timer.until(self.wait) => self.tick(),
            }
            if self.is_leaving() {
                return None;
            }
        }
    }

    /// Waits for a command or a timer while no link is needed.
    async fn rest(&mut self) {
        tokio::select! {
            () = self.shared.commands.ready() => self.take_commands(),
            () = self.timer.until(self.wait) => self.tick(),
        }
    }

    /// Calls `handle_timeout` if it is due.
    fn tick(&mut self) {
        let now = now();
        if self.wait.is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
            self.drain();
        }
    }

    fn take_commands(&mut self) {
        while self.take_command() {}
    }

    fn command(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Call(call) => self.call(now, call),
            Command::Cancel(slot) => {
                if let Some(id) = slot.id() {
                    self.session.cancel(now, id);
                }
            }
            Command::Notify { method, params, permit } => {
                self.session.notify(now, method, params);
                return self.carry_out(Some(permit));
            }
            Command::Listen { filter, slot } => {
                let id = self.session.listen(now, filter);
                // A new slot: only this line sets it.
                let _fresh = slot.id.set(id);
                self.listens.insert(id, slot);
            }
            Command::Unsubscribe(slot) => {
                if let Some(id) = slot.id.get() {
                    self.listens.remove(id);
                    self.session.unsubscribe(now, *id);
                }
            }
            Command::Answer { input, answer } => {
                self.inputs.remove(&input);
                self.session.answer_input(now, input, answer);
            }
            Command::Close => self.session.close(now, CloseReason::Requested),
        }
        self.drain();
    }

    fn call(&mut self, now: Instant, call: NewCall) {
        let NewCall { issued, method, params, options, slot, permit } = call;
        let span = tracing::debug_span!(
            "mcp.call",
            method = method.as_str(),
            version = tracing::field::Empty,
            lane = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        if let Some(negotiated) = self.session.negotiated() {
            span.record("version", negotiated.version.as_str());
        }
        let tag = CallTag { slot: slot.clone(), span, permit };
        let id = self.session.new_call(now, issued, method, params, options, tag);
        slot.set_id(id);
    }

    /// Carries out what the session wants, until it waits.
    fn drain(&mut self) {
        self.carry_out(None);
    }

    /// Like [`drain`](Driver::drain), after a notification whose permit is to be held until it is written.
    fn carry_out(&mut self, mut permit: Option<Permit>) {
        loop {
            match self.session.poll_output() {
                Output::Transmit(out) => self.transmit(out, permit.take()),
                Output::Event(event) => self.event(event),
                Output::Redial { at } => self.redial = Some(at),
                Output::Close(reason) => {
                    tracing::debug!(%reason, "closing the link");
                    self.leave = true;
                }
                Output::Wait(at) => {
                    self.wait = at;
                    return;
                }
            }
        }
    }
}

/// Settles everything that waits, also if the runtime drops the driver's task.
impl Drop for Driver {
    fn drop(&mut self) {
        let reason = self.end.take().unwrap_or_else(|| {
            if !std::thread::panicking() {
                return CloseReason::Requested;
            }
            let error = TransportError::new("a panic while the link was driven");
            CloseReason::LinkFailed { error, closed: CloseReport::default() }
        });
        // Outcomes that were not carried out stand. No method that changes the session is called: it may have panicked.
        loop {
            match self.session.poll_output() {
                Output::Event(ClientEvent::CallDone { tag, outcome, .. }) => tag.slot.settle(outcome),
                Output::Wait(_) => break,
                _ => {}
            }
        }
        for tag in self.session.take_tags() {
            tag.slot.settle(Err(Error::Closed(reason.clone())));
        }
        for (_, slot) in self.listens.drain() {
            slot.end(Err(Error::Closed(reason.clone())));
        }
        for (_, task) in self.inputs.drain() {
            task.abort();
        }
        self.shared.end(&reason);
    }
}
