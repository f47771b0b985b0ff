//! The stream that belongs to no request, which GET opens, and the notifications that wait for it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::stream::Stream;

// Ledger T-46.
/// Notifications that wait for a stream. Beyond it the oldest is dropped.
const PENDING: usize = 64;

/// The stream of a session that belongs to no request.
#[derive(Default)]
pub(super) struct Standalone {
    pub(super) stream: Stream,
    /// A client has opened it before, so notifications go to the event store.
    pub(super) opened: bool,
    pending: VecDeque<Bytes>,
}

impl Standalone {
    /// Keeps a notification until a client opens the stream. Equal notifications are kept once. Returns the number of lost
    /// notifications.
    pub(super) fn keep(&mut self, message: Bytes) -> u64 {
        if self.pending.contains(&message) {
            return 0;
        }
        self.pending.push_back(message);
        if self.pending.len() <= PENDING {
            return 0;
        }
        self.pending.pop_front();
        1
    }

    /// Takes the waiting notifications, oldest first.
    pub(super) fn take_pending(&mut self) -> VecDeque<Bytes> {
        std::mem::take(&mut self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-46; FAULT C-13.
    #[test]
    fn waiting_notifications_are_bounded_and_equal_ones_are_one() {
        let mut standalone = Standalone::default();
        let message = |n: usize| Bytes::from(format!("{n}"));
        for n in 0..PENDING {
            assert_eq!(standalone.keep(message(n)), 0);
            assert_eq!(standalone.keep(message(0)), 0);
        }
        assert_eq!(standalone.keep(message(PENDING)), 1);
        let pending = standalone.take_pending();
        assert_eq!((pending.len(), pending.front()), (PENDING, Some(&message(1))));
        assert!(standalone.take_pending().is_empty());
    }
}
