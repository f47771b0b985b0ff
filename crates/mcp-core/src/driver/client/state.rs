//! The state of a client, and how it is watched.

use tokio::sync::watch;

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

/// Watches the state of a client. Sees the newest state; one that was passed through quickly may be missed.
#[derive(Clone, Debug)]
pub struct StateWatch(pub(super) watch::Receiver<ClientState>);

impl StateWatch {
    /// The state now.
    pub fn now(&self) -> ClientState {
        self.0.borrow().clone()
    }

    /// Waits until the state is another than when it was last asked for here, and gives it; `None` once
    /// the client has ended and that was given. Cancel-safe.
    pub async fn changed(&mut self) -> Option<ClientState> {
        // The sender lives as long as any handle: the end is known from the state itself.
        if self.0.borrow().closed().is_some() && matches!(self.0.has_changed(), Ok(false)) {
            return None;
        }
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }

    /// Waits until the state is as wanted, and gives it; at the latest the final one. Cancel-safe.
    pub async fn until(&mut self, wanted: impl Fn(&ClientState) -> bool) -> ClientState {
        loop {
            let state = self.0.borrow_and_update().clone();
            if wanted(&state) || state.closed().is_some() || self.0.changed().await.is_err() {
                return state;
            }
        }
    }
}
