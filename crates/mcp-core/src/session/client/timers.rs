//! The timers of a session.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::session::{CallId, InputId, ListenId};

use rustc_hash::FxHashMap;

/// Identifies a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TimerKey {
    /// The limit of the opening.
    Start,
    /// The limit of the probe.
    Probe,
    /// The next check for a silent link.
    KeepAlive,
    /// The deadline of a call.
    Call(CallId),
    /// The end of the wait before a retry without requests.
    Rest(CallId),
    /// The limit of a request for input.
    Input(InputId),
    /// The limit of a request of the session itself.
    Request(u64),
    /// How long subscriptions wait for the state of the server's own stream.
    ServerStream,
    /// When a subscription is requested again.
    Relisten(ListenId),
}

/// The timers that are set. Setting, clearing and finding the first are logarithmic at most.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// One of them, inline: most links have one at a time.
    one: Option<(Instant, TimerKey)>,
    order: BTreeSet<(Instant, TimerKey)>,
    at: FxHashMap<TimerKey, Instant>,
}

impl Timers {
    /// Sets or moves a timer. `None`, an instant that cannot be represented, clears it.
    pub(super) fn set(&mut self, timer: TimerKey, at: Option<Instant>) {
        let Some(at) = at else { return self.clear(timer) };
        match &mut self.one {
            Some((old, own)) if *own == timer => return *old = at,
            None if !self.at.contains_key(&timer) => return self.one = Some((at, timer)),
            _ => {}
        }
        if let Some(old) = self.at.insert(timer, at) {
            self.order.remove(&(old, timer));
        }
        self.order.insert((at, timer));
    }

    pub(super) fn is_set(&self, timer: TimerKey) -> bool {
        self.one.is_some_and(|(_, own)| own == timer) || self.at.contains_key(&timer)
    }

    pub(super) fn clear(&mut self, timer: TimerKey) {
        if self.one.is_some_and(|(_, own)| own == timer) {
            self.one = None;
            return;
        }
        if let Some(old) = self.at.remove(&timer) {
            self.order.remove(&(old, timer));
        }
    }

    pub(super) fn clear_all(&mut self) {
        self.one = None;
        self.order.clear();
        self.at.clear();
    }

    /// The next instant to wait for.
    pub(super) fn next(&self) -> Option<Instant> {
        self.first().map(|(at, _)| at)
    }

    fn first(&self) -> Option<(Instant, TimerKey)> {
        match (self.one, self.order.first().copied()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Removes and returns the first timer that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<TimerKey> {
        let (at, timer) = self.first()?;
        if at > now {
            return None;
        }
        self.clear(timer);
        Some(timer)
    }
}
