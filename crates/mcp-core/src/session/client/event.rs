//! What a client session tells the application.

use crate::error::{CloseReason, Error};
use crate::message::{Notification, Payload, ProtocolVersion, RawJson};
use crate::session::{CallId, InputId, InputRequest, ListenId, SubscriptionFilter};

/// What was agreed on when a link opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Negotiated {
    /// The revision. Its era is the era of the link.
    pub version: ProtocolVersion,
    /// The server's capabilities: an object.
    pub capabilities: RawJson,
    /// Who the server says it is, if it said. Untrusted.
    pub server_info: Option<RawJson>,
    /// The server's instructions, if it has any.
    pub instructions: Option<String>,
    /// All revisions the server named, as it named them (2026-07-28; else the one).
    pub offered: Vec<String>,
}

/// What a client session tells the application.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent<T = ()> {
    /// A link is open and the era is known.
    Ready(Negotiated),
    /// A notification that belongs to a call: progress, a log message.
    CallNotification {
        /// The call.
        call: CallId,
        /// A clone of the call's tag.
        tag: T,
        /// The notification.
        notification: Notification,
    },
    /// A call ended. Nothing is said of it afterwards.
    CallDone {
        /// The call.
        call: CallId,
        /// The tag that was given with the call.
        tag: T,
        /// Its result, an object, or why there is none.
        outcome: Result<Payload, Error>,
    },
    /// A notification that belongs to no call and no subscription.
    Notification(Notification),
    /// The server wants input. Answer with `answer_input`.
    Input {
        /// To answer with.
        id: InputId,
        /// The call it belongs to, where that is known.
        call: Option<CallId>,
        /// The question.
        request: InputRequest,
    },
    /// An answer is not wanted any more.
    InputCancelled {
        /// The question.
        id: InputId,
    },
    /// A subscription is on, with what the server honours of it (ledger SUB-S-003, SUB-C-004).
    ListenStarted {
        /// The subscription.
        listen: ListenId,
        /// What the server honours.
        honoured: SubscriptionFilter,
        /// It was on before, and changes may have been missed in between.
        gap: bool,
    },
    /// Something changed that a subscription asked for.
    ListenNotification {
        /// The subscription.
        listen: ListenId,
        /// `notifications/…/list_changed` or `notifications/resources/updated`.
        notification: Notification,
    },
    /// The link of a subscription is gone; it will be asked for again.
    ListenLost {
        /// The subscription.
        listen: ListenId,
    },
    /// A subscription ended. `Ok` if the server ended it in order.
    ListenEnded {
        /// The subscription.
        listen: ListenId,
        /// How.
        outcome: Result<(), Error>,
    },
    /// The link is gone; a call or a subscription will make a new one.
    Disconnected(CloseReason),
    /// The session has ended. The last event.
    Closed(CloseReason),
}
