//! Whether an upstream server may be started: back-off after failures.

use std::time::Duration;

use mcp_core::message::ErrorObject;
use tokio::time::Instant;

use crate::limits::Limits;

/// The wait after the first failure; doubled for each further one, up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

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

/// The failures of an upstream server.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    /// Why the last start failed.
    failure: Option<String>,
    /// No start before this.
    not_before: Option<Instant>,
    given_up: bool,
}

impl Health {
    /// It started.
    pub(crate) fn well(&mut self) {
        *self = Health::default();
    }

    /// It failed.
    pub(crate) fn ill(&mut self, why: String, limits: &Limits) -> Refusal {
        self.failures += 1;
        self.given_up = self.failures >= limits.failures.max(1);
        let wait = if self.given_up {
            limits.give_up
        } else {
            FIRST.saturating_mul(2_u32.saturating_pow(self.failures - 1)).min(LONGEST)
        };
        self.not_before = Instant::now().checked_add(wait);
        self.failure = Some(why.clone());
        Refusal::failed(ErrorObject::internal(why))
    }

    /// Whether a start may be tried now.
    pub(crate) fn check(&self, name: &str) -> Result<(), Refusal> {
        let now = Instant::now();
        let Some(at) = self.not_before.filter(|at| *at > now) else { return Ok(()) };
        let wait = at - now;
        let last = self.failure.as_deref().unwrap_or_default();
        let why = format!("Busy: {name:?} is not started again for {wait:.1?}; {last}");
        Err(Refusal::busy(ErrorObject::internal(why)))
    }

    /// Whether it is left alone for long.
    pub(crate) fn given_up(&self) -> bool {
        self.given_up && self.not_before.is_some_and(|at| at > Instant::now())
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
}
