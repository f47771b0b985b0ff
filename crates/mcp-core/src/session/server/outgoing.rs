//! The server's requests to a legacy client, and the answers to them.

use std::time::Instant;

use crate::error::{CloseReason, Error};
use crate::message::{Method, Payload, RawJson, Request, Response, method};
use crate::session::{ExchangeId, OutgoingId};
use crate::transport::{CloseReport, ErrorChain, Lane, Loss, LossKind};

use super::client_features::ClientFeatures;
use super::pending::{PendingRequest, Purpose};
use super::{ServerEvent, ServerSession};

impl ServerSession {
    /// Sends a request to a legacy client. Its outcome is [`ServerEvent::OutgoingDone`]. It times out after
    /// [`ServerConfig::input_timeout`](super::ServerConfig::input_timeout).
    ///
    /// Nothing is sent, and the outcome is an error, if the client cannot or may not be asked: [`Error::Misuse`]
    /// without a legacy session, without the client's capability, and for anything but `ping` before
    /// `notifications/initialized`; [`Error::Limit`]; [`Error::Closed`].
    ///
    /// It travels with the request of `exchange`, if that is in flight, and outside of exchanges otherwise.
    pub fn request(
        &mut self,
        now: Instant,
        exchange: Option<ExchangeId>,
        method: Method,
        params: Option<RawJson>,
    ) -> OutgoingId {
        let outgoing = self.pending.name_outgoing();
        let entry = exchange.and_then(|exchange| self.exchanges.get(exchange));
        // A batch's lane is collected until the last answer, so it cannot carry a request.
        let lane = entry.map(|entry| entry.lane).filter(|lane| !self.batches.holds(*lane));
        let lane = lane.unwrap_or(Lane::SHARED);
        if let Err(error) = self.send_request(now, outgoing, lane, method, params) {
            self.event(ServerEvent::OutgoingDone { outgoing, outcome: Err(error) });
        }
        outgoing
    }

    // LIFE-S-006, LIFE-B-012
    fn send_request(
        &mut self,
        now: Instant,
        outgoing: OutgoingId,
        lane: Lane,
        method: Method,
        params: Option<RawJson>,
    ) -> Result<(), Error> {
        if self.closing.closed || self.closing.read_closed {
            return Err(Error::Closed(CloseReason::PeerClosed(CloseReport::default())));
        }
        let misuse = |why: String| Err(Error::Misuse(why));
        let Some(legacy) = &self.legacy else {
            return misuse(format!(
                "{method} cannot be sent: there is no legacy session; on 2026-07-28 a handler asks with \
                 Context::ask or Context::question"
            ));
        };
        if !legacy.initialized && method != "ping" {
            return misuse(format!("{method} has to wait for notifications/initialized"));
        }
        if method::find(method.as_str()).is_some_and(|row| !row.legacy.server())
            || method.as_str().starts_with("notifications/")
        {
            return misuse(format!("{method} is not a request of a server"));
        }
        if params.as_ref().is_some_and(|params| !params.is_object()) {
            return misuse("params have to be an object".into());
        }
        let needs = ClientFeatures::of(method.as_str(), params.as_ref()).unwrap_or_default();
        let missing = needs.without(ClientFeatures::declared(&legacy.client_capabilities, legacy.version));
        if !missing.is_none() {
            let missing = missing.to_capabilities();
            return misuse(format!("{method} needs client capabilities that were not negotiated: {missing}"));
        }
        let limit = self.config.max_in_flight;
        if self.pending.len() >= limit {
            return Err(Error::Limit {
                what: "requests to the client in flight".into(),
                limit: limit as u64,
            });
        }
        let version = legacy.version;
        let deadline = now.checked_add(self.config.input_timeout);
        let id = self.pending.open(lane, method.as_str(), Purpose::Request(outgoing), deadline);
        self.send(Request::new(id, method, params), lane, version);
        Ok(())
    }

    /// Cancels a request to a legacy client. It ends with [`Error::Cancelled`]. Ignored if it has ended.
    pub fn cancel_request(&mut self, _now: Instant, outgoing: OutgoingId) {
        if let Some((id, ask)) = self.pending.take_request(outgoing) {
            self.take_back(&id, ask.lane);
            self.event(ServerEvent::OutgoingDone { outgoing, outcome: Err(Error::Cancelled) });
        }
    }

    /// A response, matched by its typed id alone (promise 2). Dropped if it matches nothing.
    // FAULT C-34.
    pub(super) fn handle_response(&mut self, response: Response) {
        match response.id.as_ref().and_then(|id| self.pending.answered(id)) {
            Some(ask) => self.settle_pending(ask, response.outcome.map_err(Error::Rpc)),
            None => {
                self.stats.stray_responses += 1;
                tracing::debug!(id = ?response.id, "a response that answers nothing is dropped");
            }
        }
    }

    /// Settles a request to the client.
    pub(super) fn settle_pending(&mut self, ask: PendingRequest, outcome: Result<Payload, Error>) {
        match ask.purpose {
            Purpose::Request(outgoing) => self.event(ServerEvent::OutgoingDone { outgoing, outcome }),
            Purpose::InputQuestion(exchange, index) => {
                let answer = match outcome {
                    Ok(result) => Ok(result.into_raw()),
                    Err(Error::Rpc(error)) => Err(format!("the client refused: {}", clip(&error.message))),
                    Err(error) => Err(clip(&ErrorChain::new(&error).to_string())),
                };
                self.question_answered(exchange, index, &ask.method, answer);
            }
        }
    }

    /// Gives up the requests that have timed out, and cancels them at the client.
    // TIME-B-002.
    pub(super) fn expire_pending(&mut self, now: Instant) {
        while let Some((id, ask)) = self.pending.take_expired(now) {
            self.take_back(&id, ask.lane);
            let after = self.config.input_timeout;
            self.settle_pending(ask, Err(Error::timed_out("no answer", after)));
        }
    }

    /// Fails the requests on this lane if the transport has no route to the client. A lane that was only cut fails no
    /// request: a legacy client may answer on another lane.
    pub(super) fn pending_lost(&mut self, lane: Lane, loss: &Loss) {
        if loss.kind == LossKind::NoRoute {
            for ask in self.pending.take_on(lane) {
                self.settle_pending(ask, Err(Error::Lost(loss.clone())));
            }
        }
    }
}

/// A peer's text, shortened to a length that is safe to pass on.
fn clip(text: &str) -> String {
    text.chars().take(200).collect()
}
