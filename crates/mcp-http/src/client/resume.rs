//! When a broken legacy stream is resumed: waits and attempts, without a clock.

use std::time::Duration;

use super::ReconnectStreams;

/// The longest addition to a first wait that the server requested. It spreads the clients of one server without a
/// noticeable delay.
const FIRST_JITTER: Duration = Duration::from_millis(100);

/// The shortest wait, even if the server requests a shorter one. A server that ends every stream immediately is not
/// polled in a tight loop.
const LEAST: Duration = Duration::from_millis(50);

/// The waits of one logical stream, over all the connections that carry it.
// T-26, DESIGN 8.
#[derive(Debug)]
pub(super) struct Backoff {
    policy: ReconnectStreams,
    /// Consecutive connections that brought no new event id. A clean end counts.
    // FAULT C-25.
    failed: u32,
}

/// Why a stream is abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GiveUp {
    #[error("{0} tries to resume the stream brought nothing new")]
    Tries(u32),
    #[error("the server asks to wait {asked:?} before the stream is resumed; the limit is {limit:?}")]
    TooLong { asked: Duration, limit: Duration },
}

impl Backoff {
    pub(super) fn new(policy: ReconnectStreams) -> Backoff {
        Backoff { policy, failed: 0 }
    }

    /// Something new came: the budget is as new.
    pub(super) fn advanced(&mut self) {
        self.failed = 0;
    }

    /// How long to wait before the next try. `retry` is the stream's own floor, and `random` is in 0..=1. Jitter only
    /// lengthens, by a quarter at most.
    ///
    /// # Errors
    ///
    /// The tries are used up, or the server asks for too long a wait.
    // SSE-C-009.
    pub(super) fn next(&mut self, retry: Option<Duration>, random: f64) -> Result<Duration, GiveUp> {
        let policy = &self.policy;
        if let Some(asked) = retry.filter(|asked| *asked > policy.longest_retry) {
            return Err(GiveUp::TooLong { asked, limit: policy.longest_retry });
        }
        if self.failed >= policy.tries {
            return Err(GiveUp::Tries(policy.tries));
        }
        let base = retry.unwrap_or(policy.first).max(LEAST);
        let growth = policy.factor.max(1.0).powi(i32::try_from(self.failed).unwrap_or(i32::MAX));
        let grown = scaled(base, growth).min(policy.cap.max(base));
        let mut jitter = scaled(grown, 0.25 * random.clamp(0.0, 1.0));
        if retry.is_some() && self.failed == 0 {
            jitter = jitter.min(FIRST_JITTER);
        }
        self.failed += 1;
        Ok(grown.saturating_add(jitter))
    }
}

/// Saturating: a factor or a wait beyond all bounds is met with the cap.
fn scaled(duration: Duration, by: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * by).unwrap_or(Duration::MAX)
}

/// A number in 0..=1 for jitter. Not for secrets.
pub(super) fn random() -> f64 {
    let mut bytes = [0_u8; 2];
    // Without a source of randomness there is no jitter.
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX),
        Err(_) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn backoff() -> Backoff {
        Backoff::new(ReconnectStreams::default())
    }

    /// DESIGN 8: 1 s x 1.5, 5 tries (FAULT C-25).
    #[test]
    fn waits_grow_and_tries_end() {
        let mut backoff = backoff();
        let waits: Vec<_> = (0..5).map(|_| backoff.next(None, 0.0).unwrap().as_millis()).collect();
        assert_eq!(waits, [1000, 1500, 2250, 3375, 5062]);
        assert_eq!(backoff.next(None, 0.0), Err(GiveUp::Tries(5)));
        backoff.advanced();
        assert_eq!(backoff.next(None, 0.0), Ok(SECOND));
    }

    #[test]
    fn no_wait_of_our_own_exceeds_the_cap_however_many_tries() {
        let policy = ReconnectStreams { tries: u32::MAX, ..ReconnectStreams::default() };
        let mut backoff = Backoff::new(policy);
        for _ in 0..5000 {
            assert!(backoff.next(None, 0.0).unwrap() <= policy.cap);
        }
    }

    /// SSE-C-009, T-26: never earlier than asked, and little later the first time.
    #[test]
    fn retry_is_a_floor_and_jitter_only_lengthens() {
        for random in [0.0, 0.3, 1.0, 7.0] {
            let mut backoff = backoff();
            let first = backoff.next(Some(SECOND / 2), random).unwrap();
            assert!((SECOND / 2..=SECOND / 2 + FIRST_JITTER).contains(&first), "{first:?}");
            let second = backoff.next(Some(SECOND * 60), random).unwrap();
            assert!((SECOND * 60..=SECOND * 75).contains(&second), "{second:?}");
        }
    }

    /// DESIGN 8: a wait above five minutes ends the stream.
    #[test]
    fn too_long_a_retry_gives_up_at_once() {
        let asked = Duration::from_secs(301);
        let limit = Duration::from_secs(300);
        assert_eq!(backoff().next(Some(asked), 0.0), Err(GiveUp::TooLong { asked, limit }));
        assert!(backoff().next(Some(Duration::MAX), 0.0).is_err());
        assert_eq!(backoff().next(Some(limit), 0.0), Ok(limit));
    }

    #[test]
    fn a_zero_retry_and_absurd_factors_are_survived() {
        for _ in 0..1000 {
            let mut backoff = backoff();
            backoff.advanced();
            assert!(backoff.next(Some(Duration::ZERO), 1.0).unwrap() >= LEAST);
        }
        let policy = ReconnectStreams { factor: f64::INFINITY, ..ReconnectStreams::default() };
        let mut backoff = Backoff::new(policy);
        assert_eq!(backoff.next(None, 0.0), Ok(SECOND));
        assert_eq!(backoff.next(None, 0.0), Ok(policy.cap));
        let mut backoff = Backoff::new(ReconnectStreams { factor: f64::NAN, ..policy });
        assert!(backoff.next(None, 0.0).unwrap() >= SECOND);
    }
}
