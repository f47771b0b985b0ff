//! The modern era: every request brings all that is known around it, and nothing is kept beyond it.

use crate::message::{ErrorObject, Field, ProtocolVersion, RawJson, Request, RequestId, Response, method};
use crate::session::LogLevel;
use crate::transport::{AnsweredBy, Envelope, Lane};

use super::{RequestContext, ServerSession, shape};

impl ServerSession {
    /// `server/discover`: the same bytes each time.
    // DISC-S-003, T-09.
    pub(super) fn discover(&mut self, lane: Lane, id: RequestId) {
        let config = &self.config;
        let versions = config.versions.iter().map(|version| RawJson::string(version.as_str()));
        let mut members = vec![
            ("supportedVersions", RawJson::array(versions)),
            ("capabilities", config.capabilities.clone()),
        ];
        members.extend(config.instructions.as_deref().map(|text| ("instructions", RawJson::string(text))));
        let result = shape::modern_result(config, "server/discover", RawJson::object(members).into());
        let response = Response::result(id, result);
        self.respond(lane, response, AnsweredBy::Protocol, Some(ProtocolVersion::LATEST_MODERN));
    }

    /// All that is known around a modern request came with it.
    // DISC-S-006, META-S-007.
    pub(super) fn open_modern(
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
            input_responses = params.field_json(Field::InputResponses);
            request_state = params.field_text(Field::RequestState).map(|state| state.into_owned());
            let bad = input_responses.as_ref().is_some_and(|answers| !answers.is_object());
            if bad || (request_state.is_none() && params.field(Field::RequestState).is_some()) {
                let why = "`inputResponses` has to be an object and `requestState` a string";
                return self.refuse(lane, request.id, ErrorObject::invalid_params(why));
            }
        }
        let get = |field| params.and_then(|params| params.field_json(field));
        let context = RequestContext {
            request_id: request.id.clone(),
            version,
            client_info: get(Field::MetaClientInfo).filter(RawJson::is_object),
            client_capabilities: get(Field::MetaClientCapabilities).unwrap_or_default(),
            progress_token: get(Field::MetaProgressToken).filter(is_progress_token),
            log_level,
            input_responses,
            request_state,
            envelope,
        };
        self.open(request, lane, context);
    }
}

/// A progress token is a string or an integer. Anything else pending for no progress.
// PROG-B-001.
pub(super) fn is_progress_token(json: &RawJson) -> bool {
    let text = json.as_bytes();
    match text.first() {
        Some(b'"') => true,
        Some(b'-' | b'0'..=b'9') => !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')),
        _ => false,
    }
}
