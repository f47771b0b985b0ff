//! Handling of input: the routing table, the bounds, and the exchange that is opened.

use std::sync::Arc;

use crate::error::Error;
use crate::message::{
    ErrorObject, Field, Notification, ProtocolVersion, RawJson, Refusal, Request, RequestId, Response, Shape,
    code,
};
use crate::transport::{AnsweredBy, Envelope, Lane};

use super::exchange::{ExchangeEntry, ExchangeStage};
use super::route::{self, Claim, Governs, Route};
use super::{Incoming, RequestContext, ServerEvent, ServerSession};

impl ServerSession {
    /// A malformed message. A notification is never answered, but on a lane that is not shared the transport needs to
    /// know that it was refused (promise 3).
    // RPC-B-004.
    pub(super) fn handle_refused(&mut self, lane: Lane, refusal: Refusal) {
        if refusal.shape == Shape::Response
            && let Some(ask) = refusal.id.as_ref().and_then(|id| self.pending.answered(id))
        {
            let why = format!("a malformed response: {}", refusal.error.message);
            self.settle_pending(ask, Err(Error::Violation(why)));
        }
        if refusal.is_answerable() {
            self.respond(lane, Response::error(refusal.id, refusal.error), AnsweredBy::Protocol, None);
        } else if !lane.is_shared() {
            self.respond(lane, Response::error(None, refusal.error), AnsweredBy::Protocol, None);
        }
    }

    /// A notification of either era (ledger 2.4). Never answered.
    // RPC-B-004.
    pub(super) fn handle_notification(&mut self, notification: Notification, lane: Lane, envelope: Envelope) {
        match notification.method.as_str() {
            "notifications/cancelled" => {
                let modern = notification.field(Field::MetaProtocolVersion).is_some();
                match notification.field(Field::RequestId).and_then(RequestId::parse) {
                    Some(id) => self.cancelled_by_peer(lane, &id, modern),
                    None => tracing::debug!("a cancellation without a request id is ignored"),
                }
            }
            "notifications/initialized" => self.handle_initialized(),
            name if route::client_notifies(name, self.legacy.is_some()) => {
                self.event(ServerEvent::Notification { notification, envelope });
            }
            name => tracing::debug!(?name, "a notification that no client sends here is ignored"),
        }
    }

    /// A request: checks for a duplicate id, then the era (2.6).
    // T-21.
    pub(super) fn handle_request(&mut self, request: Request, lane: Lane, envelope: Envelope) {
        if self.exchanges.in_flight(lane, &request.id) {
            let error = ErrorObject::invalid_request("A request with this id is still in flight");
            return self.refuse(lane, request.id, error);
        }
        let claim = route::claim(&request, &self.config.versions);
        self.dispatch(claim, request, lane, envelope);
    }

    /// Answers a request with an error instead of passing it to a handler.
    pub(super) fn refuse(&mut self, lane: Lane, id: RequestId, error: ErrorObject) {
        let version = self.legacy.as_ref().map(|legacy| legacy.version);
        // The only internal errors before a handler are limits and the drain.
        let busy = error.code == code::INTERNAL_ERROR;
        let answered_by = if busy { AnsweredBy::Busy } else { AnsweredBy::Protocol };
        self.respond(lane, Response::error(Some(id), error), answered_by, version);
    }

    /// Handles a request according to the routing table.
    pub(super) fn dispatch(&mut self, claim: Claim, request: Request, lane: Lane, envelope: Envelope) {
        if let (Claim::None, Some(error)) = (&claim, route::legacy_meta_fault(&request)) {
            return self.refuse(lane, request.id, error);
        }
        let (governs, modern) = match claim {
            Claim::Refused(error) => return self.refuse(lane, request.id, error),
            Claim::Modern(version, level) => (Governs::Modern, Some((version, level))),
            Claim::None if self.legacy.is_some() => (Governs::Session, None),
            Claim::None if self.config.versions.iter().any(|version| version.is_legacy()) => {
                (Governs::Fresh, None)
            }
            Claim::None => (Governs::Nothing, None),
        };
        let route = route::look_up(governs, request.method.as_str());
        if self.closing.draining && !matches!(route, Route::Ping) {
            let error = ErrorObject::internal("The server is draining and takes no new requests");
            return self.refuse(lane, request.id, error);
        }
        match route {
            Route::Handler => match modern {
                Some((version, level)) => self.open_modern(request, lane, version, level, envelope),
                None => self.open_legacy(request, lane, envelope),
            },
            Route::Discover => self.discover(lane, request.id),
            Route::Listen => {
                let modern = modern.unwrap_or((ProtocolVersion::LATEST_MODERN, None));
                self.listen(lane, request, modern, envelope);
            }
            Route::Ping => self.answer(lane, request.id, RawJson::EMPTY_OBJECT),
            Route::Initialize => self.initialize(lane, &request, &envelope),
            Route::SetLevel => self.set_level(lane, request, envelope),
            Route::Subscribe => self.subscribe(lane, request, envelope, true),
            Route::Unsubscribe => self.subscribe(lane, request, envelope, false),
            refused => {
                let error = self.route_error(refused, &request);
                self.refuse(lane, request.id, error);
            }
        }
    }

    fn route_error(&self, route: Route, request: &Request) -> ErrorObject {
        match route {
            Route::NoClaim => {
                let versions: Vec<&str> =
                    self.config.versions.iter().map(|version| version.as_str()).collect();
                ErrorObject::invalid_params(format!(
                    "params._meta has to name the protocol version; this server speaks {}",
                    versions.join(", ")
                ))
            }
            Route::WrongEra => {
                let params = request.params.as_ref();
                let asked =
                    params.and_then(|params| params.field_text(Field::ProtocolVersion)).unwrap_or_default();
                ErrorObject::unsupported_version(&self.config.versions, &asked)
            }
            Route::TooEarly => ErrorObject::invalid_request("`initialize` has to come first"),
            Route::TooLate => ErrorObject::invalid_request("`initialize` came already"),
            _ => ErrorObject::method_not_found(request.method.as_str()),
        }
    }

    /// Accepts a request, which is owed one outcome from now on.
    pub(super) fn open(&mut self, request: Request, lane: Lane, context: RequestContext) {
        let bytes = request.params.as_ref().map_or(0, |params| params.raw().as_bytes().len());
        if let Some(error) = self.over_limit(bytes) {
            return self.refuse(lane, request.id, error);
        }
        let name = self.exchanges.claim(lane, &request.id, self.is_indexed(lane));
        let Request { method, params, .. } = request;
        let request = Arc::new(Incoming { exchange: name, method, params, context });
        let exchange = ExchangeEntry {
            request: request.clone(),
            lane,
            progress: None,
            bytes,
            rounds: 0,
            stage: ExchangeStage::Handler,
            permit: None,
        };
        self.exchanges.insert(name, exchange);
        self.event(ServerEvent::Request(request));
    }

    /// Whether requests on this lane are indexed by id. A link that carries one exchange needs no index.
    pub(super) fn is_indexed(&self, lane: Lane) -> bool {
        !self.binding.one_exchange || lane.is_shared() || self.batches.holds(lane)
    }

    fn over_limit(&self, bytes: usize) -> Option<ErrorObject> {
        let count = self.config.max_in_flight;
        if self.exchanges.len() >= count.saturating_add(self.max_waiting) {
            return Some(ErrorObject::internal(format!("Busy: {count} requests in flight (max_in_flight)")));
        }
        self.over_bytes(bytes)
    }

    /// Checks the bound on all bytes that a peer makes the session keep: params, subscriptions, answers.
    pub(super) fn over_bytes(&self, more: usize) -> Option<ErrorObject> {
        let limit = self.config.max_in_flight_bytes;
        let subscribed = self.legacy.as_ref().map_or(0, |legacy| legacy.subscribed_bytes);
        let kept = self.exchanges.bytes() + self.listens.bytes() + subscribed;
        (kept.saturating_add(more) > limit).then(|| {
            ErrorObject::internal(format!("Busy: {limit} bytes of params in flight (max_in_flight_bytes)"))
        })
    }
}
