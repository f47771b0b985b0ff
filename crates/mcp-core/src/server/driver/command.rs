//! Commands of handlers and of the server's handle to the driver of a link.

use tokio::sync::oneshot;

use crate::error::Error;
use crate::message::{ErrorObject, Method, Payload, RawJson};
use crate::session::server::Reply;
use crate::session::{ExchangeId, LogLevel};
use crate::transport::budget::Permit;

use super::in_place::Answered;
use super::shared::QueueSlot;

/// What a handler answers.
pub(crate) type Outcome = Result<Reply, ErrorObject>;

/// The bytes that an answer takes until it is written.
pub(super) fn outcome_len(outcome: &Outcome) -> usize {
    match outcome {
        Ok(Reply::Result(result) | Reply::Verbatim(Ok(result))) => result.as_bytes().len(),
        Ok(Reply::InputRequired(needed)) => {
            let asked = needed.requests.iter().filter_map(|request| request.params.as_ref());
            asked.map(|params| params.as_bytes().len()).sum()
        }
        Ok(Reply::MethodNotFound) => 0,
        Ok(Reply::Busy(error) | Reply::Verbatim(Err(error))) | Err(error) => {
            error.message.len() + error.data.as_ref().map_or(0, |data| data.as_bytes().len())
        }
    }
}

/// A notification of a handler.
#[derive(Debug)]
pub(crate) enum ExchangeNotification {
    Progress { progress: f64, total: Option<f64>, message: Option<String> },
    Log { level: LogLevel, logger: Option<String>, data: RawJson },
    Other { method: Method, params: Option<RawJson> },
}

impl ExchangeNotification {
    /// The bytes that it takes until it is written.
    pub(crate) fn len(&self) -> usize {
        match self {
            ExchangeNotification::Progress { message, .. } => message.as_ref().map_or(0, String::len),
            ExchangeNotification::Log { data, .. } => data.as_bytes().len(),
            ExchangeNotification::Other { params, .. } => {
                params.as_ref().map_or(0, |params| params.as_bytes().len())
            }
        }
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    /// Never waits for a permit: accepted requests are bounded.
    Reply {
        exchange: ExchangeId,
        outcome: Outcome,
        /// Counts the answer until it is written. `None` for an error of the driver.
        slot: Option<QueueSlot>,
        /// The place of the request.
        permit: Option<Permit>,
        /// How long its handler took, if it answered when it was polled for the first time.
        answered: Option<Answered>,
    },
    /// The slot is held until the notification is written.
    Notify {
        exchange: ExchangeId,
        notification: ExchangeNotification,
        slot: QueueSlot,
    },
    /// A notification to a legacy client outside of exchanges. The slot is held until it is written.
    NotifyClient {
        method: Method,
        params: Option<RawJson>,
        slot: QueueSlot,
    },
    /// A request to a legacy client, which travels with that exchange. `key` identifies it for `GiveUp`.
    Request {
        key: u64,
        exchange: Option<ExchangeId>,
        method: Method,
        params: Option<RawJson>,
        answer: oneshot::Sender<Result<Payload, Error>>,
    },
    GiveUp {
        key: u64,
    },
    /// Changes wait in the link's queue.
    Changed,
    /// The peer reads too slowly: see `ServerShared::cut_slowest`.
    Cut,
    Drain,
    Close,
}
