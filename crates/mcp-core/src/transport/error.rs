//! How sending, links and connecting fail, and how a link ended.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Loss, LossKind};

/// Why a send failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// This message was not sent, and its lane is over; the link continues. On [`Lane::SHARED`] only this message is
    /// concerned: the driver reports to the session which request it was.
    ///
    /// [`Lane::SHARED`]: super::Lane::SHARED
    Rejected(Loss),
    /// The link is over.
    Fatal(TransportError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Rejected(loss) => write!(f, "not sent: {}", loss.kind),
            SendError::Fatal(_) => f.write_str("the link failed"),
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SendError::Rejected(loss) => loss.source(),
            SendError::Fatal(error) => Some(error.get_ref()),
        }
    }
}

impl SendError {
    /// Creates the error of a message that cannot be sent, with the reason. The link continues.
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

/// Why a link failed. Cheap to clone, since every pending call gets one.
///
/// Its text and its [`source`](Error::source) are those of the cause; [`get_ref`](TransportError::get_ref) is the cause.
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

    /// The cause, for a downcast to the error type of the transport.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

/// The cause of the loss.
impl From<Loss> for TransportError {
    fn from(loss: Loss) -> TransportError {
        TransportError(loss.source)
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

/// How a link ended, as far as the transport knows. All fields are informational; the session does not read them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// The exit code of the peer's process.
    pub exit: Option<i32>,
    /// The signal that ended the peer's process.
    pub signal: Option<i32>,
    /// The end of what the peer's process wrote to stderr, shortened. Untrusted text.
    pub stderr_tail: Option<String>,
    /// What was done to end the peer's process, as text: "killed after 2 s".
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connector was given one stream, and has used it.
    AlreadyUsed,
    /// The peer cannot be reached or started now.
    Unreachable(TransportError),
    /// The peer can never be reached or started this way: the program does not exist, the address is malformed.
    Unusable(TransportError),
    /// Connecting took longer than the limit. Created by [`ConnectError::timed_out`].
    #[non_exhaustive]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// Credentials are missing, wrong or insufficient.
    Unauthorized(TransportError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::AlreadyUsed => {
                f.write_str("the stream was used by an earlier link, and cannot be opened again")
            }
            ConnectError::Unreachable(_) => f.write_str("the peer cannot be reached"),
            ConnectError::Unusable(_) => f.write_str("the program or address cannot be used"),
            ConnectError::TimedOut { limit } => write!(f, "connecting took longer than {limit:?}"),
            ConnectError::Unauthorized(_) => f.write_str("not authorized"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ConnectError::Unreachable(error)
            | ConnectError::Unusable(error)
            | ConnectError::Unauthorized(error) => Some(error.get_ref()),
            ConnectError::AlreadyUsed | ConnectError::TimedOut { .. } => None,
        }
    }
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
