//! The phases of a session, and sending on its link.

use std::time::{Duration, Instant};

use crate::error::CloseReason;
use crate::message::{Message, Method, Notification, Payload, ProtocolVersion, RawJson, Request};
use crate::session::departure::{Departure, Departures};
use crate::session::{CallId, Output};
use crate::transport::{AbandonBy, Binding, EndReason, Envelope, Lane, Outbound};

use super::ClientSession;
use super::event::Negotiated;
use super::inflight::{Purpose, wire_id};
use super::legacy::Legacy;
use super::modern::{Extras, Modern};
use super::opening::Opening;
use super::timers::TimerKey;

/// The phase of a session.
#[derive(Debug)]
pub(super) enum Phase {
    /// A link was requested.
    Dialing,
    /// A link is open.
    Open(Link),
    /// There is no link until a call or a subscription needs one.
    Idle,
    /// The session has ended.
    Over(CloseReason),
}

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) binding: Binding,
    /// The number of consecutive unreadable messages.
    pub(super) garbage: u32,
    /// When input came last; for keep-alive.
    pub(super) heard: Instant,
    /// When it became ready.
    pub(super) ready: Option<Instant>,
    /// The peer has answered a call on this link.
    pub(super) answered: bool,
    /// How often the peer lost the session on this link since it last answered a call.
    pub(super) forgotten: u32,
    /// Whether the server's own stream is open, where the binding reports it.
    pub(super) server_stream: Option<bool>,
    /// The number of the last notification that was sent, until a later call is answered; otherwise 0.
    pub(super) told: u64,
    pub(super) departures: Departures,
    pub(super) era: Era,
}

/// The era of a link.
#[derive(Debug)]
pub(super) enum Era {
    /// Not known yet.
    Opening(Opening),
    /// Opened by `initialize`.
    Legacy(Legacy),
    /// Each request is independent.
    Modern(Modern),
}

/// A message that waits for the era, in the application's order.
#[derive(Debug)]
pub(super) enum Queued {
    Call(CallId),
    Notification(Method, Option<RawJson>),
}

impl Link {
    pub(super) fn negotiated(&self) -> Option<&Negotiated> {
        match &self.era {
            Era::Opening(_) => None,
            Era::Legacy(legacy) => Some(&legacy.negotiated),
            Era::Modern(modern) => Some(&modern.negotiated),
        }
    }

    /// The version of outgoing messages. `None` until the era is known.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.negotiated().map(|negotiated| negotiated.version)
    }

    /// Whether the application's messages may go out.
    pub(super) fn is_ready(&self) -> bool {
        match &self.era {
            Era::Opening(_) => false,
            Era::Legacy(legacy) => legacy.hold.is_none(),
            Era::Modern(_) => true,
        }
    }
}

impl<T: Clone> ClientSession<T> {
    pub(super) fn link(&self) -> Option<&Link> {
        match &self.phase {
            Phase::Open(link) => Some(link),
            Phase::Dialing | Phase::Idle | Phase::Over(_) => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.phase {
            Phase::Open(link) => Some(link),
            Phase::Dialing | Phase::Idle | Phase::Over(_) => None,
        }
    }

    pub(super) fn legacy(&self) -> Option<&Legacy> {
        match &self.link()?.era {
            Era::Legacy(legacy) => Some(legacy),
            Era::Opening(_) | Era::Modern(_) => None,
        }
    }

    pub(super) fn legacy_mut(&mut self) -> Option<&mut Legacy> {
        match &mut self.link_mut()?.era {
            Era::Legacy(legacy) => Some(legacy),
            Era::Opening(_) | Era::Modern(_) => None,
        }
    }

    pub(super) fn modern(&self) -> Option<&Modern> {
        match &self.link()?.era {
            Era::Modern(modern) => Some(modern),
            Era::Opening(_) | Era::Legacy(_) => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.link().is_some_and(Link::is_ready)
    }

    /// Sends a message on the lane of this number. It is always the last on its lane: a client sends one message per
    /// lane.
    pub(super) fn transmit(&mut self, number: u64, message: Message, mut envelope: Envelope) {
        if let (Message::Notification(_), Some(link)) = (&message, self.link_mut()) {
            link.told = number;
        }
        envelope.version = envelope.version.or(self.link().and_then(Link::version));
        self.out.push_back(Output::Transmit(
            Outbound::message(message, Lane::numbered(number)).last(true).with_envelope(envelope),
        ));
    }

    /// Sends a notification or a response on a fresh lane, and returns the lane's number.
    pub(super) fn transmit_fresh(&mut self, message: impl Into<Message>) -> u64 {
        let number = self.inflight.mint();
        self.transmit(number, message.into(), Envelope::default());
        number
    }

    /// Sends a request of the session itself. It fails after the limit, if there is one.
    pub(super) fn request(
        &mut self,
        now: Instant,
        method: &'static str,
        params: Option<RawJson>,
        purpose: Purpose,
        limit: Option<Duration>,
    ) -> u64 {
        let number = self.inflight.mint();
        let params = match self.modern() {
            Some(modern) => {
                Some(modern.request_meta.params(params.map(Payload::new).as_ref(), &Extras::default()))
            }
            None => params.map(Payload::new),
        };
        let request = Request { id: wire_id(number, &purpose), method: method.into(), params };
        self.inflight.insert(number, purpose);
        self.transmit(number, request.into(), Envelope::default());
        if let Some(limit) = limit {
            self.timers.set(TimerKey::Request(number), now.checked_add(limit));
        }
        number
    }

    /// Accepts a departure of the peer from the protocol.
    pub(super) fn tolerate(&mut self, what: Departure) {
        if let Some(link) = self.link_mut() {
            link.departures.warn_once(what);
        }
    }

    /// Informs the peer that this request was cancelled. The caller has removed the request from the table.
    // CANC-C-008, CANC-C-009, TIME-B-002.
    pub(super) fn abandon(&mut self, number: u64, purpose: &Purpose, why: EndReason) {
        let Some(link) = self.link() else { return };
        let (by_message, by_end) = match (&link.era, link.binding.abandon) {
            (Era::Opening(_), _) => (false, true),
            // A legacy server goes on working when a stream is dropped, so it needs the message, too.
            (Era::Legacy(_), _) => (true, true),
            (Era::Modern(_), AbandonBy::Message) => (true, false),
            (Era::Modern(_), AbandonBy::End) => (false, true),
        };
        if by_message {
            let reason = match why {
                EndReason::TimedOut => "timed out",
                _ => "cancelled",
            };
            let mut id = Vec::new();
            wire_id(number, purpose).write_to(&mut id);
            let id = RawJson::trusted(id.into());
            let params = RawJson::object([("requestId", id), ("reason", RawJson::string(reason))]);
            self.transmit_fresh(Notification::new("notifications/cancelled", Some(params)));
        }
        if by_end {
            self.out.push_back(Output::Transmit(Outbound::end(Lane::numbered(number), why)));
        }
    }
}
