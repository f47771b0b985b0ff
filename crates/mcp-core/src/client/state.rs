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

#[cfg(test)]
mod tests {
    use super::*;

    // FAULT A-B35.
    /// A client whose link is gone is not ready, and it is not closed either.
    #[test]
    fn a_client_without_its_link_is_neither_ready_nor_closed() {
        let lost = ClientState::Disconnected(CloseReason::Requested);
        let closed = ClientState::Closed(CloseReason::Requested);
        let seen = [ClientState::Connecting, lost, closed];
        assert!(seen.iter().all(|state| !state.is_ready()), "{seen:?}");
        assert_eq!(seen.map(|state| state.closed().is_some()), [false, false, true]);
    }
}
