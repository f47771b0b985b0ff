//! The state of a client.

use crate::error::CloseReason;
use crate::session::client::Negotiated;

/// The state of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientState {
    /// The client makes a link or detects the era.
    Connecting,
    /// The client is ready for use.
    Ready(Negotiated),
    /// The link is gone. The next call or an open subscription makes a new one.
    Disconnected(CloseReason),
    /// The client is closed. This state is final.
    Closed(CloseReason),
}

impl ClientState {
    /// Whether it is [`ClientState::Ready`].
    pub fn is_ready(&self) -> bool {
        matches!(self, ClientState::Ready(_))
    }

    /// Why the client closed; `None` while it is open.
    pub fn closed(&self) -> Option<&CloseReason> {
        match self {
            ClientState::Closed(reason) => Some(reason),
            _ => None,
        }
    }
}
