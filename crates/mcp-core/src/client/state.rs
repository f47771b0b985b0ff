//! The state of a client.

use crate::error::CloseReason;
use crate::session::client::Negotiated;

/// The state of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientState {
    /// A link is being made, or the era is being found out.
    Connecting,
    /// Open for use.
    Ready(Negotiated),
    /// The link is gone; the next call or an open subscription makes a new one.
    Disconnected(CloseReason),
    /// The end.
    Closed(CloseReason),
}

impl ClientState {
    /// Whether it is [`ClientState::Ready`].
    pub fn is_ready(&self) -> bool {
        matches!(self, ClientState::Ready(_))
    }

    /// Why the session ended, if it has.
    pub fn closed(&self) -> Option<&CloseReason> {
        match self {
            ClientState::Closed(reason) => Some(reason),
            _ => None,
        }
    }
}
