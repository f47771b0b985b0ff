//! Handlers that need input: sent as a result on a modern link, as requests on a legacy one (ledger 3.20).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use crate::error::CloseReason;
use crate::message::{
    ErrorObject, Field, Method, Payload, RawJson, Request, Response, ResultFields, code, method,
};
use crate::session::{ExchangeId, InputRequest, InputRequired};
use crate::transport::{AnsweredBy, Lane};

use super::client_features::ClientFeatures;
use super::exchange::{ExchangeStage, Round};
use super::pending::Purpose;
use super::{Incoming, ServerEvent, ServerSession, cancelled_params, shape};

/// Reads a result whose `resultType` is `input_required`, such as one that a proxy forwards.
pub(super) fn spelled_out(result: &ResultFields) -> Option<Result<InputRequired, &'static str>> {
    (result.result_type() == Some(shape::INPUT_REQUIRED)).then(|| read(result.payload()))
}

fn read(payload: &Payload) -> Result<InputRequired, &'static str> {
    let state = payload.field_json(Field::RequestState);
    let needed = InputRequired {
        state: state.as_ref().and_then(RawJson::to_text),
        requests: match payload.field_json(Field::InputRequests) {
            Some(requests) if requests.is_object() => requests
                .members()
                .into_iter()
                .map(|(key, request)| {
                    let method = request.member("method").and_then(|name| name.to_text());
                    let method = method.ok_or("an input request has to name its method")?;
                    Ok(InputRequest { key, method: Method::from(method), params: request.member("params") })
                })
                .collect::<Result<_, &str>>()?,
            Some(_) => return Err("`inputRequests` has to be an object"),
            None => Vec::new(),
        },
    };
    if state.is_some() && needed.state.is_none() {
        return Err("`requestState` has to be a string");
    }
    Ok(needed)
}

/// Checks the rules that hold in both eras. Returns the client capabilities that are needed.
fn check(method: &str, needed: &InputRequired) -> Result<ClientFeatures, String> {
    if !method::may_need_input(method) {
        return Err(format!("{method} cannot be answered with input_required"));
    }
    if needed.requests.is_empty() && needed.state.is_none() {
        return Err("input_required without a question and without a state".into());
    }
    let mut keys = HashSet::new();
    let mut needs = ClientFeatures::default();
    for request in &needed.requests {
        if !keys.insert(request.key.as_str()) {
            return Err("two input requests of one key".into());
        }
        if request.params.as_ref().is_some_and(|params| !params.is_object()) {
            return Err("the params of an input request have to be an object".into());
        }
        match ClientFeatures::of(request.method.as_str(), request.params.as_ref()) {
            Some(more) => needs = needs.and(more),
            None => return Err(format!("{} is not an input request", request.method)),
        }
    }
    Ok(needs)
}

/// The wire form: requests without `jsonrpc` and `id`.
// MRTR-S-005, T-41.
fn encode(needed: &InputRequired) -> RawJson {
    let bare = |request: &InputRequest| {
        let mut members = vec![("method", RawJson::string(request.method.as_str()))];
        members.extend(request.params.clone().map(|params| ("params", params)));
        RawJson::object(members)
    };
    let mut members = vec![("resultType", RawJson::string("input_required"))];
    if !needed.requests.is_empty() {
        let requests = needed.requests.iter().map(|request| (request.key.as_str(), bare(request)));
        members.push(("inputRequests", RawJson::object(requests)));
    }
    members.extend(needed.state.as_deref().map(|state| ("requestState", RawJson::string(state))));
    RawJson::object(members)
}

impl ServerSession {
    /// Requests the client's input. `raw` is the handler's own `input_required` result, if it made one; it is sent
    /// unchanged on a modern link.
    pub(super) fn need_input(
        &mut self,
        now: Instant,
        name: ExchangeId,
        needed: &InputRequired,
        raw: Option<ResultFields>,
    ) {
        let Some(exchange) = self.exchanges.get(name) else { return };
        let needs = match check(exchange.method().as_str(), needed) {
            Ok(needs) => needs,
            Err(why) => return self.fail(name, ErrorObject::internal(why)),
        };
        let missing = needs
            .without(ClientFeatures::declared(&exchange.context().client_capabilities, exchange.version()));
        let modern = exchange.version().is_modern();
        match (modern, missing.is_none()) {
            (true, true) => {
                let result = raw.unwrap_or_else(|| encode(needed).into());
                self.finish(name, Ok(result), AnsweredBy::Handler);
            }
            (true, false) => {
                self.fail(name, ErrorObject::missing_capability(missing.to_capabilities()));
            }
            (false, true) => self.ask(now, name, needed),
            (false, false) => {
                let missing = missing.to_capabilities();
                let why = format!("This needs client capabilities that were not negotiated: {missing}");
                self.fail(name, ErrorObject::internal(why));
            }
        }
    }

    /// Sends the requests to a legacy client, on the lane of the exchange.
    fn ask(&mut self, now: Instant, name: ExchangeId, needed: &InputRequired) {
        let limit = self.config.max_input_rounds;
        let in_flight = self.config.max_in_flight;
        let initialized = self.legacy.as_ref().is_some_and(|legacy| legacy.initialized);
        let asking = !needed.requests.is_empty();
        let Some(exchange) = self.exchanges.get_mut(name) else { return };
        let refusal = if exchange.rounds >= limit {
            Some(format!("The request asked for input {limit} times (max_input_rounds)"))
        } else if asking && !initialized {
            Some("The client cannot be asked before notifications/initialized".to_owned())
        } else if asking && self.closing.read_closed {
            Some("The client cannot answer any more".to_owned())
        } else if self.pending.len() + needed.requests.len() > in_flight {
            Some(format!("Busy: {in_flight} questions to the client in flight (max_in_flight)"))
        } else {
            None
        };
        if let Some(why) = refusal {
            return self.fail(name, ErrorObject::internal(why));
        }
        exchange.rounds += 1;
        let answers = needed.requests.iter().map(|request| (request.key.clone(), None)).collect();
        exchange.stage = ExchangeStage::Asking(Round { state: needed.state.clone(), answers });
        let (version, lane) = (exchange.version(), exchange.lane);
        // A batch's lane is collected until the last answer, so it cannot carry a request.
        let lane = if self.batches.holds(lane) { Lane::SHARED } else { lane };
        let deadline = now.checked_add(self.config.input_timeout);
        for (index, request) in needed.requests.iter().enumerate() {
            let purpose = Purpose::InputQuestion(name, index);
            let id = self.pending.open(lane, request.method.as_str(), purpose, deadline);
            self.send(Request::new(id, request.method.clone(), request.params.clone()), lane, version);
        }
        self.resume_if_answered(name);
    }

    /// A request for input was answered, or failed.
    pub(super) fn question_answered(
        &mut self,
        name: ExchangeId,
        index: usize,
        method: &str,
        answer: Result<RawJson, String>,
    ) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                return self.fail(name, ErrorObject::internal(format!("{method} failed: {why}")));
            }
        };
        if let Some(error) = self.over_bytes(answer.as_bytes().len()) {
            return self.fail(name, error);
        }
        self.exchanges.keep(name, answer.as_bytes().len());
        if let Some(ExchangeStage::Asking(round)) =
            self.exchanges.get_mut(name).map(|exchange| &mut exchange.stage)
            && let Some((_, slot)) = round.answers.get_mut(index)
        {
            *slot = Some(answer);
        }
        self.resume_if_answered(name);
    }

    /// Calls the handler again if the round is complete.
    fn resume_if_answered(&mut self, name: ExchangeId) {
        let Some(exchange) = self.exchanges.get_mut(name) else { return };
        let ExchangeStage::Asking(round) = &exchange.stage else { return };
        if round.answers.iter().any(|(_, answer)| answer.is_none()) {
            return;
        }
        let mut incoming = Incoming::clone(&exchange.request);
        let answers = round.answers.iter().filter_map(|(key, answer)| Some((key.as_str(), answer.clone()?)));
        incoming.context.input_responses = Some(RawJson::object(answers));
        incoming.context.request_state = round.state.clone();
        exchange.stage = ExchangeStage::Handler;
        self.event(ServerEvent::Request(Arc::new(incoming)));
    }

    /// Cancels the open requests for input of an exchange.
    pub(super) fn cancel_questions(&mut self, name: ExchangeId) {
        for (id, ask) in self.pending.take_questions(name) {
            self.take_back(&id, ask.lane);
        }
    }

    /// Ends an exchange with an error of the session, after a handler has run.
    pub(super) fn fail(&mut self, name: ExchangeId, error: ErrorObject) {
        self.cancel_questions(name);
        self.finish(name, Err(error), AnsweredBy::Handler);
    }

    /// Sends the response of an exchange. Only this method does.
    pub(super) fn finish(
        &mut self,
        name: ExchangeId,
        outcome: Result<ResultFields, ErrorObject>,
        answered_by: AnsweredBy,
    ) {
        let Some(exchange) = self.exchanges.remove(name) else { return };
        let outcome = shape::outcome(&self.config, exchange.version(), exchange.method().as_str(), outcome);
        let response = Response { id: Some(exchange.id().clone()), outcome, null_member: false };
        self.respond(exchange.lane, response, answered_by, Some(exchange.version()));
        self.listen_over(&exchange);
    }

    /// Sends the response of an exchange as another server gave it.
    pub(super) fn finish_verbatim(&mut self, name: ExchangeId, outcome: Result<RawJson, ErrorObject>) {
        let outcome = match outcome {
            Ok(result) if result.is_object() => Ok(Payload::new(result)),
            Ok(result) => {
                let kind = result.kind_name();
                Err(ErrorObject::internal(format!("The upstream server's result is {kind}, not an object")))
            }
            Err(error) => Err(error),
        };
        let unknown = matches!(&outcome, Err(error) if error.code == code::METHOD_NOT_FOUND);
        let answered_by = if unknown { AnsweredBy::Protocol } else { AnsweredBy::Handler };
        let Some(exchange) = self.exchanges.remove(name) else { return };
        let response = Response { id: Some(exchange.id().clone()), outcome, null_member: false };
        self.respond(exchange.lane, response, answered_by, Some(exchange.version()));
        self.listen_over(&exchange);
    }

    /// The client can answer nothing any more: fails everything that waits for it.
    pub(super) fn fail_pending(&mut self, reason: &CloseReason) {
        for name in self.pending.asking() {
            // Not cancelled at the client, which does not process them any more.
            drop(self.pending.take_questions(name));
            let error = ErrorObject::internal("The client closed its side and cannot answer any more");
            self.finish(name, Err(error), AnsweredBy::Handler);
        }
        for outgoing in self.pending.take_requests() {
            let outcome = Err(crate::error::Error::Closed(reason.clone()));
            self.event(ServerEvent::OutgoingDone { outgoing, outcome });
        }
    }

    /// Cancels one of this side's requests at a legacy client.
    pub(super) fn take_back(&mut self, id: &crate::message::RequestId, lane: Lane) {
        let Some(version) = self.legacy.as_ref().map(|legacy| legacy.version) else { return };
        let params = Some(cancelled_params(id));
        self.send(crate::message::Notification::new("notifications/cancelled", params), lane, version);
    }
}
