//! How calls fail and why sessions end, sorted by who is to blame.

use std::fmt;
use std::time::Duration;

use crate::message::{ErrorObject, ProtocolVersion, code};
use crate::transport::{CloseReport, ConnectError, Loss, LossKind, TransportError};

/// Why a call has no result.
///
/// A failure of the link is never dressed as an error of the peer: only [`Error::Rpc`] came from the
/// other side (ledger TIME-B-005). One call's failure never ends the link.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer said no.
    #[error("the peer answered: {0}")]
    Rpc(#[source] ErrorObject),
    /// The peer broke the protocol. The text names the rule.
    #[error("protocol violation: {0}")]
    Violation(String),
    /// This program asked for what cannot be: a method the era does not have, an undeclared capability.
    #[error("misuse: {0}")]
    Misuse(String),
    /// No answer will come to this call; the link lives on.
    #[error("lost: {0}")]
    Lost(#[source] Loss),
    /// The session has ended, or ended before the answer came.
    #[error("closed: {0}")]
    Closed(CloseReason),
    /// A limit of ours was hit.
    #[error("limit exceeded: {what} (limit {limit})")]
    Limit {
        /// What was too much.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// No answer in time. The peer was told, where the protocol allows it.
    #[error("timed out: {what} after {after:?}")]
    TimedOut {
        /// Which clock ran out: "no answer", "no progress", "the hard maximum", "start".
        what: &'static str,
        /// The limit that ran out.
        after: Duration,
    },
    /// The server asked for input, and this program's answer was an error. Such an error cannot be sent
    /// back on 2026-07-28, so the call is abandoned (ledger T-41).
    #[error("input was refused: {0}")]
    InputRefused(#[source] ErrorObject),
    /// This program cancelled the call.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// Trying the same again later may help, and the request was not executed or is safe to repeat is
    /// for the caller to judge.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Lost(loss) => {
                matches!(
                    loss.kind,
                    LossKind::Busy { .. }
                        | LossKind::PeerFailed
                        | LossKind::Cut
                        | LossKind::TimedOut
                        | LossKind::SessionLost { .. }
                )
            }
            Error::Closed(reason) => reason.is_retryable(),
            Error::TimedOut { .. } => true,
            _ => false,
        }
    }

    /// Credentials are missing, wrong, or not enough.
    pub fn is_auth(&self) -> bool {
        match self {
            Error::Lost(loss) => loss.kind == LossKind::Unauthorized,
            Error::Closed(CloseReason::NoLink(error)) => matches!(error, ConnectError::Unauthorized(_)),
            Error::Closed(CloseReason::OpeningFailed(error)) => error.is_auth(),
            _ => false,
        }
    }

    /// The session has ended.
    pub fn is_closed(&self) -> bool {
        matches!(self, Error::Closed(_))
    }

    /// Time ran out, here or at the carrier.
    pub fn is_timeout(&self) -> bool {
        match self {
            Error::TimedOut { .. } | Error::Closed(CloseReason::NotStarted { .. }) => true,
            Error::Lost(loss) => loss.kind == LossKind::TimedOut,
            Error::Closed(CloseReason::NoLink(error)) => matches!(error, ConnectError::TimedOut { .. }),
            Error::Closed(CloseReason::OpeningFailed(error)) => error.is_timeout(),
            _ => false,
        }
    }

    /// The peer's error object, if it sent one.
    pub fn rpc(&self) -> Option<&ErrorObject> {
        match self {
            Error::Rpc(error) => Some(error),
            _ => None,
        }
    }

    /// The peer does not know the resource: `-32602` with a `uri` on 2026-07-28, `-32002` before
    /// (ledger ERR-B-002, ERR-S-006).
    pub fn is_resource_not_found(&self) -> bool {
        self.rpc().is_some_and(|error| {
            error.code == code::RESOURCE_NOT_FOUND
                || (error.code == code::INVALID_PARAMS
                    && error.data.as_ref().is_some_and(|data| data.member("uri").is_some()))
        })
    }
}

/// Why a session ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// This program closed it.
    Requested,
    /// The peer ended it in order. [`CloseReport`] has what is known: exit status, signal, stderr.
    PeerClosed(CloseReport),
    /// The link failed.
    LinkFailed {
        /// Why.
        error: TransportError,
        /// What is known of the end.
        closed: CloseReport,
    },
    /// There is no link.
    NoLink(ConnectError),
    /// The peer's answer to the opening cannot be worked with.
    OpeningFailed(Box<Error>),
    /// The two sides have no revision in common.
    NoCommonVersion {
        /// What this side speaks.
        ours: Vec<ProtocolVersion>,
        /// What the other side said it speaks, as it said it.
        theirs: Vec<String>,
    },
    /// The peer did not start within the limit.
    NotStarted {
        /// The limit.
        limit: Duration,
    },
    /// The peer broke the protocol beyond repair.
    Violation(String),
    /// The peer did not answer keep-alive pings.
    PingTimedOut,
    /// The server was drained.
    Drained,
}

impl CloseReason {
    /// A new link may work.
    pub fn is_retryable(&self) -> bool {
        match self {
            CloseReason::PeerClosed(_) | CloseReason::LinkFailed { .. } | CloseReason::PingTimedOut => true,
            CloseReason::NotStarted { .. } => true,
            CloseReason::NoLink(error) => {
                matches!(error, ConnectError::Unreachable(_) | ConnectError::TimedOut { .. })
            }
            CloseReason::OpeningFailed(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// What is known of the peer's end: exit status, signal, the tail of stderr.
    pub fn closed(&self) -> Option<&CloseReport> {
        match self {
            CloseReason::PeerClosed(closed) | CloseReason::LinkFailed { closed, .. } => Some(closed),
            _ => None,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::Requested => f.write_str("by this program"),
            CloseReason::PeerClosed(closed) => write!(f, "the peer {closed}"),
            CloseReason::LinkFailed { error, closed } => {
                write!(f, "the link failed: {error}")?;
                if *closed == CloseReport::default() { Ok(()) } else { write!(f, "; the peer {closed}") }
            }
            CloseReason::NoLink(error) => write!(f, "no link: {error}"),
            CloseReason::OpeningFailed(error) => write!(f, "the opening failed: {error}"),
            CloseReason::NoCommonVersion { ours, theirs } => {
                let ours: Vec<&str> = ours.iter().map(|version| version.as_str()).collect();
                write!(
                    f,
                    "no common version: we speak {}, the peer speaks {}",
                    ours.join(", "),
                    theirs.join(", ")
                )
            }
            CloseReason::NotStarted { limit } => write!(f, "the peer did not start within {limit:?}"),
            CloseReason::Violation(why) => write!(f, "the peer broke the protocol: {why}"),
            CloseReason::PingTimedOut => f.write_str("the peer did not answer pings"),
            CloseReason::Drained => f.write_str("drained"),
        }
    }
}
