//! Requests on their way in: the step of the routing table, the bounds, and the exchange that is opened.

use crate::message::{ErrorObject, Mark, ProtocolVersion, RawJson, Request, RequestId, Response, method};
use crate::session::LogLevel;
use crate::transport::{Envelope, Lane, Origin};

use super::exchange::{Exchange, Stage};
use super::route::{self, Claim, Governs, Step};
use super::{Incoming, RequestContext, ServerEvent, ServerSession, shape};

impl ServerSession {
    /// Does with a request what the routing table says.
    pub(super) fn dispatch(&mut self, claim: Claim, request: Request, lane: Lane, envelope: Envelope) {
        let (governs, modern) = match claim {
            Claim::Refused(error) => return self.refuse(lane, request.id, error),
            Claim::Modern(version, level) => (Governs::Modern, Some((version, level))),
            Claim::None if self.legacy.is_some() => (Governs::Session, None),
            Claim::None if self.config.versions.iter().any(|version| version.is_legacy()) => {
                (Governs::Fresh, None)
            }
            Claim::None => (Governs::Nothing, None),
        };
        let step = route::step(governs, request.method.as_str());
        if self.phase.draining && !matches!(step, Step::Ping) {
            let error = ErrorObject::internal("The server is draining and takes no new requests");
            return self.refuse(lane, request.id, error);
        }
        match step {
            Step::Handler => match modern {
                Some((version, level)) => self.open_modern(request, lane, version, level, envelope),
                None => self.open_legacy(request, lane, envelope),
            },
            Step::Discover => self.discover(lane, request.id),
            Step::Listen => self.listen(lane, &request),
            Step::Ping => self.answer(lane, request.id, RawJson::EMPTY_OBJECT),
            Step::Initialize => self.initialize(lane, &request),
            Step::SetLevel => self.set_level(lane, request),
            Step::Subscribe => self.subscribe(lane, request, true),
            Step::Unsubscribe => self.subscribe(lane, request, false),
            refused => {
                let error = self.step_error(refused, &request);
                self.refuse(lane, request.id, error);
            }
        }
    }

    fn step_error(&self, step: Step, request: &Request) -> ErrorObject {
        match step {
            Step::NoClaim => {
                let versions: Vec<&str> =
                    self.config.versions.iter().map(|version| version.as_str()).collect();
                ErrorObject::invalid_params(format!(
                    "params._meta has to name the protocol version; this server speaks {}",
                    versions.join(", ")
                ))
            }
            Step::WrongEra => {
                let params = request.params.as_ref();
                let asked = params.and_then(|params| params.text(Mark::ProtocolVersion)).unwrap_or_default();
                ErrorObject::unsupported_version(&self.config.versions, &asked)
            }
            Step::TooEarly => ErrorObject::invalid_request("`initialize` has to come first"),
            Step::TooLate => ErrorObject::invalid_request("`initialize` came already"),
            _ => ErrorObject::method_not_found(request.method.as_str()),
        }
    }

    /// `server/discover`: the same bytes each time (ledger DISC-S-003, T-09).
    fn discover(&mut self, lane: Lane, id: RequestId) {
        let config = &self.config;
        let versions = config.versions.iter().map(|version| RawJson::string(version.as_str()));
        let mut members = vec![
            ("supportedVersions", RawJson::array(versions)),
            ("capabilities", config.capabilities.clone()),
        ];
        members.extend(config.instructions.as_deref().map(|text| ("instructions", RawJson::string(text))));
        let result = shape::modern_result(config, "server/discover", RawJson::object(members).into());
        let response = Response { id: Some(id), outcome: Ok(result) };
        self.respond(lane, response, Origin::Protocol, Some(ProtocolVersion::LATEST_MODERN));
    }

    /// All that is known around a modern request came with it (ledger DISC-S-006, META-S-007).
    fn open_modern(
        &mut self,
        request: Request,
        lane: Lane,
        version: ProtocolVersion,
        log_level: Option<LogLevel>,
        envelope: Envelope,
    ) {
        let params = request.params.as_ref();
        let (mut input_responses, mut request_state) = (None, None);
        if let Some(params) = params.filter(|_| method::may_need_input(request.method.as_str())) {
            input_responses = params.get(Mark::InputResponses);
            request_state = params.text(Mark::RequestState);
            let bad = input_responses.as_ref().is_some_and(|answers| !answers.is_object());
            if bad || (request_state.is_none() && params.mark(Mark::RequestState).is_some()) {
                let why = "`inputResponses` has to be an object and `requestState` a string";
                return self.refuse(lane, request.id, ErrorObject::invalid_params(why));
            }
        }
        let get = |mark| params.and_then(|params| params.get(mark));
        let context = RequestContext {
            request_id: request.id.clone(),
            version,
            client_info: get(Mark::MetaClientInfo).filter(RawJson::is_object),
            client_capabilities: get(Mark::MetaClientCapabilities).unwrap_or_default(),
            progress_token: get(Mark::MetaProgressToken).filter(is_token),
            log_level,
            input_responses,
            request_state,
            envelope,
        };
        self.open(request, lane, context);
    }

    /// Accepts a request: from here on it is owed one outcome.
    pub(super) fn open(&mut self, request: Request, lane: Lane, context: RequestContext) {
        let bytes = request.params.as_ref().map_or(0, |params| params.raw().as_bytes().len());
        if let Some(error) = self.over_limit(bytes) {
            return self.refuse(lane, request.id, error);
        }
        let name = self.exchanges.claim(lane, &request.id);
        let Request { id, method, params } = request;
        let mut exchange = Exchange {
            id,
            lane,
            method: method.clone(),
            version: context.version,
            capabilities: context.client_capabilities.clone(),
            progress_token: context.progress_token.clone(),
            progress: None,
            log_level: context.log_level,
            bytes,
            rounds: 0,
            again: None,
            stage: Stage::Handler,
        };
        let incoming = Incoming { exchange: name, method, params, context };
        if incoming.context.version.is_legacy() && method::may_need_input(incoming.method.as_str()) {
            exchange.again = Some(Box::new(incoming.clone()));
        }
        self.exchanges.insert(name, exchange);
        self.event(ServerEvent::Request(incoming));
    }

    fn over_limit(&self, bytes: usize) -> Option<ErrorObject> {
        let (count, total) = (self.config.max_in_flight, self.config.max_in_flight_bytes);
        if self.exchanges.len() >= count {
            return Some(ErrorObject::internal(format!("Busy: {count} requests in flight (max_in_flight)")));
        }
        if self.exchanges.bytes().saturating_add(bytes) > total {
            let why = format!("Busy: {total} bytes of params in flight (max_in_flight_bytes)");
            return Some(ErrorObject::internal(why));
        }
        None
    }
}

/// A progress token is a string or an integer (ledger PROG-B-001). Anything else asks for no progress.
pub(super) fn is_token(json: &RawJson) -> bool {
    let text = json.as_bytes();
    match text.first() {
        Some(b'"') => true,
        Some(b'-' | b'0'..=b'9') => !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')),
        _ => false,
    }
}
