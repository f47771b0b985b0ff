//! Whether an upstream server may be started: back-off after failures.

use std::time::Duration;

use mcp_core::message::ErrorObject;
use tokio::time::Instant;

use crate::limits::Limits;

/// The wait after the first failure; doubled for each further one, up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(500);
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// Why a request cannot be forwarded.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) error: ErrorObject,
    /// A later attempt may succeed, so that HTTP answers 503.
    pub(crate) busy: bool,
}

impl Refusal {
    pub(crate) fn busy(error: ErrorObject) -> Refusal {
        Refusal { error, busy: true }
    }

    pub(crate) fn failed(error: ErrorObject) -> Refusal {
        Refusal { error, busy: false }
    }
}

/// Until when an upstream server is not started.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Until(Instant),
    ForGood,
}

/// The failures of an upstream server.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    /// Why the last start failed.
    failure: Option<String>,
    rest: Option<Rest>,
    given_up: bool,
    /// The last failure was the end of a server that had started.
    ended: bool,
}

impl Health {
    /// It can never be used, for this reason.
    pub(crate) fn unusable(why: String) -> Health {
        Health { failure: Some(why), rest: Some(Rest::ForGood), given_up: true, ..Health::default() }
    }

    /// It has answered.
    pub(crate) fn well(&mut self) {
        *self = Health::default();
    }

    /// It started. Whether it is of any use is not known yet.
    pub(crate) fn started(&mut self) {
        *self = Health { failures: self.failures, ..Health::default() };
    }

    /// It had started, and ended by itself. One that `was_useful` has failed for the first time: after many ends
    /// at once they are started again.
    pub(crate) fn ended(&mut self, why: String, was_useful: bool, limits: &Limits) {
        if was_useful {
            self.failures = 0;
        }
        self.ill(why, limits);
        self.ended = true;
    }

    /// It could not be started.
    pub(crate) fn ill(&mut self, why: String, limits: &Limits) -> Refusal {
        self.ended = false;
        self.failures = self.failures.saturating_add(1);
        self.given_up = self.failures >= limits.failures.max(1);
        let wait = if self.given_up {
            limits.give_up
        } else {
            FIRST.saturating_mul(2_u32.saturating_pow(self.failures - 1)).min(LONGEST)
        };
        self.rest = Some(Instant::now().checked_add(wait).map_or(Rest::ForGood, Rest::Until));
        self.failure = Some(why.clone());
        Refusal::failed(ErrorObject::internal(why))
    }

    /// How long the next start waits: a server that had started will most likely start again.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.retry_after().filter(|_| self.ended && !self.given_up)
    }

    /// Whether a start may be tried, now or after its [pause](Health::pause).
    pub(crate) fn check(&self, name: &str) -> Result<(), Refusal> {
        if !self.is_resting() || self.pause().is_some() {
            return Ok(());
        }
        let last = self.failure.as_deref().unwrap_or_default();
        Err(match self.retry_after() {
            Some(wait) => {
                let why = format!("Busy: {name:?} is not started again for {wait:.1?}; {last}");
                Refusal::busy(ErrorObject::internal(why))
            }
            None => Refusal::failed(ErrorObject::internal(format!("{name:?} is not started again; {last}"))),
        })
    }

    /// Whether it may not be started now.
    pub(crate) fn is_resting(&self) -> bool {
        match self.rest {
            None => false,
            Some(Rest::Until(at)) => at > Instant::now(),
            Some(Rest::ForGood) => true,
        }
    }

    /// How long it may not be started yet. `None` if it may be now, or never again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let Some(Rest::Until(at)) = self.rest else { return None };
        at.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    /// Whether it is left alone for long.
    pub(crate) fn given_up(&self) -> bool {
        self.given_up && self.is_resting()
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D4: the waits double, and after five consecutive failures the server is left alone for 5 min.
    #[tokio::test(start_paused = true)]
    async fn consecutive_failures_make_longer_waits() {
        let limits = Limits::default();
        let mut health = Health::default();
        for wait in [500, 1000, 2000, 4000, 300_000] {
            assert!(health.check("s").is_ok());
            assert!(!health.ill("gone".to_owned(), &limits).busy);
            let refusal = health.check("s").unwrap_err();
            assert!(refusal.busy && refusal.error.message.contains("gone"), "{refusal:?}");
            assert_eq!(health.given_up(), wait == 300_000);
            tokio::time::advance(Duration::from_millis(wait - 1)).await;
            assert!(health.check("s").is_err());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(health.check("s").is_ok() && !health.given_up());
        health.well();
        assert_eq!(health.failure(), None);
    }

    /// What is never started again says so, and names no time.
    #[tokio::test(start_paused = true)]
    async fn what_is_given_up_for_good_is_not_started_again() {
        let mut limits = Limits::default();
        (limits.failures, limits.give_up) = (1, Duration::MAX);
        let mut health = Health::default();
        health.ill("gone".to_owned(), &limits);
        for health in [health, Health::unusable("gone".to_owned())] {
            tokio::time::advance(Duration::from_secs(86_400)).await;
            let refusal = health.check("s").unwrap_err();
            assert!(!refusal.busy && refusal.error.message.contains("gone"), "{refusal:?}");
            assert!(health.given_up() && health.retry_after().is_none());
        }
    }

    /// What ended is waited for, and what does not start is refused.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_ended_is_waited_for() {
        let limits = Limits::default();
        let mut health = Health::default();
        health.ended("gone".to_owned(), true, &limits);
        assert!(health.check("s").is_ok() && health.is_resting());
        assert_eq!(health.pause(), Some(Duration::from_millis(500)));
        health.ill("cannot start".to_owned(), &limits);
        assert!(health.check("s").unwrap_err().busy && health.pause().is_none());
    }

    /// One that starts and ends before it was of any use is given up like one that does not start; one that was useful
    /// fails for the first time whenever it ends.
    #[tokio::test(start_paused = true)]
    async fn useless_starts_are_counted() {
        let limits = Limits::default();
        let mut health = Health::default();
        for wait in [500, 1000, 2000, 4000] {
            health.started();
            assert!(health.failure().is_none() && !health.is_resting());
            health.ended("gone".to_owned(), false, &limits);
            assert_eq!(health.pause(), Some(Duration::from_millis(wait)));
        }
        for _ in 0..10 {
            health.ended("gone".to_owned(), true, &limits);
            assert_eq!(health.pause(), Some(Duration::from_millis(500)));
        }
        health.well();
        for given_up in [false, false, false, false, true, true] {
            health.started();
            assert!(!health.given_up());
            health.ended("gone".to_owned(), false, &limits);
            assert_eq!(health.given_up(), given_up);
        }
    }
}
