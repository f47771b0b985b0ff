//! Requests for input by a legacy server, and the answers in both eras.

use std::time::Instant;

use tracing::debug;

use crate::error::Error;
use crate::message::{ErrorObject, RawJson, Request, RequestId, Response};
use crate::session::{CallId, InputId, InputRequest};
use crate::transport::Lane;

use super::inflight::Purpose;
use super::input::{Asker, Input, MAX_OPEN, NotAsked};
use super::timers::TimerKey;
use super::{ClientEvent, ClientSession};

impl<T: Clone> ClientSession<T> {
    /// Answers a request of a legacy server.
    pub(super) fn respond(&mut self, id: RequestId, answer: Result<RawJson, ErrorObject>) {
        self.transmit_fresh(match answer {
            Ok(result) => Response::result(id, result),
            Err(error) => Response::error(Some(id), error),
        });
    }

    /// A request of a legacy server other than `ping`.
    pub(super) fn on_question(&mut self, now: Instant, lane: Lane, request: Request) {
        let params = request.params.map(|params| params.into_raw());
        let method = request.method;
        let known = self
            .link()
            .and_then(|link| link.version())
            .is_some_and(|version| method != "elicitation/create" || version.has_elicitation());
        let declared = self.declared.allows(method.as_str(), params.as_ref());
        let refusal = match declared.or_else(|why| if self.config.ask_undeclared { Ok(()) } else { Err(why) })
        {
            Err(NotAsked::Mode(why)) => Some(ErrorObject::invalid_params(format!("Invalid params: {why}"))),
            Err(NotAsked::Undeclared) => Some(ErrorObject::method_not_found(method.as_str())),
            Ok(()) if !known => Some(ErrorObject::method_not_found(method.as_str())),
            Ok(()) if self.inputs.asked_as(&request.id, Some(lane)).is_some() => {
                Some(ErrorObject::invalid_request("Invalid request: this id is in flight already"))
            }
            Ok(()) if self.inputs.len() >= MAX_OPEN => {
                Some(ErrorObject::internal(format!("Busy: the limit is {MAX_OPEN} open requests")))
            }
            Ok(()) => None,
        };
        if let Some(error) = refusal {
            return self.respond(request.id, Err(error));
        }
        let call = self.call_on(lane).or_else(|| match self.inflight.only() {
            Some((_, Purpose::Call(call))) => Some(*call),
            _ => None,
        });
        let asked = InputRequest { key: request.id.to_string(), method, params };
        self.ask(now, Asker::Server { lane, id: request.id }, call, asked);
    }

    /// Passes a request for input to the application.
    pub(super) fn ask(&mut self, now: Instant, asker: Asker, call: Option<CallId>, request: InputRequest) {
        let id = self.inputs.add(Input { asker, call });
        self.timers.set(TimerKey::Input(id), now.checked_add(self.config.input_timeout));
        if let Some(call) = call {
            self.pause_call(now, call);
        }
        self.event(ClientEvent::Input { id, call, request });
    }

    /// The application's answer.
    pub(super) fn answer(&mut self, now: Instant, id: InputId, answer: Result<RawJson, ErrorObject>) {
        let Some(input) = self.inputs.take(id) else { return };
        self.timers.clear(TimerKey::Input(id));
        if let Some(call) = input.call {
            self.resume_call(now, call);
        }
        let answer = answer.and_then(|result| {
            if result.is_object() {
                Ok(result)
            } else {
                debug!("an answer that is not an object was replaced by an error");
                Err(ErrorObject::internal("The answer is not an object"))
            }
        });
        match (input.asker, input.call, answer) {
            (Asker::Server { id, .. }, _, answer) => self.respond(id, answer),
            (Asker::Round { key }, Some(call), Ok(answer)) => self.round_answer(now, call, key, answer),
            (Asker::Round { .. }, Some(call), Err(error)) => {
                self.finish(call, Err(Error::InputRefused(error)))
            }
            (Asker::Round { .. }, None, _) => {}
        }
    }

    /// No answer came in time.
    pub(super) fn input_expired(&mut self, now: Instant, id: InputId) {
        let Some(input) = self.inputs.take(id) else { return };
        self.event(ClientEvent::InputCancelled { id });
        if let Some(call) = input.call {
            self.resume_call(now, call);
        }
        let after = self.config.input_timeout;
        match (input.asker, input.call) {
            (Asker::Server { id, .. }, _) => {
                let error = ErrorObject::internal(format!("No answer from the user within {after:?}"));
                self.respond(id, Err(error));
            }
            (Asker::Round { .. }, Some(call)) => {
                self.finish(call, Err(Error::timed_out("no input", after)));
            }
            (Asker::Round { .. }, None) => {}
        }
    }

    /// A legacy server cancels its request, which gets no answer then. The cancellation may come on another lane.
    // CANC-B-004.
    pub(super) fn question_cancelled(&mut self, now: Instant, lane: Lane, id: &RequestId) -> bool {
        let found = self.inputs.asked_as(id, Some(lane)).or_else(|| self.inputs.asked_as(id, None));
        let Some(input) = found else { return false };
        self.withdraw(input);
        if let Some(call) = self.inputs.take(input).and_then(|input| input.call) {
            self.resume_call(now, call);
        }
        true
    }

    fn withdraw(&mut self, id: InputId) {
        self.timers.clear(TimerKey::Input(id));
        self.event(ClientEvent::InputCancelled { id });
    }

    /// Withdraws the requests for input of a call that has ended.
    pub(super) fn cancel_inputs_of(&mut self, call: CallId) {
        for id in self.inputs.of_round(call) {
            self.inputs.take(id);
            self.withdraw(id);
        }
    }

    pub(super) fn cancel_all_inputs(&mut self) {
        for id in self.inputs.all() {
            self.inputs.take(id);
            self.withdraw(id);
        }
    }
}
