//! A flag that is raised once and can be waited for.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Raised once, never lowered. Any number of tasks may wait for it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    waiting: Notify,
}

impl Signal {
    /// Raises the flag and wakes all waiting tasks.
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Waits until it is raised. Cancel-safe.
    pub(crate) async fn wait(&self) {
        let mut waiting = std::pin::pin!(self.waiting.notified());
        // Enabled before the check, so that a raise in between is not missed.
        waiting.as_mut().enable();
        if !self.is_raised() {
            waiting.await;
        }
    }
}
