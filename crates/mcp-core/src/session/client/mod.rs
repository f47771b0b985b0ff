//! The client's session: era detection, calls, input, subscriptions.
//!
//! ```text
//!             handle_connected              DiscoverResult / InitializeResult
//!   Dialing ───────────────────> Opening ───────────────────────────────────> Legacy | Modern
//!      ^                            │ no common version, refusal, time              │ the link ends
//!      │ a call, a subscription     v                                               v
//!      └──────────────────────── (Over)  <───────── spent, too many tries ─────── Idle
//! ```
//!
//! `probe` decides the era and `opening` acts on it. `legacy` and `modern` hold what only one era has.

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
mod unclaimed;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

pub use config::{
    CallOptions, ClientConfig, ClientFacts, EraMode, InputMode, KnownEra, PingPolicy, Reconnect,
};
pub use event::{ClientEvent, Negotiated};
pub use stats::ClientStats;

use crate::error::CloseReason;
use crate::message::{ErrorObject, Method, Payload, RawJson, RequestId};
use crate::session::output::link_end;
use crate::session::{CallId, InputId, ListenId, LogLevel, Output, SubscriptionFilter};
use crate::transport::{
    Binding, CloseReport, ConnectError, Envelope, Inbound, Lane, Loss, ServerStream, TransportError,
};

use calls::Calls;
use inflight::InFlight;
use input::{ClientFeatures, Inputs};
use link::{Phase, Queued};
use listen::ListenEntry;
use redial::Tries;
use timers::{TimerKey, Timers};

/// The client's session, over any number of links, one at a time.
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
    /// The peer's era, as given by the application or detected on an earlier link.
    known_era: Option<KnownEra>,
    /// The log level that the application has set on a legacy link. Each further link gets it too.
    level: Option<LogLevel>,
    tries: Tries,
    stats: ClientStats,
}

impl<T: Clone> ClientSession<T> {
    /// A session without a link. Its first output is [`Output::Redial`].
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
            level: None,
            tries: Tries::default(),
            stats: ClientStats::default(),
        }
    }

    /// A link is open. Ignored if none was requested.
    pub fn handle_connected(&mut self, now: Instant, binding: Binding) {
        if matches!(self.phase, Phase::Dialing) {
            self.open(now, binding);
        }
    }

    /// No link could be made. Ignored if none was requested.
    pub fn handle_connect_failed(&mut self, now: Instant, error: ConnectError) {
        if matches!(self.phase, Phase::Dialing) {
            self.connect_failed(now, error);
        }
    }

    /// Input from the transport.
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

    /// The instant of [`Output::Wait`] has come.
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
                TimerKey::ServerStream => self.server_stream(now, ServerStream::Open { gap: false }),
            }
        }
    }

    /// The link has ended, with an error unless it ended cleanly. Ignored if the session has given that link up.
    pub fn handle_closed(&mut self, now: Instant, error: Option<TransportError>, report: CloseReport) {
        self.link_ended(now, link_end(error, report));
    }

    /// Makes a call. Its outcome is [`ClientEvent::CallDone`], which returns the tag. The deadlines run from `issued`,
    /// so that they cover a queue before the session.
    ///
    /// A progress token in the params' `_meta` requests progress. The session replaces it by its own, which is unique
    /// among the requests in flight.
    pub fn call(
        &mut self,
        now: Instant,
        issued: Instant,
        method: Method,
        params: Option<RawJson>,
        options: impl Into<Arc<CallOptions>>,
        tag: T,
    ) -> CallId {
        self.new_call(now, issued, method, params.map(Payload::new), options.into(), tag)
    }

    /// Sends a notification, once the era is known. It is dropped if the era does not have it
    /// (`notifications/roots/list_changed` on 2026-07-28) or if there is no link. At most 1,024 wait; the oldest are
    /// dropped and counted.
    pub fn notify(&mut self, now: Instant, method: Method, params: Option<RawJson>) {
        self.new_notification(now, method, params);
    }

    /// Subscribes to changes: by `subscriptions/listen`, or on a legacy link by `resources/subscribe` and the
    /// notifications that the server sends unasked. Ends with [`ClientEvent::ListenEnded`].
    pub fn listen(&mut self, now: Instant, filter: SubscriptionFilter) -> ListenId {
        self.new_listen(now, filter)
    }

    /// Ends a subscription with [`Error::Cancelled`](crate::Error::Cancelled). Ignored if it has ended.
    pub fn unsubscribe(&mut self, now: Instant, listen: ListenId) {
        self.cancel_listen(now, listen);
    }

    /// Cancels a call. Ignored if it has ended.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        self.cancel_call(now, call);
    }

    /// Answers a request for input. Ignored if it was withdrawn.
    pub fn answer_input(&mut self, now: Instant, input: InputId, answer: Result<RawJson, ErrorObject>) {
        self.answer(now, input, answer);
    }

    /// Ends the session for this reason. No message is sent for it: the peer sees the link end.
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

    /// What the application gave with this call for the transport. `None` once the call has ended.
    pub fn envelope_of(&self, call: CallId) -> Option<&Envelope> {
        self.calls.get(call).map(|call| &call.options.envelope)
    }

    /// What was negotiated, while a link is open.
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

    /// Counters of dropped input.
    pub fn stats(&self) -> ClientStats {
        self.stats
    }

    /// The next output. See the single-mutation rule of [`crate::session`].
    pub fn poll_output(&mut self) -> Output<ClientEvent<T>> {
        self.out.pop_front().unwrap_or_else(|| Output::Wait(self.timers.next()))
    }

    fn event(&mut self, event: ClientEvent<T>) {
        self.out.push_back(Output::Event(event));
    }
}
