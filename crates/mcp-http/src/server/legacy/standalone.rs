//! The stream that belongs to no request: what GET opens, and what waits for it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::stream::Stream;

/// Notifications that wait for a stream (ledger T-46). The oldest goes first.
const PENDING: usize = 64;

/// The stream of a session that belongs to no request.
#[derive(Default)]
pub(super) struct Standalone {
    pub(super) stream: Stream,
    /// A client has opened it before: what is said is worth an entry in the event store.
    pub(super) opened: bool,
    pending: VecDeque<Bytes>,
}

impl Standalone {
    /// Keeps a notification for the client that may come. One that waits already is not kept twice: a change that is
    /// told once is told. The number of those that were lost.
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

    /// What waits, oldest first.
    pub(super) fn take_pending(&mut self) -> VecDeque<Bytes> {
        std::mem::take(&mut self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-46; FAULT C-13.
    #[test]
    fn what_waits_is_bounded_and_equal_news_are_one() {
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
