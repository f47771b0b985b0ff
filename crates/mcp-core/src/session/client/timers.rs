//! When to look at what: the instants a session waits for, in order.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::session::{CallId, InputId, ListenId};

use rustc_hash::FxHashMap;

/// What a timer is for. Setting one again moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TimerKey {
    /// The opening has to be done.
    Start,
    /// The probe has been silent too long.
    Probe,
    /// The link may have been silent too long.
    KeepAlive,
    /// A call may have run out of time.
    Call(CallId),
    /// A call has rested long enough between two rounds without questions.
    Rest(CallId),
    /// A person has had long enough.
    Input(InputId),
    /// A request of the session's own has run out of time.
    Request(u64),
    /// A subscription is asked for again.
    Relisten(ListenId),
}

/// The timers that are set. Setting, clearing and finding the first are logarithmic at most.
#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Instant, TimerKey)>,
    at: FxHashMap<TimerKey, Instant>,
}

impl Timers {
    /// Sets a timer; an instant beyond the end of time clears it.
    pub(super) fn set(&mut self, timer: TimerKey, at: Option<Instant>) {
        let Some(at) = at else { return self.clear(timer) };
        if let Some(old) = self.at.insert(timer, at) {
            self.order.remove(&(old, timer));
        }
        self.order.insert((at, timer));
    }

    pub(super) fn is_set(&self, timer: TimerKey) -> bool {
        self.at.contains_key(&timer)
    }

    pub(super) fn clear(&mut self, timer: TimerKey) {
        if let Some(old) = self.at.remove(&timer) {
            self.order.remove(&(old, timer));
        }
    }

    pub(super) fn clear_all(&mut self) {
        self.order.clear();
        self.at.clear();
    }

    /// The next instant to wait for.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the first timer that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<TimerKey> {
        let (at, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(timer);
        Some(timer)
    }
}
