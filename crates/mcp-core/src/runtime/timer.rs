//! One timer that is armed as rarely as possible.

use std::pin::Pin;
use std::time::Instant;

use tokio::time::Sleep;

/// Waits for an instant that moves often, usually further away: each answered call moves it. The runtime's
/// timer is set only when it has to fire earlier than it is set for, or when it has fired.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Waits for the instant, for ever if there is none. Cancel-safe. May be asked for another instant
    /// every time.
    pub(crate) async fn until(&mut self, at: Option<Instant>) {
        let Some(at) = at.map(tokio::time::Instant::from_std) else { return std::future::pending().await };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if at < sleep.deadline() {
            sleep.as_mut().reset(at);
        }
        loop {
            sleep.as_mut().await;
            if sleep.deadline() >= at {
                return;
            }
            sleep.as_mut().reset(at);
        }
    }
}
