//! What a server session announces the application, and what it is answered.

use std::sync::Arc;

use crate::error::Error;
use crate::message::{Method, Notification, Payload, ProtocolVersion, RawJson, RequestId};
use crate::session::{ExchangeId, InputRequired, LogLevel, OutgoingId};
use crate::transport::Envelope;

/// A request that was accepted and is owed one outcome.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// To reply to.
    pub exchange: ExchangeId,
    /// The method.
    pub method: Method,
    /// The params as they came, `_meta` included.
    pub params: Option<Payload>,
    /// What is known around it.
    pub context: RequestContext,
}

/// What is known around a request, in the form both eras share. On 2026-07-28 all of it came with this
/// request, and says nothing about any other (ledger DISC-S-006).
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The id on the wire.
    pub request_id: RequestId,
    /// The revision that governs the request.
    pub version: ProtocolVersion,
    /// Who the client says it is. Untrusted (META-B-010).
    pub client_info: Option<RawJson>,
    /// What the client can do: an object.
    pub client_capabilities: RawJson,
    /// The token that progress notifications will name, if the client wants any.
    pub progress_token: Option<RawJson>,
    /// The least severe log messages the client wants. `None`: it wants none.
    pub log_level: Option<LogLevel>,
    /// The answers to an earlier [`InputRequired`]: an object, by key. Untrusted.
    pub input_responses: Option<RawJson>,
    /// The `state` of that [`InputRequired`]. Untrusted on 2026-07-28.
    pub request_state: Option<String>,
    /// From the transport.
    pub envelope: Envelope,
}

/// What a handler answers when it does not fail.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// A result: an object. The session adds the members of the protocol revision: `resultType`, cache hints,
    /// the server's identity.
    Result(RawJson),
    /// The handler needs input from the client first.
    InputRequired(InputRequired),
    /// The handler does not have this method. Transports may report this differently from a handler's error:
    /// HTTP answers 404.
    MethodNotFound,
}

/// What a server session announces the application.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent {
    /// Serve this. Comes again for the same exchange when a legacy client has answered its questions.
    Request(Arc<Incoming>),
    /// The client does not want the outcome any more. Nothing that is said for the exchange goes out;
    /// `reply` is still owed, so that the exchange is let go: its id and its place among the requests in
    /// flight are taken until then. While a legacy client is being asked no handler is at work, and the
    /// exchange is gone with this event.
    Cancelled {
        /// The request.
        exchange: ExchangeId,
    },
    /// The client told something: `notifications/roots/list_changed`, or a method of an extension.
    Notification {
        /// What.
        notification: Notification,
        /// From the transport.
        envelope: Envelope,
    },
    /// A legacy client has finished its handshake.
    Initialized {
        /// The revision.
        version: ProtocolVersion,
        /// Who it says it is. Untrusted.
        client_info: Option<RawJson>,
        /// What it can do: an object.
        client_capabilities: RawJson,
    },
    /// A legacy client subscribed to a resource, or to none of it any more.
    ResourceSubscription {
        /// The resource.
        uri: String,
        /// On or off.
        on: bool,
    },
    /// A request to a legacy client ended.
    OutgoingDone {
        /// The request.
        outgoing: OutgoingId,
        /// Its result, or why there is none.
        outcome: Result<Payload, Error>,
    },
    /// `drain` was asked for and everything accepted has had its outcome.
    Drained,
}
