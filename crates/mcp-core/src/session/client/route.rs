//! Routing of input to the request that it belongs to, and handling of input that belongs to none.

use std::time::Instant;

use tracing::debug;

use crate::error::{CloseReason, Error};
use crate::message::{ErrorObject, Message, Payload, Refusal, Request, RequestId, Response, Shape};
use crate::session::departure::Departure;
use crate::transport::{EndReason, ErrorChain, Inbound, Lane, Loss, LossKind};

use super::ClientSession;
use super::calls::CallStage;
use super::inflight::{Match, Purpose};
use super::link::{Era, Queued};
use super::timers::TimerKey;

impl<T: Clone> ClientSession<T> {
    pub(super) fn route(&mut self, now: Instant, inbound: Inbound) {
        let Some(link) = self.link_mut() else { return };
        link.heard = now;
        match inbound {
            Inbound::Message { message, lane, .. } => {
                link.garbage = 0;
                self.on_message(now, lane, message);
            }
            Inbound::Batch { items, .. } => self.on_batch(now, items),
            Inbound::Refused { lane, refusal } => self.on_refused(now, lane, refusal),
            Inbound::Delivered { lane } => {
                self.release_hold(now, lane);
            }
            Inbound::Lost { lane, loss } => self.on_lost(now, lane, loss),
            Inbound::ServerStream { state } => self.server_stream(now, state),
            Inbound::Ended { lane } => {
                let loss = Loss::new(LossKind::Cut, "the peer hung up before its answer");
                self.on_lost(now, lane, loss);
            }
        }
    }

    fn on_message(&mut self, now: Instant, lane: Lane, message: Message) {
        match message {
            Message::Response(response) => self.on_response(now, lane, response),
            Message::Notification(notification) => self.on_notification(now, lane, notification),
            Message::Request(request) => self.on_request(now, lane, request),
        }
    }

    fn on_response(&mut self, now: Instant, lane: Lane, response: Response) {
        if response.null_member {
            self.tolerate(Departure::NullMember);
        }
        let outcome = response.outcome.map_err(Error::Rpc);
        match self.inflight.find(lane, response.id.as_ref()) {
            Match::Number(number) => {
                let text = response.id.as_ref().is_some_and(|id| id.as_str().is_some());
                if text && !matches!(self.inflight.get(number), Some(Purpose::Listen(_))) {
                    self.tolerate(Departure::IdAsText);
                }
                self.settle(now, number, outcome)
            }
            Match::WrongId(number) => {
                let why = "the answer on a request's own lane has another id".to_owned();
                self.settle(now, number, Err(Error::Violation(why)));
            }
            Match::None if self.is_held_by(lane) => match outcome {
                // Some servers answer a notification with an empty result.
                Ok(_) => {
                    self.release_hold(now, lane);
                }
                Err(error) => self.initialized_refused(now, lane, &error),
            },
            Match::None => self.unclaimed(now, lane, response.id, outcome),
        }
    }

    /// Settles a request.
    pub(super) fn settle(&mut self, now: Instant, number: u64, outcome: Result<Payload, Error>) {
        let Some(purpose) = self.inflight.take(number) else { return };
        if matches!(purpose, Purpose::Call(_))
            && matches!(outcome, Ok(_) | Err(Error::Rpc(_)))
            && let Some(link) = self.link_mut()
        {
            link.answered = true;
            link.forgotten = 0;
            if link.told < number {
                link.told = 0;
            }
        }
        match purpose {
            Purpose::Probe => self.probe_answered(now, outcome),
            Purpose::Initialize => self.initialize_answered(now, outcome),
            Purpose::Call(call) => self.call_answered(now, call, outcome),
            Purpose::Ping => self.ping_answered(now, number, outcome),
            Purpose::Listen(listen) => self.listen_answered(now, listen, outcome),
            Purpose::Subscribe(uri) => self.subscribe_answered(number, &uri, outcome),
            Purpose::Unheeded => self.timers.clear(TimerKey::Request(number)),
        }
    }

    /// A request of the session itself has timed out.
    pub(super) fn request_expired(&mut self, now: Instant, number: u64) {
        let Some(purpose) = self.inflight.get(number).cloned() else { return };
        // Cancels it at the peer, and ends the lane (ledger TIME-B-002).
        self.abandon(number, &purpose, EndReason::TimedOut);
        let after = match (&purpose, self.config.ping) {
            (Purpose::Ping, Some(policy)) => policy.timeout,
            _ => self.config.call_timeout,
        };
        self.settle(now, number, Err(Error::timed_out("no answer", after)));
    }

    fn on_request(&mut self, now: Instant, lane: Lane, request: Request) {
        let Some(link) = self.link() else { return };
        match &link.era {
            // A modern client answers no requests (ledger RPC-C-012).
            Era::Modern(_) => {
                self.stats.ignored_requests += 1;
                debug!(method = %request.method, "a modern server sent a request; ignored");
            }
            // In every phase, also before the handshake (ledger PING-B-001).
            _ if request.method == "ping" => self.respond(request.id, Ok(Default::default())),
            Era::Opening(_) => {
                let error = ErrorObject::invalid_request("Invalid request: the session is not initialized");
                self.respond(request.id, Err(error));
            }
            Era::Legacy(_) => self.on_question(now, lane, request),
        }
    }

    fn on_refused(&mut self, now: Instant, lane: Lane, refusal: Refusal) {
        let error = refusal_error(&refusal);
        if !lane.is_shared() {
            // Input on a lane that is not shared stands for the lane's answer.
            if self.inflight.get(lane.number()).is_some() {
                return self.settle(now, lane.number(), Err(error));
            }
            debug!(?lane, %error, "input on a lane without a request was refused");
            self.release_hold(now, lane);
            return;
        }
        let answers = match (&refusal.id, refusal.shape) {
            (Some(id), Shape::Response | Shape::Unknown) => self.inflight.by_id(id).map(|(number, _)| number),
            (None, Shape::Response) => self.only_awaited(),
            _ => None,
        };
        if let Some(number) = answers {
            return self.settle(now, number, Err(error));
        }
        match refusal.shape {
            Shape::Request => self.refuse(refusal.id, refusal.error),
            Shape::Notification => {
                self.stats.dropped_notifications += 1;
                debug!(%error, "a malformed notification was dropped");
            }
            Shape::Response if refusal.id.is_some() => {
                self.stats.unknown += 1;
                debug!(%error, "a malformed answer to no request in flight was dropped");
            }
            Shape::Response | Shape::Unknown => self.on_garbage(error),
        }
    }

    /// Answers a malformed request, unless the peer is modern.
    fn refuse(&mut self, id: Option<RequestId>, error: ErrorObject) {
        if self.modern().is_some() {
            self.stats.ignored_requests += 1;
        } else {
            self.transmit_fresh(Response::error(id, error));
        }
    }

    /// Skips unreadable input, up to `max_garbage` consecutive messages.
    fn on_garbage(&mut self, error: Error) {
        self.stats.garbage += 1;
        debug!(%error, "unreadable input was skipped");
        let limit = self.config.max_garbage;
        let Some(link) = self.link_mut() else { return };
        link.garbage = link.garbage.saturating_add(1);
        if link.garbage > limit {
            let why =
                format!("more than {limit} consecutive unreadable messages (max_garbage); the last: {error}");
            self.end(CloseReason::Violation(why));
        }
    }

    /// A batch, which only 2025-03-26 has. Its items are handled as single messages on the shared lane.
    // RPC-B-018, RPC-B-022, RPC-B-023.
    fn on_batch(&mut self, now: Instant, items: Vec<Result<Message, Refusal>>) {
        let version = self.link().and_then(|link| link.version());
        if version.is_some_and(|version| version.has_batching()) && !items.is_empty() {
            for item in items {
                if self.link().is_none() {
                    return;
                }
                match item {
                    Ok(message) => self.on_message(now, Lane::SHARED, message),
                    Err(refusal) => self.on_refused(now, Lane::SHARED, refusal),
                }
            }
            return;
        }
        let why = "a batch, which this revision does not have";
        let (mut asks, mut answers) = (false, false);
        for item in items {
            let id = match item {
                Ok(Message::Response(response)) => response.id,
                Err(refusal) if refusal.shape == Shape::Response => refusal.id,
                Ok(Message::Request(_)) => {
                    asks = true;
                    continue;
                }
                Err(refusal) if refusal.shape == Shape::Request => {
                    asks = true;
                    continue;
                }
                Ok(Message::Notification(_)) | Err(_) => continue,
            };
            if let Some((number, _)) = id.as_ref().and_then(|id| self.inflight.by_id(id)) {
                answers = true;
                self.settle(now, number, Err(Error::Violation(why.into())));
            }
        }
        if asks {
            self.refuse(None, ErrorObject::invalid_request(format!("Invalid request: {why}")));
        } else if !answers {
            self.on_garbage(Error::Violation(why.into()));
        }
    }

    pub(super) fn on_lost(&mut self, now: Instant, lane: Lane, loss: Loss) {
        if self.is_held_by(lane) {
            return match loss.kind {
                LossKind::Unauthorized | LossKind::Unreachable => {
                    self.fail_opening(now, CloseReason::opening_failed(Error::Lost(loss)))
                }
                _ => self.initialized_refused(now, lane, &Error::Lost(loss)),
            };
        }
        let number = lane.number();
        if matches!(self.inflight.get(number), None | Some(Purpose::Unheeded)) {
            self.inflight.take(number);
            debug!(?lane, %loss, "a message without a request in flight was lost");
            if lane.is_shared() && matches!(loss.kind, LossKind::SessionLost { .. }) {
                self.reinitialize(now, &loss);
            }
            return;
        }
        match loss.kind {
            LossKind::SessionLost { executed } if self.has_state() => {
                self.session_lost(now, number, loss, executed)
            }
            _ => self.settle(now, number, Err(Error::Lost(loss))),
        }
    }

    /// Whether the link has or had a session that the peer can lose.
    fn has_state(&self) -> bool {
        self.link().is_some_and(|link| match &link.era {
            Era::Legacy(_) => true,
            Era::Opening(opening) => opening.stale.is_some(),
            Era::Modern(_) => false,
        })
    }

    /// The peer lost the session. A call that was not executed is sent once more, after the new handshake; nothing else
    /// is repeated (SESS-C rows).
    // FAULT C-33.
    fn session_lost(&mut self, now: Instant, number: u64, loss: Loss, executed: bool) {
        let waiter = match self.inflight.get(number) {
            Some(Purpose::Initialize) => return self.settle(now, number, Err(Error::Lost(loss))),
            Some(Purpose::Call(call)) => Some(*call),
            _ => None,
        };
        let resend =
            waiter.filter(|call| !executed && self.calls.get(*call).is_some_and(|call| !call.resent));
        match resend {
            Some(id) => {
                self.inflight.take(number);
                let calls = &self.calls;
                let waits = |queued: &Queued| match queued {
                    Queued::Call(call) => calls.get(*call).is_some_and(|call| call.resent),
                    Queued::Notification(..) => false,
                };
                let index = self.queue.iter().take_while(|queued| waits(queued)).count();
                self.queue.insert(index, Queued::Call(id));
                if let Some(call) = self.calls.get_mut(id) {
                    call.stage = CallStage::Queued;
                    call.resent = true;
                }
            }
            None => {
                self.timers.clear(TimerKey::Request(number));
                self.settle(now, number, Err(Error::Lost(loss.clone())));
            }
        }
        self.reinitialize(now, &loss);
    }

    fn is_held_by(&self, lane: Lane) -> bool {
        !lane.is_shared() && self.legacy().is_some_and(|legacy| legacy.hold == Some(lane.number()))
    }

    /// `notifications/initialized` was refused or lost. Servers that answer it with an error serve calls all the same;
    /// for others the next call has the reason.
    // FAULT F-C2.
    fn initialized_refused(&mut self, now: Instant, lane: Lane, error: &Error) {
        tracing::warn!(
            error = %ErrorChain::new(error),
            "the server did not accept notifications/initialized; the session goes on without it"
        );
        self.release_hold(now, lane);
    }

    /// `notifications/initialized` was delivered: calls may follow it (promise 7).
    fn release_hold(&mut self, now: Instant, lane: Lane) {
        if self.is_held_by(lane) {
            if let Some(legacy) = self.legacy_mut() {
                legacy.hold = None;
            }
            self.ready(now);
        }
    }
}

/// The error for refused input: a violation by the peer, or a limit of this side.
fn refusal_error(refusal: &Refusal) -> Error {
    match refusal.limit {
        Some((what, limit)) => Error::Limit { what: what.to_owned(), limit },
        None => Error::Violation(refusal.error.message.clone().into_owned()),
    }
}
