//! Results that request input, and the retries that carry it (2026-07-28; ledger 3.20).

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::message::{Field, Method, Payload, RawJson, method};
use crate::session::{CallId, InputRequest};

use super::ClientSession;
use super::calls::CallStage;
use super::config::InputMode;
use super::input::{Asker, ClientFeatures, MAX_OPEN};
use super::modern::{ResultKind, result_kind};
use super::timers::TimerKey;

/// The first and the longest wait before a retry without requests.
const REST: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The longest URL that is repeated in an error.
const MAX_URL: usize = 2048;

/// One round: the server's last result, and the answers so far. It is dropped with the retry and never used for another
/// call.
// MRTR-C-013, MRTR-C-015.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The text of `requestState`, byte for byte.
    // MRTR-C-012.
    state: Option<RawJson>,
    asked: usize,
    answers: Vec<(String, RawJson)>,
}

impl Round {
    /// The members that the retry adds to the params.
    pub(super) fn members(&self) -> Vec<(&'static str, RawJson)> {
        let mut members = Vec::new();
        if self.asked > 0 {
            let answers = self.answers.iter().map(|(key, answer)| (key.as_str(), answer.clone()));
            members.push(("inputResponses", RawJson::object(answers)));
        }
        members.extend(self.state.clone().map(|state| ("requestState", state)));
        members
    }

    /// The application's params without members of an earlier round.
    pub(super) fn bare(params: Option<&Payload>) -> Option<Payload> {
        params.map(|params| Payload::new(params.raw().without_members(&["inputResponses", "requestState"])))
    }
}

impl<T: Clone> ClientSession<T> {
    /// A modern result: the end of the call, or a round of input.
    pub(super) fn modern_result(&mut self, now: Instant, id: CallId, result: Payload) {
        if self.calls.get(id).is_some_and(|call| call.options.input == InputMode::Pass) {
            return self.finish(id, Ok(result));
        }
        match result_kind(&result, &self.config.result_types) {
            ResultKind::Complete => self.finish(id, Ok(result)),
            ResultKind::Unknown(kind) => {
                let kind: String = kind.chars().take(64).collect();
                self.finish(id, Err(Error::Violation(format!("unknown resultType {kind:?} (RPC-C-016)"))));
            }
            ResultKind::InputRequired => {
                if let Err(error) = self.begin_round(now, id, &result) {
                    self.finish(id, Err(error));
                }
            }
        }
    }

    fn begin_round(&mut self, now: Instant, id: CallId, result: &Payload) -> Result<(), Error> {
        let max = self.config.max_rounds;
        let facts = self.calls.get(id).and_then(|call| call.options.client.as_ref());
        let declared = facts.map_or(&self.config.capabilities, |client| &client.capabilities);
        let asks = self.read_requests(declared, result)?;
        let state = result.field_json(Field::RequestState);
        if state.as_ref().is_some_and(|state| state.as_bytes().first() != Some(&b'"')) {
            return Err(Error::Violation("`requestState` is a string".into()));
        }
        if asks.is_empty() && state.is_none() {
            return Err(Error::Violation(
                "input_required, with neither requests nor state (MRTR-S-004)".into(),
            ));
        }
        let Some(call) = self.calls.get_mut(id) else { return Ok(()) };
        if !method::may_need_input(call.method.as_str()) {
            return Err(Error::Violation(format!("{} was answered with input_required", call.method)));
        }
        call.rounds += 1;
        if call.rounds > max {
            return Err(Error::Limit { what: "input_required rounds".into(), limit: u64::from(max) });
        }
        let round =
            Round { state: state.map(|state| state.detach()), asked: asks.len(), answers: Vec::new() };
        if asks.is_empty() {
            let rest = REST.0.saturating_mul(2_u32.saturating_pow(call.idle_rounds)).min(REST.1);
            call.idle_rounds += 1;
            call.stage = CallStage::Resting(round);
            self.timers.set(TimerKey::Rest(id), now.checked_add(rest));
            return Ok(());
        }
        call.idle_rounds = 0;
        call.stage = CallStage::Asking(round);
        for request in asks {
            self.ask(now, Asker::Round { key: request.key.clone() }, Some(id), request);
        }
        Ok(())
    }

    /// Reads `inputRequests`: requests of three methods under distinct keys, whose capabilities were declared.
    // MRTR-S-005, MRTR-S-006.
    fn read_requests(&self, capabilities: &RawJson, result: &Payload) -> Result<Vec<InputRequest>, Error> {
        let violation = |why: String| Err(Error::Violation(why));
        let Some(requests) = result.field_json(Field::InputRequests) else { return Ok(Vec::new()) };
        if !requests.is_object() {
            return violation("`inputRequests` is an object".into());
        }
        let members = requests.members();
        let declared = ClientFeatures::read(capabilities);
        let free = MAX_OPEN.saturating_sub(self.inputs.len());
        if members.len() > free {
            return Err(Error::Limit { what: "open input requests".into(), limit: MAX_OPEN as u64 });
        }
        let mut asks: Vec<InputRequest> = Vec::with_capacity(members.len());
        let mut keys = std::collections::HashSet::with_capacity(members.len());
        for (key, request) in members {
            let method = request.member("method").and_then(|method| method.to_text()).map(Method::from);
            let params = request.member("params");
            let (Some(method), true) = (method, params.as_ref().is_none_or(RawJson::is_object)) else {
                return violation(format!(
                    "the input request {key:?} is not a request with a method and object params (MRTR-S-005)"
                ));
            };
            if declared.allows(method.as_str(), params.as_ref()).is_err() {
                return violation(not_declared(&InputRequest { key, method, params }, capabilities));
            }
            if !keys.insert(key.clone()) {
                return violation(format!("two input requests are named {key:?} (MRTR-S-005)"));
            }
            asks.push(InputRequest { key, method, params: params.map(|params| params.detach()) });
        }
        Ok(asks)
    }

    /// One answer of a round. After the last one the call is sent again, with a new id.
    pub(super) fn round_answer(&mut self, now: Instant, id: CallId, key: String, answer: RawJson) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let CallStage::Asking(round) = &mut call.stage else { return };
        round.answers.push((key, answer));
        if round.answers.len() == round.asked {
            let round = std::mem::take(round);
            self.send_call(now, id, Some(round));
        }
    }

    /// The wait of a call without requests is over.
    pub(super) fn rested(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if let CallStage::Resting(round) = &mut call.stage {
            let round = std::mem::take(round);
            self.send_call(now, id, Some(round));
        }
    }
}

/// What the client cannot be asked, and why. A page that it should visit is named, so that its user may.
// MRTR-S-006.
fn not_declared(request: &InputRequest, capabilities: &RawJson) -> String {
    let lacks = request.missing(capabilities).filter(|missing| !missing.members().is_empty());
    let lacks = lacks.map(|missing| format!(" (needed: {missing})")).unwrap_or_default();
    let member = |name: &str| request.params.as_ref()?.member(name)?.to_text();
    let is_page = request.method == "elicitation/create" && member("mode").as_deref() == Some("url");
    let url = member("url").filter(|url| is_page && url.len() <= MAX_URL);
    let page = url.map(|url| format!("; the page to visit is {url:?}")).unwrap_or_default();
    format!("the server asked for {}, which was not declared{lacks} (MRTR-S-006){page}", request.method)
}
