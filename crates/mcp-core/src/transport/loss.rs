//! Why no answer will come on a lane.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a session has to know about a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossKind {
    /// The peer answered, but not in MCP: evidence for the legacy era during a probe.
    NotUnderstood,
    /// Credentials are missing, wrong, or not enough.
    Unauthorized,
    /// The peer is too busy, and may have said for how long.
    Busy {
        /// How long the peer asked to wait.
        after: Option<Duration>,
    },
    /// The peer failed (HTTP: 5xx), or could not be reached.
    PeerFailed,
    /// The exchange was cut before its answer.
    Cut,
    /// The peer has forgotten the session.
    SessionLost {
        /// Whether the request may have been executed. If not, it can be sent again.
        executed: bool,
    },
    /// A limit was hit; the source names it.
    TooLarge,
    /// The carrier's own time ran out.
    TimedOut,
    /// There is no way to deliver this (a legacy server's request without a stream to the client).
    NoRoute,
}

/// A loss with its cause. What a binding knows beyond the kind is in the source: downcast it.
#[derive(Clone)]
pub struct Loss {
    /// What the session has to know.
    pub kind: LossKind,
    /// The cause, with the binding's details.
    pub source: Arc<dyn Error + Send + Sync>,
}

impl Loss {
    /// A loss of this kind with this cause.
    pub fn new(kind: LossKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Loss {
        Loss { kind, source: Arc::from(source.into()) }
    }
}

impl fmt::Debug for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({})", self.kind, self.source)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl Error for Loss {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
