//! When a connection has been silent for too long: decided at ticks, so that no request sets a timer.

use std::time::Duration;

/// How many ticks a limit has.
const TICKS: u32 = 4;

/// What a connection looks like at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glance {
    /// Requests so far.
    pub(super) requests: u32,
    /// Requests that are served now.
    pub(super) in_flight: u32,
    /// A request has begun, and its head is not whole.
    pub(super) began: bool,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// Nothing was asked for too long: it can go.
    Idle,
    /// A head takes too long (FAULT B: slowloris); or an HTTP/2 connection that was told to go has not gone, because the
    /// client takes no data on its streams.
    Cut,
}

/// Counts the ticks of silence. A limit is met up to a quarter of the shorter one late, never early.
#[derive(Debug)]
pub(super) struct Watch {
    every: Duration,
    head: Duration,
    idle: Duration,
    http2: bool,
    seen: Option<Glance>,
    silent: u32,
}

impl Watch {
    pub(super) fn new(head: Duration, idle: Duration, http2: bool) -> Watch {
        let every = (head.min(idle) / TICKS).max(Duration::from_millis(1));
        Watch { every, head, idle, http2, seen: None, silent: 0 }
    }

    /// How far ticks are apart.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    pub(super) fn tick(&mut self, glance: Glance) -> Verdict {
        // A fresh connection owes a head, as one does that began with it.
        let owes = glance.began || glance.requests == 0;
        let same = self.seen == Some(glance) || (self.seen.is_none() && glance.requests == 0);
        self.seen = Some(glance);
        if glance.in_flight > 0 || !same {
            self.silent = 0;
            return Verdict::Keep;
        }
        self.silent += 1;
        let silence = self.every * self.silent;
        // On HTTP/1 a client that does not read stalls the writes, which have their own limit.
        if (owes && silence >= self.head) || (self.http2 && silence >= self.idle * 2) {
            Verdict::Cut
        } else if !owes && silence >= self.idle {
            Verdict::Idle
        } else {
            Verdict::Keep
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Duration = Duration::from_secs(8);
    const IDLE: Duration = Duration::from_secs(20);

    fn glance(requests: u32, in_flight: u32, began: bool) -> Glance {
        Glance { requests, in_flight, began }
    }

    /// How many ticks of two seconds pass until a verdict other than `Keep`, of at most 20.
    fn until(watch: &mut Watch, glance: Glance) -> Option<(u32, Verdict)> {
        (1..=20).map(|tick| (tick, watch.tick(glance))).find(|(_, verdict)| *verdict != Verdict::Keep)
    }

    /// FAULT B: slow clients hold no connection for longer than the limits, whichever phase they stall in.
    #[test]
    fn each_silence_has_its_limit() {
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(watch.every(), Duration::from_secs(2));
        // Nothing ever came, or the first head never ends: what trickles in does not count as progress.
        assert_eq!(until(&mut watch, glance(0, 0, false)), Some((4, Verdict::Cut)));
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(until(&mut watch, glance(0, 0, true)), Some((4, Verdict::Cut)));
        // Between two requests.
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert_eq!(until(&mut watch, glance(3, 0, false)), Some((11, Verdict::Idle)));
        // A later head.
        assert_eq!(until(&mut watch, glance(3, 0, true)), Some((5, Verdict::Cut)));
        // A request that is served has other limits.
        assert_eq!(until(&mut watch, glance(4, 1, false)), None);
    }

    /// FAULT B: slow read. An HTTP/2 client that takes nothing keeps its connection alive with other frames.
    #[test]
    fn an_http2_connection_that_does_not_go_is_cut() {
        let mut watch = Watch::new(HEAD, IDLE, true);
        let silent = glance(3, 0, false);
        let verdicts: Vec<Verdict> = (0..=20).map(|_| watch.tick(silent)).collect();
        assert_eq!(verdicts.iter().position(|verdict| *verdict == Verdict::Idle), Some(10));
        assert_eq!(verdicts.iter().position(|verdict| *verdict == Verdict::Cut), Some(20));
        let mut watch = Watch::new(HEAD, IDLE, false);
        assert!((0..100).all(|_| watch.tick(silent) != Verdict::Cut));
    }

    #[test]
    fn a_busy_connection_is_kept() {
        let mut watch = Watch::new(HEAD, IDLE, false);
        for requests in 1..100 {
            assert_eq!(watch.tick(glance(requests, 0, requests % 2 == 0)), Verdict::Keep);
        }
    }
}
