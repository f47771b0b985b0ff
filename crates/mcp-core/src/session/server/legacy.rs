//! The legacy era: the handshake, and requests that the session answers.

use std::collections::BTreeSet;

use crate::message::{ErrorObject, Field, ProtocolVersion, RawJson, Request, RequestId, Response};
use crate::session::LogLevel;
use crate::transport::budget::Permit;
use crate::transport::{AnsweredBy, Envelope, Lane, Owner};

use super::{RequestContext, ServerEvent, ServerSession, modern::is_progress_token};

/// The state that a legacy client negotiated. Created by `initialize`.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) version: ProtocolVersion,
    /// The owner of the request that opened the session.
    pub(super) owner: Owner,
    client_info: Option<RawJson>,
    pub(super) client_capabilities: RawJson,
    /// `notifications/initialized` came.
    pub(super) initialized: bool,
    /// The lowest level of log messages that the client receives.
    pub(super) level: LogLevel,
    /// The subscribed resources.
    pub(super) subscribed: BTreeSet<String>,
    /// The memory of their URIs, in bytes.
    pub(super) subscribed_bytes: usize,
    permit: Option<Permit>,
}

/// The memory of a subscription, in bytes.
fn subscribed_size(uri: &str) -> usize {
    uri.len() + size_of::<String>()
}

impl ServerSession {
    /// `initialize`. Creates the legacy state, unless it is refused.
    pub(super) fn initialize(&mut self, lane: Lane, request: &Request, envelope: &Envelope) {
        let legacy = match self.negotiate(request, Owner::of_envelope(envelope)) {
            Ok(legacy) => legacy,
            Err(error) => return self.refuse(lane, request.id.clone(), error),
        };
        let mut members = vec![
            ("protocolVersion", RawJson::string(legacy.version.as_str())),
            ("capabilities", self.config.capabilities.clone()),
            ("serverInfo", self.config.info.clone()),
        ];
        members
            .extend(self.config.instructions.as_deref().map(|text| ("instructions", RawJson::string(text))));
        self.legacy = Some(Box::new(legacy));
        self.answer(lane, request.id.clone(), RawJson::object(members));
    }

    fn negotiate(&self, request: &Request, owner: Owner) -> Result<Legacy, ErrorObject> {
        let bad = |why: &'static str| ErrorObject::invalid_params(why);
        let params = request.params.as_ref().ok_or(bad("`initialize` has to have params"))?;
        let asked =
            params.field_text(Field::ProtocolVersion).ok_or(bad("`protocolVersion` has to be a string"))?;
        let capabilities = params.raw().member("capabilities").filter(RawJson::is_object);
        let capabilities = capabilities.ok_or(bad("`capabilities` has to be an object"))?;
        let client_info = params.raw().member("clientInfo");
        if let Some(info) = &client_info {
            let is_text = |member: &RawJson| member.as_bytes().first() == Some(&b'"');
            if !info.is_object() {
                return Err(bad("`clientInfo` has to be an object"));
            }
            if !info.member("name").as_ref().is_some_and(is_text) {
                return Err(bad("`clientInfo.name` has to be a string"));
            }
            if !info.member("version").as_ref().is_none_or(is_text) {
                return Err(bad("`clientInfo.version` has to be a string"));
            }
        }
        // A version that is not served is answered by another one, never by an error (ledger LIFE-S-009, T-05).
        let mut served = self.config.versions.iter().copied().filter(|version| version.is_legacy());
        let newest = served.clone().next();
        let version = served
            .find(|version| version.as_str() == asked)
            .or(newest)
            .ok_or_else(|| ErrorObject::unsupported_version(&self.config.versions, &asked))?;
        Ok(Legacy {
            version,
            owner,
            // Copied, because the state outlives the receive buffer.
            client_info: client_info.map(|info| info.detach()),
            client_capabilities: capabilities.detach(),
            initialized: false,
            level: self.config.log_level,
            subscribed: BTreeSet::new(),
            subscribed_bytes: 0,
            permit: None,
        })
    }

    pub(super) fn handle_initialized(&mut self) {
        let Some(legacy) = self.legacy.as_mut().filter(|legacy| !legacy.initialized) else { return };
        legacy.initialized = true;
        let event = ServerEvent::Initialized {
            version: legacy.version,
            client_info: legacy.client_info.clone(),
            client_capabilities: legacy.client_capabilities.clone(),
        };
        self.event(event);
    }

    /// Passes a request of a legacy session to the application.
    pub(super) fn open_legacy(&mut self, request: Request, lane: Lane, envelope: Envelope) {
        let logging = self.declared().logging;
        let Some(legacy) = &self.legacy else { return };
        let token = request.params.as_ref().and_then(|params| params.field_json(Field::MetaProgressToken));
        let context = RequestContext {
            request_id: request.id.clone(),
            version: legacy.version,
            client_info: legacy.client_info.clone(),
            client_capabilities: legacy.client_capabilities.clone(),
            progress_token: token.filter(is_progress_token),
            log_level: logging.then_some(legacy.level),
            input_responses: None,
            request_state: None,
            envelope,
        };
        self.open(request, lane, context);
    }

    /// `logging/setLevel`. Applies to the link.
    // META-S-019.
    pub(super) fn set_level(&mut self, lane: Lane, request: Request, envelope: Envelope) {
        if !self.declared().logging {
            return self.refuse(lane, request.id, ErrorObject::method_not_found("logging/setLevel"));
        }
        let name = request.params.as_ref().and_then(|params| params.raw().member("level"));
        let level = name.and_then(|name| name.to_text()).and_then(|name| LogLevel::parse(&name));
        match (level, self.legacy.as_mut()) {
            (Some(level), Some(legacy)) => {
                legacy.level = level;
                if self.config.pass_through {
                    return self.open_legacy(request, lane, envelope);
                }
                self.answer(lane, request.id, RawJson::EMPTY_OBJECT);
            }
            _ => {
                let error = ErrorObject::invalid_params("`level` has to be a log level");
                self.refuse(lane, request.id, error);
            }
        }
    }

    /// `resources/subscribe` and `resources/unsubscribe`.
    // SUB-B-015.
    pub(super) fn subscribe(&mut self, lane: Lane, request: Request, envelope: Envelope, on: bool) {
        if !self.declared().resources_subscribe {
            let error = ErrorObject::method_not_found(request.method.as_str());
            return self.refuse(lane, request.id, error);
        }
        let uri = request
            .params
            .as_ref()
            .and_then(|params| params.field_text(Field::Uri))
            .map(|text| text.into_owned());
        let (Some(uri), Some(legacy)) = (uri, self.legacy.as_ref()) else {
            let error = ErrorObject::invalid_params("`uri` has to be a string");
            return self.refuse(lane, request.id, error);
        };
        if self.config.pass_through {
            return self.open_legacy(request, lane, envelope);
        }
        let changed = on != legacy.subscribed.contains(&uri);
        let limit = self.config.max_listens;
        if on && changed && legacy.subscribed.len() >= limit {
            let why = format!("Too many subscriptions: the limit is {limit} (max_listens)");
            return self.refuse(lane, request.id, ErrorObject::internal(why));
        }
        if on && changed {
            let error = self.over_bytes(subscribed_size(&uri));
            if let Some(error) = error.or_else(|| self.charge_subscription(&envelope, &uri)) {
                return self.refuse(lane, request.id, error);
            }
        }
        if changed {
            self.record_subscription(&uri, on);
        }
        self.answer(lane, request.id, RawJson::EMPTY_OBJECT);
        if changed {
            self.event(ServerEvent::ResourceSubscription { uri, on });
        }
    }

    /// Charges the memory of a URI to the budget of subscriptions.
    fn charge_subscription(&mut self, envelope: &Envelope, uri: &str) -> Option<ErrorObject> {
        let share = self.subscription_share(envelope)?;
        let legacy = self.legacy.as_mut()?;
        let bytes = subscribed_size(uri) as u64;
        let charged = match &mut legacy.permit {
            Some(permit) => permit.grow(bytes),
            none => share.take(0, bytes).map(|permit| *none = Some(permit)),
        };
        charged.err().map(|full| ErrorObject::internal(format!("Busy: {full}")))
    }

    fn record_subscription(&mut self, uri: &str, on: bool) {
        let Some(legacy) = self.legacy.as_mut() else { return };
        if on {
            legacy.subscribed.insert(uri.to_owned());
            legacy.subscribed_bytes += subscribed_size(uri);
        } else {
            legacy.subscribed.remove(uri);
            legacy.subscribed_bytes -= subscribed_size(uri);
            if let Some(permit) = &mut legacy.permit {
                permit.shrink(subscribed_size(uri) as u64);
            }
        }
    }

    /// Sends a result of the session itself.
    pub(super) fn answer(&mut self, lane: Lane, id: RequestId, result: RawJson) {
        let version = self.legacy.as_ref().map(|legacy| legacy.version);
        self.respond(lane, Response::result(id, result), AnsweredBy::Protocol, version);
    }
}
