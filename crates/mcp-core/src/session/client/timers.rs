//! The timers of a session.

use std::collections::{BTreeSet, VecDeque};
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

/// The timers that are set. Setting, clearing and finding the first are logarithmic at most, and constant where timers are set
/// in their order, as the deadlines of calls usually are.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// One of them, inline: most links have one at a time.
    one: Option<(Instant, TimerKey)>,
    /// The others.
    at: FxHashMap<TimerKey, Instant>,
    /// Those that were set in order. What is not in `at` any more was cleared; the first one never is.
    queue: VecDeque<(Instant, TimerKey)>,
    /// Those that were set out of order.
    order: BTreeSet<(Instant, TimerKey)>,
}

/// How many timers that were cleared may stay queued, beside one for each that is set.
const CLEARED: usize = 16;

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
            self.forget((old, timer));
        }
        if self.queue.back().is_none_or(|last| *last < (at, timer)) {
            self.queue.push_back((at, timer));
        } else {
            self.order.insert((at, timer));
        }
    }

    pub(super) fn is_set(&self, timer: TimerKey) -> bool {
        self.one.is_some_and(|(_, own)| own == timer) || self.at.contains_key(&timer)
    }

    pub(super) fn clear(&mut self, timer: TimerKey) {
        if self.one.is_some_and(|(_, own)| own == timer) {
            self.one = None;
        } else if let Some(old) = self.at.remove(&timer) {
            self.forget((old, timer));
        }
    }

    /// Removes what was set, or leaves it queued until it is the first one.
    fn forget(&mut self, cleared: (Instant, TimerKey)) {
        self.order.remove(&cleared);
        while let Some((at, timer)) = self.queue.front()
            && self.at.get(timer) != Some(at)
        {
            self.queue.pop_front();
        }
        if self.queue.len() > 2 * self.at.len() + CLEARED {
            self.queue.retain(|(at, timer)| self.at.get(timer) == Some(at));
        }
    }

    pub(super) fn clear_all(&mut self) {
        *self = Timers::default();
    }

    /// The next instant to wait for.
    pub(super) fn next(&self) -> Option<Instant> {
        self.first().map(|(at, _)| at)
    }

    fn first(&self) -> Option<(Instant, TimerKey)> {
        [self.one, self.queue.front().copied(), self.order.first().copied()].into_iter().flatten().min()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Set(u64, u64),
        Clear(u64),
        Pop(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let (call, second) = (0_u64..12, 0_u64..40);
        let step = prop_oneof![
            4 => (call.clone(), second.clone()).prop_map(|(call, second)| Step::Set(call, second)),
            2 => call.prop_map(Step::Clear),
            1 => second.prop_map(Step::Pop),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        /// Timers fire in their order, whatever order they were set in, moved and cleared.
        #[test]
        fn timers_fire_in_order(steps in steps()) {
            let start = Instant::now();
            let at = |second: u64| start + Duration::from_secs(second);
            let (mut timers, mut model) = (Timers::default(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Set(call, second) => {
                        timers.set(TimerKey::Request(call), Some(at(second)));
                        model.insert(TimerKey::Request(call), at(second));
                    }
                    Step::Clear(call) => {
                        timers.clear(TimerKey::Request(call));
                        model.remove(&TimerKey::Request(call));
                    }
                    Step::Pop(second) => {
                        let first = model.iter().map(|(timer, at)| (*at, *timer)).min();
                        let due = first.filter(|(first, _)| *first <= at(second));
                        prop_assert_eq!(timers.pop(at(second)), due.map(|(_, timer)| timer));
                        due.map(|(_, timer)| model.remove(&timer));
                    }
                }
                prop_assert_eq!(timers.next(), model.values().min().copied());
                prop_assert!((0..12).map(TimerKey::Request).all(|timer| timers.is_set(timer) == model.contains_key(&timer)));
            }
        }
    }

    /// What was cleared takes bounded memory, also behind one that stays for long.
    #[test]
    fn cleared_timers_are_freed() {
        let (start, mut timers) = (Instant::now(), Timers::default());
        let at = |number: u64| Some(start + Duration::from_secs(number));
        timers.set(TimerKey::KeepAlive, at(0));
        timers.set(TimerKey::Request(0), at(1));
        for number in 2..10_000 {
            timers.set(TimerKey::Request(number), at(number));
            timers.clear(TimerKey::Request(number));
            assert!(timers.queue.len() <= 2 + CLEARED + 1 && timers.order.is_empty());
        }
        assert_eq!(timers.next(), at(0));
    }
}
