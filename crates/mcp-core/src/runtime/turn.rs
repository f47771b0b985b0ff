//! How much work a driver does before other tasks and timers get their turn.

use super::BURST;

/// The most bytes of messages of one turn.
const TURN_BYTES: usize = 64 * 1024;

/// Counts the work of one poll. A transport that is always ready would otherwise keep the thread: tokio's own budget
/// covers its sockets and channels only.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    items: usize,
    bytes: usize,
}

impl Turn {
    /// Counts a message of this length, or a command.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
    }

    /// Whether the turn is over.
    pub(crate) fn is_over(&self) -> bool {
        self.items >= BURST || self.bytes >= TURN_BYTES
    }

    /// Lets other tasks and the timers run if the turn is over, and starts the next one. Returns whether it did.
    /// Cancel-safe.
    pub(crate) async fn pass_on(&mut self) -> bool {
        let is_over = self.is_over();
        if is_over {
            *self = Turn::default();
            tokio::task::yield_now().await;
        }
        is_over
    }
}
