//! Time limits of a silent connection, checked at ticks, so that requests set no timers.

use std::time::Duration;

use super::super::ServerTimeouts;

/// The ticks in a limit.
const TICKS: u32 = 4;

/// The longest interval of ticks while an HTTP/1 connection may fall silent, so that it soon gives its buffers back.
const SOON: Duration = Duration::from_secs(1);

/// The interval of ticks that suffices for the limits: the longest one.
fn sparse(head: Duration, idle: Duration) -> Duration {
    (head.min(idle) / TICKS).max(Duration::from_millis(1))
}

/// The longest time after which an HTTP/1 connection polls the request that it serves.
pub(crate) fn longest_tick(timeouts: &ServerTimeouts) -> Duration {
    sparse(timeouts.headers, timeouts.idle)
}

/// The state of a connection at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Requests so far.
    pub(super) requests: u32,
    /// Requests in flight.
    pub(super) in_flight: u32,
    /// A head is incomplete.
    pub(super) began: bool,
}

/// What to do with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Keep,
    /// HTTP/1 only: it had no request since the last tick.
    Silent,
    /// Shut it down: it had no request for too long.
    Idle,
    // FAULT B: slowloris.
    /// Cut it: a head takes too long, or an HTTP/2 connection did not shut down, because the client does not read its
    /// last answers.
    Cut,
}

/// Adds up the ticks of silence. A limit is exceeded by at most a quarter of the shorter one.
#[derive(Debug)]
pub(super) struct Watch {
    /// The interval of ticks that suffices for the limits.
    sparse: Duration,
    /// The interval that the last tick ended, or the first will end.
    every: Duration,
    head: Duration,
    idle: Duration,
    http2: bool,
    seen: Option<Sample>,
    silence: Duration,
}

impl Watch {
    pub(super) fn new(head: Duration, idle: Duration, http2: bool) -> Watch {
        let sparse = sparse(head, idle);
        let mut watch =
            Watch { sparse, every: sparse, head, idle, http2, seen: None, silence: Duration::ZERO };
        watch.every = watch.soon();
        watch
    }

    /// The interval until the next tick. HTTP/2: always the same.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// Begins the interval anew, because a silent connection is in use again.
    pub(super) fn resume(&mut self) -> Duration {
        self.every = self.soon();
        self.every
    }

    fn soon(&self) -> Duration {
        if self.http2 { self.sparse } else { self.sparse.min(SOON) }
    }

    pub(super) fn tick(&mut self, sample: Sample) -> Action {
        // A new connection owes a head too.
        let owes = sample.began || sample.requests == 0;
        let same = self.seen == Some(sample) || (self.seen.is_none() && sample.requests == 0);
        self.seen = Some(sample);
        let soon = self.soon();
        let passed = std::mem::replace(&mut self.every, soon);
        if sample.in_flight > 0 || !same {
            self.silence = Duration::ZERO;
            if same {
                // A long answer, or a stream.
                self.every = self.sparse;
            }
            return Action::Keep;
        }
        self.silence += passed;
        // On HTTP/1 a client that does not read stalls the writes, which have another limit.
        if (owes && self.silence >= self.head) || (self.http2 && self.silence >= self.idle.saturating_mul(2))
        {
            Action::Cut
        } else if !owes && self.silence >= self.idle {
            Action::Idle
        } else if !owes && !self.http2 && self.silence >= soon {
            self.every = self.sparse;
            Action::Silent
        } else {
            Action::Keep
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Duration = Duration::from_secs(8);
    const IDLE: Duration = Duration::from_secs(20);

    fn sample(requests: u32, in_flight: u32, began: bool) -> Sample {
        Sample { requests, in_flight, began }
    }

    /// The time until an action other than `Keep` and `Silent`, at most a minute, and the time until `Silent`.
    fn until(watch: &mut Watch, sample: Sample) -> (Option<(Duration, Action)>, Option<Duration>) {
        let (mut time, mut silent) = (Duration::ZERO, None);
        while time < Duration::from_secs(60) {
            time += watch.every();
            match watch.tick(sample) {
                Action::Keep => {}
                Action::Silent => silent = silent.or(Some(time)),
                action => return (Some((time, action)), silent),
            }
        }
        (None, silent)
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// FAULT B: slow clients hold no connection for longer than the limits, whichever phase they stall in.
    #[test]
    fn each_silence_has_its_limit() {
        let mut watch = Watch::new(HEAD, IDLE, false);
        // No byte came, or the first head never ends: slow bytes are not progress.
        assert_eq!(until(&mut watch, sample(0, 0, false)), (Some((secs(8), Action::Cut)), None));
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(until(&mut watch, sample(0, 0, true)), (Some((secs(8), Action::Cut)), None));
        // Between two requests. The buffers are given back soon; then the ticks are sparse, and the first one is a second.
        let mut watch = Watch::new(HEAD, IDLE, false);
        let ended = (Some((secs(22), Action::Idle)), Some(secs(2)));
        assert_eq!(until(&mut watch, sample(3, 0, false)), ended);
        // A later head, noticed after a second.
        assert_eq!(until(&mut watch, sample(3, 0, true)).0, Some((secs(9), Action::Cut)));
        // A request in flight has other limits.
        assert_eq!(until(&mut watch, sample(4, 1, false)), (None, None));
    }

    #[test]
    fn ticks_are_sparse_while_a_request_is_in_flight_or_the_connection_is_silent() {
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(watch.every(), secs(1));
        for (requests, in_flight, every) in [(1, 1, 1), (1, 1, 2), (1, 0, 1), (1, 0, 2), (1, 0, 2), (2, 0, 1)]
        {
            let _action = watch.tick(sample(requests, in_flight, false));
            assert_eq!(watch.every(), secs(every), "after {requests} requests, {in_flight} in flight");
        }
        assert_eq!(watch.tick(sample(2, 0, false)), Action::Silent);
        assert_eq!((watch.every(), watch.resume(), watch.every()), (secs(2), secs(1), secs(1)));
        // Short limits have shorter ticks.
        assert_eq!(Watch::new(secs(1), IDLE, false).every(), Duration::from_millis(250));
    }

    /// FAULT B: slow read. An HTTP/2 client that takes nothing keeps its connection alive with other frames.
    #[test]
    fn an_http2_connection_that_does_not_go_is_cut() {
        let mut watch = Watch::new(HEAD, IDLE, true);
        let silent = sample(3, 0, false);
        let actions: Vec<Action> = (0..=20).map(|_| watch.tick(silent)).collect();
        assert_eq!(watch.every(), secs(2));
        assert_eq!(actions.iter().position(|action| *action != Action::Keep), Some(10));
        assert_eq!(actions.iter().position(|action| *action == Action::Cut), Some(20));
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert!((0..100).all(|_| watch.tick(silent) != Action::Cut));
    }

    #[test]
    fn a_busy_connection_is_kept() {
        let mut watch = Watch::new(HEAD, IDLE, false);
        for requests in 1..100 {
            assert_eq!(watch.tick(sample(requests, 0, requests % 2 == 0)), Action::Keep);
        }
    }
}
