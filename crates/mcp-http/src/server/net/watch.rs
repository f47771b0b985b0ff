//! Time limits of a silent connection, checked at ticks, so that requests set no timers.

use std::time::Duration;

/// The ticks in a limit.
const TICKS: u32 = 4;

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
    /// It had no request for two ticks.
    Silent,
    /// Shut it down: it had no request for too long.
    Idle,
    // FAULT B: slowloris.
    /// Cut it: a head takes too long, or an HTTP/2 connection did not shut down, because the client does not read its
    /// last answers.
    Cut,
}

/// Counts the ticks of silence. A limit is exceeded by at most a quarter of the shorter one.
#[derive(Debug)]
pub(super) struct Watch {
    every: Duration,
    head: Duration,
    idle: Duration,
    http2: bool,
    seen: Option<Sample>,
    silent: u32,
}

impl Watch {
    pub(super) fn new(head: Duration, idle: Duration, http2: bool) -> Watch {
        let every = (head.min(idle) / TICKS).max(Duration::from_millis(1));
        Watch { every, head, idle, http2, seen: None, silent: 0 }
    }

    /// The interval of ticks.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    pub(super) fn tick(&mut self, sample: Sample) -> Action {
        // A new connection owes a head too.
        let owes = sample.began || sample.requests == 0;
        let same = self.seen == Some(sample) || (self.seen.is_none() && sample.requests == 0);
        self.seen = Some(sample);
        if sample.in_flight > 0 || !same {
            self.silent = 0;
            return Action::Keep;
        }
        self.silent += 1;
        let silence = self.every * self.silent;
        // On HTTP/1 a client that does not read stalls the writes, which have another limit.
        if (owes && silence >= self.head) || (self.http2 && silence >= self.idle * 2) {
            Action::Cut
        } else if !owes && silence >= self.idle {
            Action::Idle
        } else if !owes && self.silent >= 2 {
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

    /// How many ticks of two seconds pass until an action other than `Keep`, of at most 20.
    fn until(watch: &mut Watch, sample: Sample) -> Option<(u32, Action)> {
        (1..=20)
            .map(|tick| (tick, watch.tick(sample)))
            .find(|(_, action)| !matches!(action, Action::Keep | Action::Silent))
    }

    /// FAULT B: slow clients hold no connection for longer than the limits, whichever phase they stall in.
    #[test]
    fn each_silence_has_its_limit() {
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(watch.every(), Duration::from_secs(2));
        // No byte came, or the first head never ends: slow bytes are not progress.
        assert_eq!(until(&mut watch, sample(0, 0, false)), Some((4, Action::Cut)));
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(until(&mut watch, sample(0, 0, true)), Some((4, Action::Cut)));
        // Between two requests.
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(until(&mut watch, sample(3, 0, false)), Some((11, Action::Idle)));
        // A later head.
        assert_eq!(until(&mut watch, sample(3, 0, true)), Some((5, Action::Cut)));
        // A request in flight has other limits.
        assert_eq!(until(&mut watch, sample(4, 1, false)), None);
    }

    /// FAULT B: slow read. An HTTP/2 client that takes nothing keeps its connection alive with other frames.
    #[test]
    fn an_http2_connection_that_does_not_go_is_cut() {
        let mut watch = Watch::new(HEAD, IDLE, true);
        let silent = sample(3, 0, false);
        let actions: Vec<Action> = (0..=20).map(|_| watch.tick(silent)).collect();
        assert_eq!(actions.iter().position(|action| *action == Action::Idle), Some(10));
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
