//! How calls fail and why sessions end, sorted by who is to blame.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::message::{ErrorObject, ProtocolVersion, code};
use crate::transport::{CloseReport, ConnectError, Loss, LossKind, TransportError};

/// Why a call has no result.
///
/// Only [`Error::Rpc`] came from the peer; a failure of the link is never reported as one. The failure of one call
/// does not end the link.
///
/// The text does not contain that of the [`source`](std::error::Error::source), which is the error of the transport,
/// such as `mcp_http::HttpError`. [`ErrorChain`](crate::transport::ErrorChain) prints both.
// Ledger TIME-B-005.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer answered with an error.
    Rpc(ErrorObject),
    /// The peer violated the protocol. The text names the rule.
    Violation(String),
    /// This program requested something impossible, such as a method that the era does not have, or a feature that
    /// was not declared.
    Misuse(String),
    /// No answer will come to this call. The link continues.
    Lost(Loss),
    /// The session ended before the answer arrived.
    Closed(CloseReason),
    /// A limit of this program was exceeded. Created by [`Error::limit`].
    #[non_exhaustive]
    Limit {
        /// What exceeded it.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// No answer arrived in time. The peer was notified, if the protocol allows it. Created by [`Error::timed_out`].
    #[non_exhaustive]
    TimedOut {
        /// What was waited for: "no answer", "no progress", "start".
        what: &'static str,
        /// The limit that ran out.
        after: Duration,
        /// What the peer has shown meanwhile, if the transport knows: see
        /// [`PeerEvidence`](crate::transport::PeerEvidence).
        evidence: Option<Arc<str>>,
    },
    // Ledger T-41.
    /// The server requested input, and this program's input handler answered with an error. Revision 2026-07-28
    /// cannot
    /// send such an error back, so the call is abandoned.
    InputRefused(ErrorObject),
    /// This program cancelled the call.
    Cancelled,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Rpc(error) => write!(f, "the peer answered: {error}"),
            Error::Violation(why) => write!(f, "protocol violation: {why}"),
            Error::Misuse(why) => write!(f, "misuse: {why}"),
            Error::Lost(loss) => write!(f, "no answer: {}", loss.kind),
            Error::Closed(reason) => write!(f, "closed: {reason}"),
            Error::Limit { what, limit } => write!(f, "limit exceeded: {what} (limit {limit})"),
            Error::TimedOut { what, after, evidence } => {
                write!(f, "timed out: {what} after {after:?}")?;
                show_evidence(evidence.as_deref(), f)
            }
            Error::InputRefused(error) => write!(f, "input was refused: {error}"),
            Error::Cancelled => f.write_str("cancelled"),
        }
    }
}

fn show_evidence(evidence: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    evidence.map_or(Ok(()), |shown| write!(f, " ({shown})"))
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Lost(loss) => loss.source(),
            Error::Closed(reason) => reason.source(),
            _ => None,
        }
    }
}

impl Error {
    /// A limit of this program was exceeded by this.
    pub fn limit(what: impl Into<String>, limit: u64) -> Error {
        Error::Limit { what: what.into(), limit }
    }

    /// What was waited for did not come within this time.
    pub fn timed_out(what: &'static str, after: Duration) -> Error {
        Error::TimedOut { what, after, evidence: None }
    }

    /// What the peer has shown before a time limit ran out.
    pub fn evidence(&self) -> Option<&str> {
        match self {
            Error::TimedOut { evidence, .. } => evidence.as_deref(),
            Error::Closed(CloseReason::NotStarted { evidence, .. }) => evidence.as_deref(),
            Error::Closed(CloseReason::OpeningFailed(error)) => error.evidence(),
            _ => None,
        }
    }

    /// The same error with what the peer has shown, if a time limit ran out.
    #[must_use]
    pub(crate) fn with_evidence(mut self, shown: impl FnOnce() -> Option<String>) -> Error {
        match &mut self {
            Error::TimedOut { evidence, .. } if evidence.is_none() => *evidence = shown().map(Into::into),
            Error::Closed(reason) => return Error::Closed(reason.clone().with_evidence(shown)),
            _ => {}
        }
        self
    }

    /// Whether a retry later may succeed. Whether a repeat is safe is for the caller to decide: the request may have
    /// been executed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Lost(loss) => {
                matches!(
                    loss.kind,
                    LossKind::Busy { .. }
                        | LossKind::PeerFailed
                        | LossKind::Unreachable
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

    /// Whether credentials are missing, wrong or insufficient.
    pub fn is_auth(&self) -> bool {
        match self {
            Error::Lost(loss) => loss.kind == LossKind::Unauthorized,
            Error::Closed(CloseReason::NoLink(error)) => matches!(error, ConnectError::Unauthorized(_)),
            Error::Closed(CloseReason::OpeningFailed(error)) => error.is_auth(),
            _ => false,
        }
    }

    /// Whether there was no connection to the peer, so that nothing was sent: a name without an address, a closed
    /// port, a program that does not start. A later attempt may succeed.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Error::Lost(loss) => loss.kind == LossKind::Unreachable,
            Error::Closed(reason) => reason.is_unreachable(),
            _ => false,
        }
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        matches!(self, Error::Closed(_))
    }

    /// Whether a time limit ran out, of this program or of the carrier.
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

    // Ledger ERR-B-002, ERR-S-006.
    /// Whether the peer does not know the resource: `-32602` with a `uri` in revision 2026-07-28, `-32002` before.
    pub fn is_resource_not_found(&self) -> bool {
        self.rpc().is_some_and(|error| {
            error.code == code::RESOURCE_NOT_FOUND
                || (error.code == code::INVALID_PARAMS
                    && error.data.as_ref().is_some_and(|data| data.member("uri").is_some()))
        })
    }
}

/// Why a session ended. Its text does not contain that of its source, as with [`Error`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// This program closed it.
    Requested,
    /// The peer ended it regularly. The [`CloseReport`] has what is known: exit status, signal, stderr.
    PeerClosed(CloseReport),
    /// The link failed. Created by [`CloseReason::link_failed`].
    #[non_exhaustive]
    LinkFailed {
        /// Why.
        error: TransportError,
        /// What is known of the peer's end.
        closed: CloseReport,
    },
    /// There is no link.
    NoLink(ConnectError),
    /// The handshake failed, with this error.
    OpeningFailed(Box<Error>),
    /// The two sides have no revision in common. Created by [`CloseReason::no_common_version`].
    #[non_exhaustive]
    NoCommonVersion {
        /// The revisions of this side.
        ours: Vec<ProtocolVersion>,
        /// The revisions of the peer, as it named them.
        theirs: Vec<String>,
    },
    /// The peer did not start within the limit. Created by [`CloseReason::not_started`].
    #[non_exhaustive]
    NotStarted {
        /// The limit.
        limit: Duration,
        /// What the peer has shown meanwhile, if the transport knows.
        evidence: Option<Arc<str>>,
    },
    /// The peer violated the protocol beyond recovery.
    Violation(String),
    /// The peer did not answer keep-alive pings.
    PingTimedOut,
    /// The server was drained.
    Drained,
}

impl CloseReason {
    /// The link failed with this error; `closed` is what is known of the peer's end.
    pub fn link_failed(error: TransportError, closed: CloseReport) -> CloseReason {
        CloseReason::LinkFailed { error, closed }
    }

    /// The two sides have no revision in common.
    pub fn no_common_version(ours: Vec<ProtocolVersion>, theirs: Vec<String>) -> CloseReason {
        CloseReason::NoCommonVersion { ours, theirs }
    }

    /// The peer did not start within this limit.
    pub fn not_started(limit: Duration) -> CloseReason {
        CloseReason::NotStarted { limit, evidence: None }
    }

    /// The same reason with what the peer has shown, if a time limit ran out.
    #[must_use]
    pub(crate) fn with_evidence(mut self, shown: impl FnOnce() -> Option<String>) -> CloseReason {
        match &mut self {
            CloseReason::NotStarted { evidence, .. } if evidence.is_none() => {
                *evidence = shown().map(Into::into);
            }
            CloseReason::OpeningFailed(error) if matches!(**error, Error::TimedOut { .. }) => {
                return CloseReason::OpeningFailed(Box::new((**error).clone().with_evidence(shown)));
            }
            _ => {}
        }
        self
    }

    /// The opening of a session failed with this error. A peer that could not be reached is
    /// [`CloseReason::NoLink`], as where connecting is a separate step.
    pub fn opening_failed(error: Error) -> CloseReason {
        match error {
            Error::Lost(loss) if loss.kind == LossKind::Unreachable => {
                CloseReason::NoLink(ConnectError::Unreachable(loss.into()))
            }
            error => CloseReason::OpeningFailed(Box::new(error)),
        }
    }

    /// Whether there was no connection to the peer: see [`Error::is_unreachable`].
    pub fn is_unreachable(&self) -> bool {
        match self {
            CloseReason::NoLink(error) => {
                matches!(
                    error,
                    ConnectError::Unreachable(_) | ConnectError::Unusable(_) | ConnectError::TimedOut { .. }
                )
            }
            CloseReason::OpeningFailed(error) => error.is_unreachable(),
            _ => false,
        }
    }

    /// Whether a new link may work.
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

    /// What is known of the peer's end: exit status, signal, the end of stderr.
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
            CloseReason::LinkFailed { closed, .. } if *closed == CloseReport::default() => {
                f.write_str("the link failed")
            }
            CloseReason::LinkFailed { closed, .. } => write!(f, "the link failed (the peer {closed})"),
            CloseReason::NoLink(error) => write!(f, "no link: {error}"),
            CloseReason::OpeningFailed(error) => match &**error {
                Error::Closed(reason) => write!(f, "the handshake failed: {reason}"),
                error => write!(f, "the handshake failed: {error}"),
            },
            CloseReason::NoCommonVersion { ours, theirs } => {
                let ours: Vec<&str> = ours.iter().map(|version| version.as_str()).collect();
                write!(
                    f,
                    "no common version: we speak {}, the peer speaks {}",
                    ours.join(", "),
                    theirs.join(", ")
                )
            }
            CloseReason::NotStarted { limit, evidence } => {
                write!(f, "the peer did not start within {limit:?}")?;
                show_evidence(evidence.as_deref(), f)
            }
            CloseReason::Violation(why) => write!(f, "the peer violated the protocol: {why}"),
            CloseReason::PingTimedOut => f.write_str("the peer did not answer pings"),
            CloseReason::Drained => f.write_str("drained"),
        }
    }
}

impl StdError for CloseReason {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            CloseReason::LinkFailed { error, .. } => Some(error.get_ref()),
            // The text of these two contains the text of the inner error, but not that of its source.
            CloseReason::NoLink(error) => error.source(),
            CloseReason::OpeningFailed(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
