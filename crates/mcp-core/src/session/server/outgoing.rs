//! The server's own requests to a legacy client, and the answers to all of them.

use std::time::Instant;

use crate::error::{CloseReason, Error};
use crate::message::{Method, Payload, RawJson, Request, Response, method};
use crate::session::OutgoingId;
use crate::transport::{CloseReport, Lane, Loss, LossKind};

use super::client_features::ClientFeatures;
use super::pending::{Ask, Purpose};
use super::{ServerEvent, ServerSession};

impl ServerSession {
    /// A request to a legacy client. Given up after the config's `input_timeout`.
    ///
    /// # Errors
    ///
    /// Before the wire: [`Error::Misuse`] where the client cannot or may not be asked (no legacy session, a
    /// capability that it did not declare, anything but `ping` before `notifications/initialized`; ledger
    /// LIFE-S-006, LIFE-B-012), [`Error::Limit`], [`Error::Closed`].
    pub fn request(
        &mut self,
        now: Instant,
        method: Method,
        params: Option<RawJson>,
    ) -> Result<OutgoingId, Error> {
        if self.phase.closed || self.phase.read_closed {
            return Err(Error::Closed(CloseReason::PeerClosed(CloseReport::default())));
        }
        let misuse = |why: String| Err(Error::Misuse(why));
        let Some(legacy) = &self.legacy else {
            return misuse(format!("{method} cannot be sent: there is no legacy session"));
        };
        if !legacy.initialized && method != "ping" {
            return misuse(format!("{method} has to wait for notifications/initialized"));
        }
        if method::find(method.as_str()).is_some_and(|row| !row.legacy.server())
            || method.as_str().starts_with("notifications/")
        {
            return misuse(format!("{method} is no request of a server"));
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
        if self.asks.len() >= limit {
            return Err(Error::Limit {
                what: "requests to the client in flight".into(),
                limit: limit as u64,
            });
        }
        let version = legacy.version;
        let outgoing = self.asks.name_outgoing();
        let deadline = now.checked_add(self.config.input_timeout);
        let id = self.asks.open(Lane::SHARED, method.as_str(), Purpose::Request(outgoing), deadline);
        self.tell(Request::new(id, method, params), Lane::SHARED, version);
        Ok(outgoing)
    }

    /// Gives up a request to a legacy client. It ends with [`Error::Cancelled`].
    pub fn cancel_request(&mut self, now: Instant, outgoing: OutgoingId) {
        let _ = now;
        if let Some((id, ask)) = self.asks.take_request(outgoing) {
            self.take_back(&id, ask.lane);
            self.event(ServerEvent::OutgoingDone { outgoing, outcome: Err(Error::Cancelled) });
        }
    }

    /// A response, matched by its typed id alone (promise 2). Anything else is dropped (FAULT C-34).
    pub(super) fn handle_response(&mut self, response: Response) {
        match response.id.as_ref().and_then(|id| self.asks.answered(id)) {
            Some(ask) => self.settle_ask(ask, response.outcome.map_err(Error::Rpc)),
            None => {
                self.stray_responses += 1;
                tracing::debug!(id = ?response.id, "a response that answers nothing is dropped");
            }
        }
    }

    /// The end of one of our requests, whatever it was for.
    pub(super) fn settle_ask(&mut self, ask: Ask, outcome: Result<Payload, Error>) {
        match ask.purpose {
            Purpose::Request(outgoing) => self.event(ServerEvent::OutgoingDone { outgoing, outcome }),
            Purpose::InputQuestion(exchange, index) => {
                let answer = match outcome {
                    Ok(result) => Ok(result.into_raw()),
                    Err(Error::Rpc(error)) => Err(format!("the client refused: {}", clip(&error.message))),
                    Err(error) => Err(clip(&error.to_string())),
                };
                self.leg_answered(exchange, index, &ask.method, answer);
            }
        }
    }

    /// Gives up what has waited too long, and tells the client so (ledger TIME-B-002).
    pub(super) fn expire_asks(&mut self, now: Instant) {
        while let Some((id, ask)) = self.asks.take_expired(now) {
            self.take_back(&id, ask.lane);
            let after = self.config.input_timeout;
            self.settle_ask(ask, Err(Error::TimedOut { what: "no answer", after }));
        }
    }

    /// The transport says that nothing that was asked on this lane has a way to the client, or back. A lane
    /// that was merely cut takes no question with it: a legacy client may answer by another way.
    pub(super) fn asks_lost(&mut self, lane: Lane, loss: &Loss) {
        if loss.kind == LossKind::NoRoute {
            for ask in self.asks.take_on(lane) {
                self.settle_ask(ask, Err(Error::Lost(loss.clone())));
            }
        }
    }
}

/// A peer's text, short enough to be passed on.
fn clip(text: &str) -> String {
    text.chars().take(200).collect()
}
