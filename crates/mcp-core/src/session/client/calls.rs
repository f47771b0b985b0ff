//! The application's calls and their clocks.
//!
//! This table is not the one of requests in flight (`inflight.rs`), because the two do not map one to one: a call
//! that is queued, waits for input or rests has no request, a call that is retried has several in turn, and the
//! session's own requests belong to no call. `Purpose::Call` joins them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::message::{Method, Payload};
use crate::session::CallId;

use super::config::{CallOptions, ClientConfig};
use super::input_modern::Round;
use rustc_hash::FxHashMap;

/// A call that has no outcome yet.
#[derive(Debug)]
pub(super) struct Call<T> {
    pub(super) method: Method,
    /// As the application gave them. Kept for retries; shares the application's buffer.
    pub(super) params: Option<Payload>,
    pub(super) options: Arc<CallOptions>,
    /// The driver's, returned with the outcome.
    pub(super) tag: T,
    pub(super) clock: Clock,
    pub(super) stage: CallStage,
    /// Rounds of input so far, and how many of the latest had no requests.
    pub(super) rounds: u32,
    pub(super) idle_rounds: u32,
    /// It was sent a second time, because the first was certainly not executed. It is not sent a third time.
    pub(super) resent: bool,
}

/// The state of a call.
#[derive(Debug)]
pub(super) enum CallStage {
    /// Waits for a link or for the era.
    Queued,
    /// In flight, under this number.
    Sent(u64),
    /// Waits for the client's input (2026-07-28).
    Asking(Round),
    /// Waits before it is sent again (2026-07-28).
    Resting(Round),
}

/// The clocks of a call: an idle limit and a hard maximum. Neither runs while input is awaited. For the hard maximum
/// that is true for `input_timeout` in all, so that a peer which keeps a question open does not hold the call forever.
// TIME-B-001, TIME-B-004, T-45, FAULT F-A14.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    idle_limit: Duration,
    idle_from: Instant,
    maximum: Duration,
    hard: Option<Instant>,
    reset: bool,
    progressed: bool,
    questions: u32,
    asked_at: Option<Instant>,
    /// How much of the time that input takes will not count towards the maximum.
    input_left: Duration,
}

/// What was waited for, if there was progress up to the hard maximum.
const ONLY_PROGRESS: &str = "no answer, only progress,";

impl Clock {
    pub(super) fn new(config: &ClientConfig, options: &CallOptions, issued: Instant) -> Clock {
        let maximum = options.maximum.unwrap_or(config.call_maximum);
        Clock {
            idle_limit: options.timeout.unwrap_or(config.call_timeout),
            idle_from: issued,
            maximum,
            hard: issued.checked_add(maximum),
            reset: options.reset_on_progress,
            progressed: false,
            questions: 0,
            asked_at: None,
            input_left: config.input_timeout,
        }
    }

    /// The next instant at which the call may expire.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.asked_at.is_some() {
            return self.hard.and_then(|hard| hard.checked_add(self.input_left));
        }
        let idle = self.idle_from.checked_add(self.idle_limit);
        [idle, self.hard].into_iter().flatten().min()
    }

    /// The clock that has run out, and its limit.
    pub(super) fn expired(&self, now: Instant) -> Option<(&'static str, Duration)> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        Some(match self.hard {
            Some(hard) if now >= hard && self.progressed => (ONLY_PROGRESS, self.maximum),
            Some(hard) if now >= hard => ("no answer", self.maximum),
            _ if self.progressed => ("no progress", self.idle_limit),
            _ => ("no answer", self.idle_limit),
        })
    }

    /// Restarts the idle limit, if progress does so.
    pub(super) fn progress(&mut self, now: Instant) {
        if self.reset {
            self.idle_from = self.idle_from.max(now);
            self.progressed = true;
        }
    }

    /// Restarts the idle limit for a new request of the same call.
    pub(super) fn restart_idle(&mut self, now: Instant) {
        self.idle_from = self.idle_from.max(now);
    }

    /// Input is awaited: stops the clocks.
    pub(super) fn pause(&mut self, now: Instant) {
        self.questions += 1;
        self.asked_at.get_or_insert(now);
    }

    /// An answer came. `true` if it was the last one awaited and the clocks run again.
    pub(super) fn resume(&mut self, now: Instant) -> bool {
        self.questions = self.questions.saturating_sub(1);
        if self.questions > 0 {
            return false;
        }
        let Some(asked_at) = self.asked_at.take() else { return false };
        let waited = now.saturating_duration_since(asked_at);
        self.idle_from = self.idle_from.checked_add(waited).unwrap_or(now);
        let uncounted = waited.min(self.input_left);
        self.input_left -= uncounted;
        self.hard = self.hard.and_then(|hard| hard.checked_add(uncounted));
        true
    }
}

/// The calls that have no outcome yet.
#[derive(Debug)]
pub(super) struct Calls<T> {
    map: FxHashMap<CallId, Call<T>>,
    last: u64,
}

impl<T> Default for Calls<T> {
    fn default() -> Calls<T> {
        Calls { map: FxHashMap::default(), last: 0 }
    }
}

impl<T> Calls<T> {
    pub(super) fn mint(&mut self) -> CallId {
        self.last += 1;
        CallId(self.last)
    }

    pub(super) fn insert(&mut self, id: CallId, call: Call<T>) {
        self.map.insert(id, call);
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Call<T>> {
        self.map.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call<T>> {
        self.map.get_mut(&id)
    }

    pub(super) fn take(&mut self, id: CallId) -> Option<Call<T>> {
        self.map.remove(&id)
    }

    /// The calls for which `which` returns true, oldest first.
    pub(super) fn ids(&self, which: impl Fn(&Call<T>) -> bool) -> Vec<CallId> {
        let mut ids: Vec<CallId> =
            self.map.iter().filter(|(_, call)| which(call)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Removes all calls and yields their tags, in no order.
    pub(super) fn take_tags(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.map).into_values().map(|call| call.tag)
    }
}
