//! Counts of open sessions, links and streams, kept by guards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A snapshot of what the legacy era of a server has open, and what it dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCounters {
    /// Open sessions.
    pub sessions: usize,
    /// Links to the application, each with a task. The link of a session may live a moment longer than the session.
    pub links: usize,
    /// Open connections of streams.
    pub streams: usize,
    /// Requests without an answer.
    pub exchanges: usize,
    /// The notifications that were dropped since the start, because no client read them fast enough.
    pub dropped: u64,
}

/// What has become of the sessions of a server since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionTotals {
    /// Sessions that were opened.
    pub opened: u64,
    /// Sessions that ended because they were silent for too long.
    pub expired: u64,
    /// Sessions that ended because there were too many: they were idle for longest.
    pub evicted: u64,
    /// Sessions that were refused, because there were too many and none was idle.
    pub refused: u64,
}

impl SessionCounters {
    /// Those of two endpoints together.
    pub(crate) fn and(self, other: SessionCounters) -> SessionCounters {
        SessionCounters {
            sessions: self.sessions + other.sessions,
            links: self.links + other.links,
            streams: self.streams + other.streams,
            exchanges: self.exchanges + other.exchanges,
            dropped: self.dropped + other.dropped,
        }
    }
}

impl SessionTotals {
    /// Those of two endpoints together.
    pub(crate) fn and(self, other: SessionTotals) -> SessionTotals {
        SessionTotals {
            opened: self.opened + other.opened,
            expired: self.expired + other.expired,
            evicted: self.evicted + other.evicted,
            refused: self.refused + other.refused,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    links: AtomicUsize,
    streams: AtomicUsize,
    exchanges: AtomicUsize,
    opened: AtomicU64,
    expired: AtomicU64,
    evicted: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
}

/// What a guard counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resource {
    Link,
    Stream,
    Exchange,
}

/// Counts one while it lives.
#[derive(Debug)]
pub(super) struct CounterGuard(Arc<Counters>, Resource);

impl Counters {
    fn of(&self, what: Resource) -> &AtomicUsize {
        match what {
            Resource::Link => &self.links,
            Resource::Stream => &self.streams,
            Resource::Exchange => &self.exchanges,
        }
    }

    pub(super) fn count(self: &Arc<Self>, what: Resource) -> CounterGuard {
        self.of(what).fetch_add(1, Ordering::Relaxed);
        CounterGuard(self.clone(), what)
    }

    /// Counts one more, if there are fewer than `most`.
    pub(super) fn count_up_to(self: &Arc<Self>, what: Resource, most: usize) -> Option<CounterGuard> {
        let had = self.of(what).fetch_add(1, Ordering::Relaxed);
        // Created in any case, because its drop subtracts again.
        let counted = CounterGuard(self.clone(), what);
        (had < most).then_some(counted)
    }

    pub(super) fn opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn expired(&self) {
        self.expired.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn evicted(&self) {
        self.evicted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, notifications: u64) {
        self.dropped.fetch_add(notifications, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> SessionTotals {
        SessionTotals {
            opened: self.opened.load(Ordering::Relaxed),
            expired: self.expired.load(Ordering::Relaxed),
            evicted: self.evicted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    pub(super) fn snapshot(&self, sessions: usize) -> SessionCounters {
        SessionCounters {
            sessions,
            links: self.links.load(Ordering::Relaxed),
            streams: self.streams.load(Ordering::Relaxed),
            exchanges: self.exchanges.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Drop for CounterGuard {
    fn drop(&mut self) {
        self.0.of(self.1).fetch_sub(1, Ordering::Relaxed);
    }
}
