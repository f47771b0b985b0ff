//! Commands of handlers and of the server's handle to the driver of a link.

use tokio::sync::oneshot;

use crate::error::Error;
use crate::message::{ErrorObject, Method, Payload, RawJson};
use crate::session::server::Reply;
use crate::session::{Change, ExchangeId, LogLevel};

use super::shared::NotificationPermit;

/// What a handler answers.
pub(crate) type Outcome = Result<Reply, ErrorObject>;

/// A notification of a handler.
#[derive(Debug)]
pub(crate) enum ExchangeNotification {
    Progress { progress: f64, total: Option<f64>, message: Option<String> },
    Log { level: LogLevel, logger: Option<String>, data: RawJson },
    Other { method: Method, params: Option<RawJson> },
}

#[derive(Debug)]
pub(crate) enum Command {
    /// Never waits for a permit: accepted requests are bounded.
    Reply {
        exchange: ExchangeId,
        outcome: Outcome,
    },
    /// The permit is held until the notification is written.
    Notify {
        exchange: ExchangeId,
        notification: ExchangeNotification,
        permit: NotificationPermit,
    },
    /// A request to a legacy client. `key` identifies it for `GiveUp`.
    Request {
        key: u64,
        method: Method,
        params: Option<RawJson>,
        answer: oneshot::Sender<Result<Payload, Error>>,
    },
    GiveUp {
        key: u64,
    },
    Publish(Change),
    Drain,
    Close,
}
