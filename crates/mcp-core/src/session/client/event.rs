//! Events of a client session.

use crate::error::{CloseReason, Error};
use crate::message::{Notification, Payload, ProtocolVersion, RawJson};
use crate::session::{CallId, InputId, InputRequest, ListenId, SubscriptionFilter};

/// What was negotiated when a link opened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The revision, which determines the era of the link.
    pub version: ProtocolVersion,
    /// The server's capabilities: an object.
    pub capabilities: RawJson,
    /// The server's `Implementation`, if it sent one. Untrusted.
    pub server_info: Option<RawJson>,
    /// The server's instructions, if it has any.
    pub instructions: Option<String>,
    /// The revisions that the server listed (2026-07-28), or the one that it chose.
    pub offered: Vec<String>,
}

impl Negotiated {
    /// A link of this revision with a server that has these capabilities and says nothing else about itself.
    pub fn new(version: ProtocolVersion, capabilities: RawJson) -> Negotiated {
        let offered = vec![version.as_str().to_owned()];
        Negotiated { version, capabilities, server_info: None, instructions: None, offered }
    }
}

/// An event of a client session. `T` is the tag of calls, see [`ClientSession`](super::ClientSession).
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
    /// A call ended. No further event names it.
    CallDone {
        /// The call.
        call: CallId,
        /// The tag that was given with the call.
        tag: T,
        /// Its result, an object, or the error.
        outcome: Result<Payload, Error>,
    },
    /// A notification that belongs to no call and no subscription.
    Notification(Notification),
    /// The server requests input. Answer with `answer_input`.
    Input {
        /// The id to answer with.
        id: InputId,
        /// The call that it belongs to, if known.
        call: Option<CallId>,
        /// The request.
        request: InputRequest,
    },
    /// A request for input was withdrawn. An answer is ignored.
    InputCancelled {
        /// The request.
        id: InputId,
    },
    /// A subscription is active.
    ListenStarted {
        /// The subscription.
        listen: ListenId,
        /// The part of the filter that the server honours.
        honoured: SubscriptionFilter,
        /// It was active before, and changes may have been missed in between.
        gap: bool,
    },
    /// A change that a subscription includes.
    ListenNotification {
        /// The subscription.
        listen: ListenId,
        /// `notifications/…/list_changed` or `notifications/resources/updated`.
        notification: Notification,
    },
    /// The link of a subscription is gone. The subscription is requested again.
    ListenLost {
        /// The subscription.
        listen: ListenId,
    },
    /// A subscription ended. No further event names it.
    ListenEnded {
        /// The subscription.
        listen: ListenId,
        /// `Ok` if the server ended it in order.
        outcome: Result<(), Error>,
    },
    /// The link is gone. A call or a subscription makes a new one.
    Disconnected(CloseReason),
    /// The session has ended. The last event.
    Closed(CloseReason),
}
