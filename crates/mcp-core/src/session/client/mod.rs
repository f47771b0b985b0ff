//! The client's side of a session: era detection, calls, input, subscriptions.
//!
//! ```text
//!             handle_connected              DiscoverResult / InitializeResult
//!   Dialing ───────────────────> Opening ───────────────────────────────────> Legacy | Modern
//!      ^                            │ no common version, refusal, time              │ the link ends
//!      │ a call, a subscription     v                                               v
//!      └──────────────────────── (Over)  <───────── spent, too many tries ─────── Idle
//! ```
//!
//! `probe` judges, `opening` acts on it, `legacy` and `modern` hold what one era has and the other lacks.

mod calls;
mod commands;
mod config;
mod event;
mod inflight;
mod input;
mod input_legacy;
mod input_modern;
mod keepalive;
mod legacy;
mod link;
mod listen;
mod modern;
mod notifications;
mod opening;
mod probe;
mod ready;
mod redial;
mod route;
mod stats;
mod subscribe;
mod timers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

pub use config::{CallOptions, ClientConfig, EraMode, KnownEra, PingPolicy, Reconnect};
pub use event::{ClientEvent, Negotiated};
pub use stats::ClientStats;

use crate::error::CloseReason;
use crate::message::{ErrorObject, Method, RawJson, RequestId};
use crate::session::output::link_end;
use crate::session::{CallId, InputId, ListenId, Output, SubscriptionFilter};
use crate::transport::{Binding, CloseReport, ConnectError, Inbound, Lane, Loss, TransportError};

use calls::Calls;
use inflight::InFlight;
use input::{ClientFeatures, Inputs};
use link::{Phase, Queued};
use listen::ListenEntry;
use redial::Tries;
use timers::{TimerKey, Timers};

/// The client's side of a session, over any number of links, one at a time.
///
/// Every call ends in exactly one [`ClientEvent::CallDone`], every subscription in exactly one
/// [`ClientEvent::ListenEnded`], and the session in one `Output::Close` followed by
/// [`ClientEvent::Closed`].
///
/// `T` is a tag that the driver gives with each call and that comes back with its events, so that a driver needs no
/// table of calls besides. The session never looks at it.
#[derive(Debug)]
pub struct ClientSession<T = ()> {
    config: ClientConfig,
    declared: ClientFeatures,
    phase: Phase,
    out: VecDeque<Output<ClientEvent<T>>>,
    timers: Timers,
    inflight: InFlight,
    calls: Calls<T>,
    queue: VecDeque<Queued>,
    inputs: Inputs,
    listens: BTreeMap<ListenId, ListenEntry>,
    last_listen: u64,
    /// What is known of the peer's era, from the application or from an earlier link.
    known_era: Option<KnownEra>,
    tries: Tries,
    stats: ClientStats,
}

impl<T: Clone> ClientSession<T> {
    /// A session without a link. Its first output is `Redial`.
    pub fn new(now: Instant, config: ClientConfig) -> ClientSession<T> {
        ClientSession {
            declared: ClientFeatures::read(&config.capabilities),
            known_era: config.known_era,
            config,
            phase: Phase::Dialing,
            out: VecDeque::from([Output::Redial { at: now }]),
            timers: Timers::default(),
            inflight: InFlight::default(),
            calls: Calls::default(),
            queue: VecDeque::new(),
            inputs: Inputs::default(),
            listens: BTreeMap::new(),
            last_listen: 0,
            tries: Tries::default(),
            stats: ClientStats::default(),
        }
    }

    /// A link is there. Ignored if none was asked for.
    pub fn handle_connected(&mut self, now: Instant, binding: Binding) {
        if matches!(self.phase, Phase::Dialing) {
            self.open(now, binding);
        }
    }

    /// There is no link. Ignored if none was asked for.
    pub fn handle_connect_failed(&mut self, now: Instant, error: ConnectError) {
        if matches!(self.phase, Phase::Dialing) {
            self.connect_failed(now, error);
        }
    }

    /// Something came in.
    pub fn handle_inbound(&mut self, now: Instant, inbound: Inbound) {
        self.route(now, inbound);
    }

    /// A message was not sent (`SendError::Rejected`), and its lane is over. A client sends one message per lane, so
    /// the lane alone identifies it.
    pub fn handle_rejected(&mut self, now: Instant, lane: Lane, _request: Option<&RequestId>, loss: Loss) {
        if self.link().is_some() {
            self.on_lost(now, lane, loss);
        }
    }

    /// The instant of `Output::Wait` has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                TimerKey::Start => self.start_expired(now),
                TimerKey::Probe => self.probe_silent(now),
                TimerKey::KeepAlive => self.keep_alive(now),
                TimerKey::Call(call) => self.call_expired(now, call),
                TimerKey::Rest(call) => self.rested(now, call),
                TimerKey::Input(input) => self.input_expired(now, input),
                TimerKey::Request(number) => self.request_expired(now, number),
                TimerKey::Relisten(listen) => self.start_listen(now, listen),
            }
        }
    }

    /// The link has ended: `error` if not cleanly, `report` with what is known. Ignored if the session
    /// has given that link up already.
    pub fn handle_closed(&mut self, now: Instant, error: Option<TransportError>, report: CloseReport) {
        self.link_ended(now, link_end(error, report));
    }

    /// Makes a call. Its outcome is `ClientEvent::CallDone`. `issued` is when the application asked: the
    /// deadlines run from there, so they cover the queue before the session.
    ///
    /// A progress token in the params' own `_meta` asks for progress, and the session's token takes its
    /// place: tokens are unique among what is in flight (ledger PROG-B-001).
    pub fn call(
        &mut self,
        now: Instant,
        issued: Instant,
        method: Method,
        params: Option<RawJson>,
        options: CallOptions,
        tag: T,
    ) -> CallId {
        self.new_call(now, issued, method, params, options, tag)
    }

    /// Sends a notification; waits for the era, as a call does. Dropped where the era does not have it
    /// (`notifications/roots/list_changed` on 2026-07-28; ledger LIFE-C-015), and where there is no link.
    /// Of more than 1,024 that wait the oldest go, and are counted.
    pub fn notify(&mut self, now: Instant, method: Method, params: Option<RawJson>) {
        self.new_notification(now, method, params);
    }

    /// Subscribes, in either era: by `subscriptions/listen`, or by `resources/subscribe` and the notices
    /// that a legacy server sends without_request.
    pub fn listen(&mut self, now: Instant, filter: SubscriptionFilter) -> ListenId {
        self.new_listen(now, filter)
    }

    /// Ends a subscription: `ListenEnded` with `Error::Cancelled`. Ignored if it has ended.
    pub fn unsubscribe(&mut self, now: Instant, listen: ListenId) {
        self.cancel_listen(now, listen);
    }

    /// Cancels a call. Ignored if it is done.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        self.cancel_call(now, call);
    }

    /// Answers a question of the server. Ignored if the answer is not wanted any more.
    pub fn answer_input(&mut self, now: Instant, input: InputId, answer: Result<RawJson, ErrorObject>) {
        self.answer(now, input, answer);
    }

    /// Ends the session. No message says so to the peer (ledger LIFE-B-019).
    pub fn close(&mut self, _now: Instant, reason: CloseReason) {
        self.abandon_all();
        self.end(reason);
    }

    /// Removes the tags of all calls that have no outcome yet, in no order. For a driver that is dropped before
    /// the session has ended: no `CallDone` follows for these calls, and the session is of no further use.
    pub fn take_tags(&mut self) -> impl Iterator<Item = T> {
        self.calls.take_tags()
    }

    /// The tag of the call whose request is in flight on this lane. `None` if the lane carries anything else.
    pub fn tag_on(&self, lane: Lane) -> Option<&T> {
        self.call_on(lane).and_then(|call| self.calls.get(call)).map(|call| &call.tag)
    }

    /// What was agreed on, while a link is open.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        match &self.phase {
            Phase::Open(link) => link.negotiated(),
            Phase::Dialing | Phase::Idle | Phase::Over(_) => None,
        }
    }

    /// Why the session ended, once it has.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        match &self.phase {
            Phase::Over(reason) => Some(reason),
            Phase::Dialing | Phase::Open(_) | Phase::Idle => None,
        }
    }

    /// What was dropped so far.
    pub fn stats(&self) -> ClientStats {
        self.stats
    }

    /// What to do next. See the single-mutation rule of [`crate::session`].
    pub fn poll_output(&mut self) -> Output<ClientEvent<T>> {
        self.out.pop_front().unwrap_or_else(|| Output::Wait(self.timers.next()))
    }

    fn event(&mut self, event: ClientEvent<T>) {
        self.out.push_back(Output::Event(event));
    }
}
