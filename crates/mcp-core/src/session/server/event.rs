//! Events of a server session, and the replies of handlers.

use std::sync::Arc;

use crate::error::Error;
use crate::message::{ErrorObject, Method, Notification, Payload, ProtocolVersion, RawJson, RequestId};
use crate::session::{ExchangeId, InputRequired, LogLevel, OutgoingId};
use crate::transport::Envelope;

/// An accepted request, which is owed one outcome.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The id to reply to.
    pub exchange: ExchangeId,
    /// The method.
    pub method: Method,
    /// The params as they came, `_meta` included.
    pub params: Option<Payload>,
    /// The context of the request.
    pub context: RequestContext,
}

/// The context of a request, in the form that both eras share. On 2026-07-28 all of it was sent with this request and
/// applies to no other.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestContext {
    /// The id on the wire.
    pub request_id: RequestId,
    /// The revision that governs the request.
    pub version: ProtocolVersion,
    /// The client's `Implementation`, if it sent one. Untrusted.
    pub client_info: Option<RawJson>,
    /// The client's capabilities: an object.
    pub client_capabilities: RawJson,
    /// The token of progress notifications, if the client requested them.
    pub progress_token: Option<RawJson>,
    /// The lowest level of log messages that the client requested. `None` if it requested none.
    pub log_level: Option<LogLevel>,
    /// The answers to an earlier [`InputRequired`]: an object, by key. Untrusted.
    pub input_responses: Option<RawJson>,
    /// The `state` of that [`InputRequired`]. Untrusted on 2026-07-28.
    pub request_state: Option<String>,
    /// The transport's extensions.
    pub envelope: Envelope,
}

/// What a handler answers when it does not fail.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// A result: an object. The session adds the members of the protocol revision: `resultType`, cache hints,
    /// the server's identity.
    Result(RawJson),
    /// The server cannot take the request now, because of the limit that the error names. Retrying later may help. HTTP
    /// answers 503.
    Busy(ErrorObject),
    /// What another server answered: a result, an object, or an error. It is sent as it is, without the members and the
    /// codes of the protocol revision. For gateways between peers of one era.
    Verbatim(Result<RawJson, ErrorObject>),
    /// The handler needs input from the client first.
    InputRequired(InputRequired),
    /// The handler does not have this method. Transports may report this differently from a handler's error:
    /// HTTP answers 404.
    MethodNotFound,
}

/// An event of a server session.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A request to serve. Repeated for the same exchange when a legacy client has answered its requests for input.
    Request(Arc<Incoming>),
    /// A request was cancelled. Nothing more is sent for the exchange. If a handler is running, `reply` still has to be
    /// called: until then the exchange counts as in flight and its id is in use. If the exchange is waiting for a legacy
    /// client's answers, no handler is running, and the exchange ends with this event.
    Cancelled {
        /// The request.
        exchange: ExchangeId,
    },
    /// A notification of the client: `notifications/roots/list_changed`, or a method of an extension.
    Notification {
        /// The notification.
        notification: Notification,
        /// The transport's extensions.
        envelope: Envelope,
    },
    /// A legacy client has finished its handshake.
    Initialized {
        /// The revision.
        version: ProtocolVersion,
        /// The client's `Implementation`, if it sent one. Untrusted.
        client_info: Option<RawJson>,
        /// The client's capabilities: an object.
        client_capabilities: RawJson,
    },
    /// A legacy client subscribed to a resource, or unsubscribed.
    ResourceSubscription {
        /// The URI of the resource.
        uri: String,
        /// Whether it subscribed.
        on: bool,
    },
    /// A request to a legacy client ended.
    OutgoingDone {
        /// The request.
        outgoing: OutgoingId,
        /// Its result, an object, or the error.
        outcome: Result<Payload, Error>,
    },
    /// After `drain`: every accepted request has had its outcome.
    Drained,
}
