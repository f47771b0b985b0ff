//! Watching the state of a client.

use tokio::sync::watch;

use crate::client::state::ClientState;

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
