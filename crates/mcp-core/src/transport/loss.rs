//! Why no answer will come on a lane.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a session has to know about a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossKind {
    /// The peer answered, but not in MCP. Evidence for the legacy era while the client probes.
    NotUnderstood,
    /// Credentials are missing, wrong or insufficient.
    Unauthorized,
    /// The peer is overloaded. Created by [`LossKind::busy`].
    #[non_exhaustive]
    Busy {
        /// How long the peer asked to wait, if it did.
        after: Option<Duration>,
    },
    /// The peer failed (HTTP: 5xx).
    PeerFailed,
    /// There is no connection to the peer: nothing was sent.
    Unreachable,
    /// The exchange was cut before its answer.
    Cut,
    /// The peer no longer knows the session. Created by [`LossKind::session_lost`].
    #[non_exhaustive]
    SessionLost {
        /// Whether the request may have been executed. If it was not, the client sends it again.
        executed: bool,
    },
    /// A limit was exceeded; the source names it.
    TooLarge,
    /// A time limit of the carrier ran out.
    TimedOut,
    /// The message cannot be delivered: the lane is over, or a legacy server has no stream to the client.
    NoRoute,
}

impl LossKind {
    /// The peer is overloaded, and asked to wait this long, if it said so.
    pub const fn busy(after: Option<Duration>) -> LossKind {
        LossKind::Busy { after }
    }

    /// The peer no longer knows the session; `executed` if the request may have been executed.
    pub const fn session_lost(executed: bool) -> LossKind {
        LossKind::SessionLost { executed }
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LossKind::NotUnderstood => "the peer does not answer in MCP",
            LossKind::Unauthorized => "not authorized",
            LossKind::Busy { after: None } => "the peer is overloaded",
            LossKind::Busy { after: Some(after) } => {
                return write!(f, "the peer is overloaded and asks to wait {after:?}");
            }
            LossKind::PeerFailed => "the peer failed",
            LossKind::Unreachable => "the peer cannot be reached",
            LossKind::Cut => "the exchange broke off",
            LossKind::SessionLost { .. } => "the session is lost",
            LossKind::TooLarge => "a limit was exceeded",
            LossKind::TimedOut => "the carrier timed out",
            LossKind::NoRoute => "no route to the peer",
        })
    }
}

/// A loss with its cause. What a binding knows beyond the kind is in the source, for a downcast.
#[derive(Clone)]
#[non_exhaustive]
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

    /// The same cause under another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: LossKind) -> Loss {
        self.kind = kind;
        self
    }
}

impl fmt::Debug for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({})", self.kind, self.source)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind, f)
    }
}

impl Error for Loss {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
