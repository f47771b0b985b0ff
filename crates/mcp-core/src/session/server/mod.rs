//! The server's session: both eras on one link, chosen per message.
//!
//! ```text
//!             params._meta names a version          no such claim
//! request  ──┬──────────────────────────────┬──────────────────────────────┐
//!            │ modern: stateless            │ legacy: only after           │ route.rs
//!            │ server/discover, listen      │ `initialize`; ping, levels,  │
//!            │                              │ resource subscriptions       │
//!            └──────────────┬───────────────┴──────────────┬───────────────┘
//!                     one table of exchanges           one table of requests to a legacy client
//!                           │ Event(Request) … reply            │ (pending.rs, input.rs)
//!                           └── shape.rs: one encoder per era, at the edge
//! ```
//!
//! Both eras can be in use on one link at once. Nothing of a modern request is kept after its outcome. The state that a
//! legacy client negotiates is one struct, which `initialize` creates.

mod accept;
mod batch;
mod cancel;
mod client_features;
mod config;
mod event;
mod exchange;
mod input;
mod legacy;
mod listen;
mod modern;
mod notify;
mod outgoing;
mod pending;
#[cfg(feature = "server")]
mod rest;
mod route;
mod server_features;
mod shape;
mod stats;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

pub use config::ServerConfig;
pub use event::{Incoming, Reply, RequestContext, ServerEvent};
#[cfg(feature = "server")]
pub(crate) use rest::RestingSession;
#[cfg(feature = "server")]
pub(crate) use shape::{LARGE_RESULT, ROOM_BEHIND};
pub use stats::ServerStats;

use crate::error::{CloseReason, Error};
use crate::message::{ErrorObject, Message, ProtocolVersion, RawJson, RequestId, Response, ResultFields};
use crate::session::output::link_end;
use crate::session::small::SmallQueue;
use crate::session::{ExchangeId, Output};
use crate::transport::budget::{Budget, BudgetKey, LinkBudget, Permit};
use crate::transport::{
    AnsweredBy, Binding, CloseReport, EndReason, Envelope, Inbound, Lane, Loss, Outbound, Owner,
    TransportError,
};

use batch::Batches;
use exchange::{ExchangeStage, Exchanges};
use legacy::Legacy;
use listen::Listens;
use pending::PendingRequests;
use server_features::ServerFeatures;

/// The server's session on one link.
///
/// Requests between the answer to `initialize` and `notifications/initialized` are served, because deployed clients
/// pipeline. The server's own requests are refused until that notification.
#[derive(Debug)]
pub struct ServerSession {
    config: Arc<ServerConfig>,
    binding: Binding,
    /// Parsed on first use: most links that carry one exchange do not need them.
    declared: OnceLock<ServerFeatures>,
    exchanges: Exchanges,
    listens: Listens,
    batches: Batches,
    pending: PendingRequests,
    /// The state of a legacy client, after `initialize`.
    legacy: Option<Box<Legacy>>,
    closing: Closing,
    stats: ServerStats,
    /// The requests that are accepted beyond `max_in_flight`. The driver lets them wait.
    max_waiting: usize,
    /// The budget of subscriptions, and the share of this link.
    subscriptions: Option<Budget>,
    subscription_share: Option<(Owner, LinkBudget)>,
    out: SmallQueue<Output<ServerEvent>>,
}

/// The progress of the session's end. The first three flags are independent.
#[derive(Debug, Default)]
struct Closing {
    read_closed: bool,
    draining: bool,
    drained: bool,
    closed: bool,
}

impl ServerSession {
    /// A session on a fresh link.
    pub fn new(_now: Instant, config: Arc<ServerConfig>, binding: Binding) -> ServerSession {
        ServerSession {
            config,
            binding,
            declared: OnceLock::new(),
            exchanges: Exchanges::default(),
            listens: Listens::default(),
            batches: Batches::default(),
            pending: PendingRequests::default(),
            legacy: None,
            closing: Closing::default(),
            stats: ServerStats::default(),
            max_waiting: 0,
            subscriptions: None,
            subscription_share: None,
            out: SmallQueue::default(),
        }
    }

    /// Accepts this number of requests beyond `max_in_flight`. The caller then starts at most `max_in_flight`, and lets
    /// the others wait, where cancellations reach them.
    // A setter: the session is large, and moving it costs every request of a link that carries one exchange.
    pub fn set_max_waiting(&mut self, requests: usize) {
        self.max_waiting = requests;
    }

    /// Charges subscriptions to this budget, which the links of a server share. By default only the limits of
    /// [`ServerConfig`] hold.
    pub fn set_subscription_budget(&mut self, budget: Budget) {
        self.subscriptions = Some(budget);
    }

    /// The share of subscriptions that a message with this envelope is charged to.
    fn subscription_share(&mut self, envelope: &Envelope) -> Option<LinkBudget> {
        let budget = self.subscriptions.as_ref()?;
        if let Some(key) = envelope.get::<BudgetKey>() {
            return Some(budget.link_of(key));
        }
        let owner = Owner::of_envelope(envelope);
        match &self.subscription_share {
            Some((known, share)) if *known == owner => Some(share.clone()),
            _ => {
                let share = budget.link(&owner);
                self.subscription_share = Some((owner, share.clone()));
                Some(share)
            }
        }
    }

    /// Keeps what the driver holds for a request while the client is asked and no handler runs. Dropped with the
    /// exchange, at once if it is over.
    pub(crate) fn keep(&mut self, exchange: ExchangeId, permit: Permit) {
        if let Some(entry) = self.exchanges.get_mut(exchange) {
            entry.permit = Some(permit);
        }
    }

    /// Returns what [`keep`](ServerSession::keep) was given.
    pub(crate) fn take_permit(&mut self, exchange: ExchangeId) -> Option<Permit> {
        self.exchanges.get_mut(exchange)?.permit.take()
    }

    /// The lane of the open batch that this exchange belongs to.
    pub(crate) fn batch_of(&self, exchange: ExchangeId) -> Option<Lane> {
        if self.batches.is_empty() {
            return None;
        }
        self.exchanges.get(exchange).map(|entry| entry.lane).filter(|lane| self.batches.holds(*lane))
    }

    /// Input from the transport.
    pub fn handle_inbound(&mut self, _now: Instant, inbound: Inbound) {
        if self.closing.closed {
            return;
        }
        match inbound {
            Inbound::Lost { lane, loss } => {
                self.lane_over(lane);
                self.pending_lost(lane, &loss);
            }
            Inbound::Ended { lane } => self.lane_over(lane),
            Inbound::Delivered { .. } | Inbound::ServerStream { .. } => {}
            _ if self.closing.read_closed => {}
            Inbound::Message { message, lane, envelope } => match message {
                Message::Request(request) => self.handle_request(request, lane, envelope),
                Message::Notification(notification) => self.handle_notification(notification, lane, envelope),
                Message::Response(response) => self.handle_response(response),
            },
            Inbound::Batch { items, lane, envelope } => self.handle_batch(items, lane, envelope),
            Inbound::Refused { lane, refusal } => self.handle_refused(lane, refusal),
        }
        self.settle();
    }

    /// A message was not sent (`SendError::Rejected`), and its lane is over unless it is the shared one. `request` is the
    /// message's id if it was a request, which fails then; others on that lane do not.
    pub fn handle_rejected(&mut self, _now: Instant, lane: Lane, request: Option<&RequestId>, loss: Loss) {
        if self.closing.closed {
            return;
        }
        if let Some(ask) = request.and_then(|id| self.pending.answered(id)) {
            self.settle_pending(ask, Err(Error::Lost(loss)));
        }
        self.lane_over(lane);
        self.settle();
    }

    /// The instant of [`Output::Wait`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.closing.closed {
            self.expire_pending(now);
            self.settle();
        }
    }

    /// No more input will come. Accepted requests are still answered, and [`Output::Close`] follows the last reply.
    /// Subscriptions end without a message, and requests to the client fail.
    pub fn handle_read_closed(&mut self, _now: Instant) {
        if self.closing.closed || self.closing.read_closed {
            return;
        }
        self.closing.read_closed = true;
        self.silence_listens();
        for (_, listen) in self.listens.take_all() {
            self.exchanges.release(listen.lane, &listen.id);
        }
        self.fail_pending(&CloseReason::PeerClosed(CloseReport::default()));
        self.settle();
    }

    /// The link has ended: cancels every exchange. Nothing more is sent.
    pub fn handle_closed(&mut self, _now: Instant, error: Option<TransportError>, report: CloseReport) {
        if self.closing.closed {
            return;
        }
        self.out.retain(|output| matches!(output, Output::Event(_)));
        self.end_everything(&link_end(error, report));
    }

    /// Sends the outcome of an exchange. Ignored if it has had one, or while it waits for a legacy client's input: the
    /// handler is called again then.
    pub fn reply(&mut self, now: Instant, exchange: ExchangeId, outcome: Result<Reply, ErrorObject>) {
        let Some(entry) = self.exchanges.get(exchange) else { return };
        match entry.stage {
            ExchangeStage::Asking(_) => return,
            ExchangeStage::Muted => {
                self.exchanges.remove(exchange);
                return;
            }
            ExchangeStage::Handler => {}
        }
        match outcome {
            Ok(Reply::Result(result)) => {
                let result = ResultFields::of(result);
                match input::spelled_out(&result) {
                    None => self.finish(exchange, Ok(result), AnsweredBy::Handler),
                    Some(Ok(needed)) => self.need_input(now, exchange, &needed, Some(result)),
                    Some(Err(why)) => self.fail(exchange, ErrorObject::internal(why)),
                }
            }
            Err(error) => self.finish(exchange, Err(error), AnsweredBy::Handler),
            Ok(Reply::Busy(error)) => self.finish(exchange, Err(error), AnsweredBy::Busy),
            Ok(Reply::Verbatim(outcome)) => self.finish_verbatim(exchange, outcome),
            Ok(Reply::InputRequired(needed)) => self.need_input(now, exchange, &needed, None),
            Ok(Reply::MethodNotFound) => {
                let error = ErrorObject::method_not_found(entry.method().as_str());
                self.finish(exchange, Err(error), AnsweredBy::Protocol);
            }
        }
        self.settle();
    }

    /// Ends subscriptions in order and refuses new requests. [`ServerEvent::Drained`] follows when every accepted request
    /// has had its outcome.
    pub fn drain(&mut self, _now: Instant) {
        if self.closing.closed || self.closing.draining {
            return;
        }
        self.closing.draining = true;
        self.end_listens();
        self.settle();
    }

    /// Ends the session for this reason. Requests in flight get no outcome.
    pub fn close(&mut self, _now: Instant, reason: CloseReason) {
        if self.closing.closed {
            return;
        }
        if !self.closing.read_closed {
            self.end_listens();
        }
        for lane in self.exchanges.own_lanes() {
            self.end_lane(lane, EndReason::Closing);
        }
        self.end_everything(&reason);
        self.out.push(Output::Close(reason));
    }

    /// The next output. See the single-mutation rule of [`crate::session`].
    pub fn poll_output(&mut self) -> Output<ServerEvent> {
        match self.out.pop() {
            Some(output) => output,
            None => Output::Wait(self.pending.next_deadline()),
        }
    }

    /// Counters of dropped input.
    pub fn stats(&self) -> ServerStats {
        self.stats
    }

    /// Cancels every exchange and fails every request to the client.
    fn end_everything(&mut self, reason: &CloseReason) {
        self.closing.closed = true;
        for exchange in self.exchanges.take_live() {
            self.event(ServerEvent::Cancelled { exchange });
        }
        self.listens.take_all();
        for outgoing in self.pending.take_requests() {
            self.event(ServerEvent::OutgoingDone { outgoing, outcome: Err(Error::Closed(reason.clone())) });
        }
    }

    /// Checks after each step whether every accepted request has had its outcome.
    fn settle(&mut self) {
        if self.closing.closed || self.exchanges.live() > 0 {
            return;
        }
        if self.closing.draining && !self.closing.drained {
            self.closing.drained = true;
            self.event(ServerEvent::Drained);
        }
        if self.closing.read_closed {
            let reason = CloseReason::PeerClosed(CloseReport::default());
            self.end_everything(&reason);
            self.out.push(Output::Close(reason));
        }
    }

    /// Sends a response. On a batch's lane only the final one is `last`.
    fn respond(
        &mut self,
        lane: Lane,
        response: Response,
        answered_by: AnsweredBy,
        version: Option<ProtocolVersion>,
    ) {
        let last = self.batches.answered(lane);
        self.transmit(response.into(), lane, last, answered_by, version);
    }

    /// Sends a request or a notification.
    fn send(&mut self, message: impl Into<Message>, lane: Lane, version: ProtocolVersion) {
        self.transmit(message.into(), lane, false, AnsweredBy::Handler, Some(version));
    }

    fn transmit(
        &mut self,
        message: Message,
        lane: Lane,
        last: bool,
        answered_by: AnsweredBy,
        version: Option<ProtocolVersion>,
    ) {
        let mut envelope = Envelope::default();
        envelope.version = version;
        self.out.push(Output::Transmit(
            Outbound::message(message, lane).last(last).answered_by(answered_by).with_envelope(envelope),
        ));
    }

    fn end_lane(&mut self, lane: Lane, why: EndReason) {
        self.out.push(Output::Transmit(Outbound::end(lane, why)));
    }

    fn event(&mut self, event: ServerEvent) {
        self.out.push(Output::Event(event));
    }

    fn declared(&self) -> &ServerFeatures {
        self.declared.get_or_init(|| ServerFeatures::of(&self.config.capabilities))
    }
}

/// `{"requestId":…}`: the params of `notifications/cancelled`.
fn cancelled_params(id: &RequestId) -> RawJson {
    let mut text = Vec::new();
    id.write_to(&mut text);
    RawJson::object([("requestId", RawJson::trusted(text.into()))])
}
