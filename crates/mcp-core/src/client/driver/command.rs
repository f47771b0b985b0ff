//! Commands of the handles to the driver.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Span;

use crate::error::{CloseReason, Error};
use crate::message::{ErrorObject, Method, Payload, RawJson};
use crate::session::client::CallOptions;
use crate::session::{InputId, SubscriptionFilter};

use super::slot::{CallSlot, ListenSlot};

/// Permission for one message in flight. A call's tag holds it until the outcome, and the queue to the writer until
/// the message is written, so it bounds both.
pub(crate) type Permit = Arc<OwnedSemaphorePermit>;

/// A call on its way to the session.
#[derive(Debug)]
pub(crate) struct NewCall {
    pub(crate) issued: Instant,
    pub(crate) method: Method,
    pub(crate) params: Option<Payload>,
    pub(crate) options: Arc<CallOptions>,
    pub(crate) slot: Arc<CallSlot>,
    pub(crate) permit: Option<Permit>,
}

/// The tag of a call, which the session keeps for the driver.
#[derive(Clone, Debug)]
pub(super) struct CallTag {
    pub(super) slot: Arc<CallSlot>,
    pub(super) span: Span,
    pub(super) permit: Option<Permit>,
}

/// A command of a handle.
#[derive(Debug)]
pub(crate) enum Command {
    Call(NewCall),
    Cancel(Arc<CallSlot>),
    Notify { method: Method, params: Option<RawJson>, permit: Permit },
    Listen { filter: SubscriptionFilter, slot: Arc<ListenSlot> },
    Unsubscribe(Arc<ListenSlot>),
    Answer { input: InputId, answer: Result<RawJson, ErrorObject> },
    Close,
}

impl Command {
    /// Settles what waits for this command, because the session has ended.
    pub(crate) fn refuse(self, reason: &CloseReason) {
        match self {
            Command::Call(call) => call.slot.settle(Err(Error::Closed(reason.clone()))),
            Command::Listen { slot, .. } => slot.end(Err(Error::Closed(reason.clone()))),
            Command::Cancel(_)
            | Command::Notify { .. }
            | Command::Unsubscribe(_)
            | Command::Answer { .. }
            | Command::Close => {}
        }
    }
}
