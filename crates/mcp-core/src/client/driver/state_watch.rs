//! Watching the state of a client.

use tokio::sync::watch;

use crate::client::state::ClientState;

/// Watches the state of a client. Sees the newest state and may skip short-lived ones.
#[derive(Clone, Debug)]
pub struct StateWatch(pub(super) watch::Receiver<ClientState>);

impl StateWatch {
    /// The current state.
    pub fn now(&self) -> ClientState {
        self.0.borrow().clone()
    }

    /// Waits for a state that this watch has not returned, and returns it. `None` once the final state was returned.
    /// Cancel-safe.
    pub async fn changed(&mut self) -> Option<ClientState> {
        // The sender lives as long as any handle, so the end shows only in the state.
        if self.0.borrow().closed().is_some() && matches!(self.0.has_changed(), Ok(false)) {
            return None;
        }
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }

    /// Waits for a state for which `wanted` returns true, and returns it; at the latest the final one. Cancel-safe.
    pub async fn until(&mut self, wanted: impl Fn(&ClientState) -> bool) -> ClientState {
        loop {
            let state = self.0.borrow_and_update().clone();
            if wanted(&state) || state.closed().is_some() || self.0.changed().await.is_err() {
                return state;
            }
        }
    }
}
