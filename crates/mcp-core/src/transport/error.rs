//! How sending, links and connecting fail, and how a link ended.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Loss, LossKind};

/// Why a send failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// This message was not sent, and its lane is over; the link lives on. On [`Lane::SHARED`] it concerns
    /// this message alone: the driver tells the session which request it was.
    ///
    /// [`Lane::SHARED`]: super::Lane::SHARED
    #[error("not sent: {0}")]
    Rejected(#[source] Loss),
    /// The link is over.
    #[error("the link failed: {0}")]
    Fatal(#[source] TransportError),
}

impl SendError {
    /// This message cannot be sent, for this reason; the link lives on.
    pub fn rejected(kind: LossKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> SendError {
        SendError::Rejected(Loss::new(kind, source))
    }

    /// The link has failed with this cause.
    pub fn fatal(source: impl Into<Box<dyn Error + Send + Sync>>) -> SendError {
        SendError::Fatal(TransportError::new(source))
    }
}

impl From<TransportError> for SendError {
    fn from(error: TransportError) -> SendError {
        SendError::Fatal(error)
    }
}

/// Why a link ended other than cleanly. Keeps the cause, and can be handed to every pending call.
#[derive(Clone)]
pub struct TransportError(Arc<dyn Error + Send + Sync>);

impl TransportError {
    /// An error with this cause. A cause that is a `TransportError` itself is not wrapped again.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> TransportError {
        match source.into().downcast::<TransportError>() {
            Ok(error) => *error,
            Err(source) => TransportError(Arc::from(source)),
        }
    }

    /// The cause, for a downcast to the binding's own error.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl From<std::io::Error> for TransportError {
    fn from(error: std::io::Error) -> TransportError {
        TransportError::new(error)
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportError({:?})", self.0)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// How a link ended, as far as the transport can tell. All fields are evidence for people: a session
/// decides nothing by them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// The exit code of the process on the other side.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The last of what it wrote to stderr, clipped. Untrusted text.
    pub stderr_tail: Option<String>,
    /// What had to be done to end it, in words: "killed after 2 s".
    pub note: Option<String>,
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.exit, self.signal) {
            (Some(code), _) => write!(f, "exited with code {code}")?,
            (None, Some(signal)) => write!(f, "ended by signal {signal}")?,
            (None, None) => f.write_str("closed")?,
        }
        if let Some(note) = &self.note {
            write!(f, " ({note})")?;
        }
        if let Some(tail) = self.stderr_tail.as_deref().map(str::trim).filter(|tail| !tail.is_empty()) {
            write!(f, "; stderr: {tail}")?;
        }
        Ok(())
    }
}

/// Why there is no link.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A given stream was used up: it cannot be made again.
    #[error("this stream was given once and cannot be opened again")]
    AlreadyUsed,
    /// The peer cannot be reached or started now.
    #[error("{0}")]
    Unreachable(#[source] TransportError),
    /// The peer cannot be reached or started this way ever: no such program, a malformed address.
    #[error("{0}")]
    Unusable(#[source] TransportError),
    /// Connecting took longer than the limit. Made by [`ConnectError::timed_out`].
    #[error("no link within {limit:?}")]
    #[non_exhaustive]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// Credentials are missing, wrong, or not enough.
    #[error("not authorized: {0}")]
    Unauthorized(#[source] TransportError),
}

impl ConnectError {
    /// The peer cannot be reached or started now, with this cause.
    pub fn unreachable(source: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
        ConnectError::Unreachable(TransportError::new(source))
    }

    /// The peer can never be reached or started this way, with this cause.
    pub fn unusable(source: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
        ConnectError::Unusable(TransportError::new(source))
    }

    /// Connecting took longer than this limit.
    pub fn timed_out(limit: Duration) -> ConnectError {
        ConnectError::TimedOut { limit }
    }

    /// Credentials are missing, wrong or insufficient, with this cause.
    pub fn unauthorized(source: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
        ConnectError::Unauthorized(TransportError::new(source))
    }
}
