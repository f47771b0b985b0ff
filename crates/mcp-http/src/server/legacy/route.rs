//! The route of a message of the link: the answer to a POST, its stream, or the stream that belongs to no request.
//!
//! Each message has exactly one route: its own lane; for a request that no client could read there, the stream that GET
//! opened; otherwise it waits, is dropped and counted, or is rejected at once (promise 6). This module makes a plan
//! under the lock of the session; `send` carries it out without the lock.

// Ledger HTTP-S-016, T-46.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use mcp_core::message::{ErrorObject, Message, ProtocolVersion, RequestId, Response};
use mcp_core::transport::{AnsweredBy, EndReason, Lane};
use tokio::sync::oneshot;

use super::lane::{Answer, Brought, Delivery, Exchange, status, text};
use super::session::{Session, SessionState};
use super::store::EventId;
use super::stream::Stream;

/// Notifications that are kept until a session is open.
const EARLY: usize = 16;

// Ledger T-18.
/// The code that other implementations of MCP use for a cancelled request. Outside of the reserved range.
const CANCELLED: i64 = -32800;

/// What to do with a message.
#[derive(Default)]
pub(super) struct SendPlan {
    /// The answer to the POST.
    pub(super) answer: Option<(oneshot::Sender<Answer>, Answer)>,
    /// Events for streams, in order.
    pub(super) events: Vec<Event>,
    /// The stream of this lane ends afterwards.
    pub(super) end: Option<Lane>,
    /// The session was refused and ends afterwards.
    pub(super) close: bool,
    /// Why the message is rejected.
    pub(super) rejected: Option<&'static str>,
}

/// A message for a stream.
pub(super) struct Event {
    pub(super) stream: u64,
    pub(super) message: Bytes,
    /// Whether it may be dropped for a slow reader that cannot resume.
    pub(super) droppable: bool,
}

impl Event {
    fn of(stream: u64, message: &Message) -> Event {
        Event { stream, message: text(message), droppable: matches!(message, Message::Notification(_)) }
    }
}

impl SendPlan {
    fn rejected(why: &'static str) -> SendPlan {
        SendPlan { rejected: Some(why), ..SendPlan::default() }
    }

    fn event(event: Event) -> SendPlan {
        SendPlan { events: vec![event], ..SendPlan::default() }
    }

    /// The only answer of an exchange, which ends it.
    fn last(exchange: Option<Exchange>, answer: Answer) -> SendPlan {
        match exchange.map(|exchange| exchange.delivery) {
            Some(Delivery::Undecided(to)) => SendPlan { answer: Some((to, answer)), ..SendPlan::default() },
            _ => SendPlan::default(),
        }
    }
}

impl Session {
    /// A message that belongs to no exchange.
    pub(super) fn route_shared(&self, state: &mut SessionState, message: &Message) -> SendPlan {
        let standalone = &mut state.standalone;
        let note = matches!(message, Message::Notification(_));
        if standalone.stream.is_read() || (note && standalone.opened && self.store().is_some()) {
            return SendPlan::event(Event::of(0, message));
        }
        match message {
            Message::Notification(_) => {
                self.context.counters.dropped(standalone.keep(text(message)));
                SendPlan::default()
            }
            Message::Request(_) => {
                SendPlan::rejected("the client has no open stream for requests of the server")
            }
            Message::Response(_) => SendPlan::rejected("an answer belongs to the lane of its request"),
        }
    }

    /// A message of an HTTP+SSE session. Lanes are those of batches; answers are sent one by one.
    pub(super) fn route_to_one(&self, state: &mut SessionState, message: &Message, lane: Lane) -> SendPlan {
        if lane.number() > state.minted() {
            return SendPlan::rejected("unknown exchange");
        }
        SendPlan::event(Event::of(0, message))
    }

    /// A message of an exchange.
    pub(super) fn route(
        self: &Arc<Self>,
        state: &mut SessionState,
        message: &Message,
        lane: Lane,
        last: bool,
        answered_by: AnsweredBy,
    ) -> SendPlan {
        let version = state.version;
        let Some(exchange) = state.exchanges.get_mut(&lane.number()) else {
            return SendPlan::rejected("this exchange has ended");
        };
        if let Message::Response(response) = message {
            exchange.answered(response);
        }
        exchange.notice_hang_up();
        match &exchange.delivery {
            Delivery::Gone => self.route_gone(state, message, lane, last),
            Delivery::Stream(stream) => {
                let asks = matches!(message, Message::Request(_));
                // A request of the server needs a reader now, or a store to wait in.
                if asks && !stream.is_read() && self.store().is_none() {
                    return self.route_shared(state, message);
                }
                let mut plan = SendPlan { end: last.then_some(lane), ..SendPlan::default() };
                plan.put(exchange, lane, message);
                plan
            }
            Delivery::Undecided(_) if !last && exchange.holds(message) => self.hold(state, message, lane),
            Delivery::Undecided(_) if last && exchange.formats.json() && !exchange.needs_stream() => {
                let Message::Response(response) = message else {
                    return SendPlan::rejected("an exchange ends with an answer");
                };
                let (mut status, mut json) = (status(response, answered_by), text(message));
                if exchange.is_list(response.id.as_ref(), version) {
                    (status, json) = (StatusCode::OK, exchange.list(&json));
                }
                let accepted = response.outcome.is_ok();
                let close = exchange.brought == Brought::Opening && !accepted;
                let answer = Answer::Body { status, json, accepted };
                SendPlan { close, ..SendPlan::last(state.finish(lane), answer) }
            }
            Delivery::Undecided(_) => {
                let mut plan = SendPlan { end: last.then_some(lane), ..SendPlan::default() };
                let accepted = matches!(message, Message::Response(response) if response.outcome.is_ok());
                plan.close = exchange.brought == Brought::Opening && !accepted;
                plan.answer = self.open_stream(exchange, lane, version, accepted);
                plan.put(exchange, lane, message);
                plan
            }
        }
    }

    /// A message of an exchange whose client has hung up and cannot resume.
    fn route_gone(&self, state: &mut SessionState, message: &Message, lane: Lane, last: bool) -> SendPlan {
        if last {
            state.finish(lane);
            return SendPlan::default();
        }
        match message {
            Message::Request(_) => self.route_shared(state, message),
            _ => {
                self.context.counters.dropped(1);
                SendPlan::default()
            }
        }
    }

    /// Holds a message that cannot be sent yet: answers of a batch, notifications before the session is open.
    fn hold(&self, state: &mut SessionState, message: &Message, lane: Lane) -> SendPlan {
        if matches!(message, Message::Request(_)) {
            return self.route_shared(state, message);
        }
        let Some(exchange) = state.exchanges.get_mut(&lane.number()) else { return SendPlan::default() };
        let early = exchange.brought == Brought::Opening && exchange.held.len() < EARLY;
        if early || matches!(message, Message::Response(_)) {
            exchange.held.push(text(message));
        } else {
            self.context.counters.dropped(1);
        }
        SendPlan::default()
    }

    /// Turns an undecided exchange into a stream. Returns the answer to the POST.
    pub(super) fn open_stream(
        self: &Arc<Self>,
        exchange: &mut Exchange,
        lane: Lane,
        version: Option<ProtocolVersion>,
        accepted: bool,
    ) -> Option<(oneshot::Sender<Answer>, Answer)> {
        let to = match std::mem::replace(&mut exchange.delivery, Delivery::Gone) {
            Delivery::Undecided(to) => to,
            other => {
                exchange.delivery = other;
                return None;
            }
        };
        let (writer, reader) = self.connection(lane.number());
        if let Some(priming) = self.priming(version, EventId { stream: lane.number(), number: 0 }) {
            writer.force(priming);
        }
        exchange.delivery = Delivery::Stream(Stream::on(writer));
        Some((to, Answer::Stream { reader, accepted }))
    }

    // Ledger T-18.
    /// An exchange gets no (further) answer.
    pub(super) fn route_end(
        self: &Arc<Self>,
        state: &mut SessionState,
        lane: Lane,
        why: EndReason,
    ) -> SendPlan {
        let version = state.version;
        let Some(exchange) = state.exchanges.get_mut(&lane.number()) else { return SendPlan::default() };
        exchange.notice_hang_up();
        let told = match why {
            EndReason::Cancelled => Some("Request cancelled"),
            EndReason::TimedOut => Some("Request timed out"),
            _ => None,
        };
        let mut errors: Vec<Bytes> = match told {
            Some(why) => exchange.waiting.drain(..).map(|id| cancelled(id, why)).collect(),
            None => Vec::new(),
        };
        match &exchange.delivery {
            Delivery::Gone => {
                state.finish(lane);
                SendPlan::default()
            }
            Delivery::Undecided(_) if exchange.formats.json() || told.is_none() => {
                let answer = match (errors.pop().or_else(|| exchange.held.pop()), why) {
                    (Some(last), _) => {
                        exchange.held.append(&mut errors);
                        let list = matches!(exchange.brought, Brought::Batch { .. });
                        let json = if list { exchange.list(&last) } else { last };
                        Answer::Body { status: StatusCode::OK, json, accepted: false }
                    }
                    (None, EndReason::Closing) => Answer::Failed,
                    (None, _) => Answer::Nothing,
                };
                SendPlan::last(state.finish(lane), answer)
            }
            _ => {
                let mut plan = SendPlan { end: Some(lane), ..SendPlan::default() };
                plan.answer = self.open_stream(exchange, lane, version, false);
                // A client that resumes would wait forever; one that cannot resume sees the end.
                if self.store().is_some() {
                    let stream = lane.number();
                    let errors = std::mem::take(&mut exchange.held).into_iter().chain(errors);
                    plan.events.extend(errors.map(|message| Event { stream, message, droppable: false }));
                }
                plan
            }
        }
    }
}

impl Exchange {
    /// Whether the message cannot be sent before the last one, or at all.
    fn holds(&self, message: &Message) -> bool {
        match self.brought {
            Brought::Opening => true,
            Brought::Batch { .. } if matches!(message, Message::Response(_)) => true,
            _ => !self.formats.events(),
        }
    }

    /// Whether one body would lose held notifications.
    fn needs_stream(&self) -> bool {
        self.brought == Brought::Opening && !self.held.is_empty() && self.formats.events()
    }

    /// Notices that the client hung up before there was a stream to resume.
    fn notice_hang_up(&mut self) {
        if matches!(&self.delivery, Delivery::Undecided(to) if to.is_closed()) {
            self.delivery = Delivery::Gone;
        }
    }
}

impl SendPlan {
    /// Adds the held messages, then this one.
    fn put(&mut self, exchange: &mut Exchange, lane: Lane, message: &Message) {
        let stream = lane.number();
        let held = std::mem::take(&mut exchange.held).into_iter();
        self.events.extend(held.map(|message| Event { stream, message, droppable: false }));
        self.events.push(Event::of(stream, message));
    }
}

fn cancelled(id: RequestId, why: &'static str) -> Bytes {
    text(&Response::error(Some(id), ErrorObject::new(CANCELLED, why)).into())
}
