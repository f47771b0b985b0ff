//! How fast upstream servers are started: one after the other if many are needed at once.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::transport::{Connect, ConnectError, Transport, TransportError};
use tokio::time::Instant;

use super::Pool;
use super::questions::Questions;
use crate::lock::Lock;

/// The most starts in a second. As many may happen at once after a second without any.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The time of one start at this pace.
    each: Duration,
    /// How far the next start may be ahead of its time.
    ahead: Duration,
    /// The time of the next start if all came evenly.
    next: Lock<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: u32) -> Pace {
        let per_second = per_second.max(1);
        let each = Duration::from_secs(1) / per_second;
        Pace { each, ahead: each * (per_second - 1), next: Lock::new(Instant::now()) }
    }

    /// Takes the next turn: when it comes.
    fn turn(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.next.lock();
        let at = next.checked_sub(self.ahead).unwrap_or(now).max(now);
        *next = (*next).max(now) + self.each;
        at
    }
}

/// Connects when its turn comes, and again only if the server may be started again.
pub(crate) struct Paced {
    pub(crate) pool: Weak<Pool>,
    pub(crate) inner: Box<dyn Connect>,
    /// Knows the session.
    pub(crate) session: Questions,
}

impl Paced {
    /// If the server of the session has ended: how long it is not started again.
    fn rest(&self) -> Result<Option<Duration>, ConnectError> {
        let Some(pool) = self.pool.upgrade() else { return Ok(None) };
        let Some(live) = self.session.live().filter(|live| live.was_ready()) else { return Ok(None) };
        // The session may be opened again before anybody else has seen its end.
        live.note_end();
        pool.rest().map(Some).map_err(|why| ConnectError::Unusable(TransportError::new(why)))
    }
}

#[async_trait]
impl Connect for Paced {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let rest = self.rest()?;
        tokio::time::sleep(rest.unwrap_or_default()).await;
        if let Some(turn) = self.pool.upgrade().map(|pool| pool.pace.turn()) {
            tokio::time::sleep_until(turn).await;
        }
        let connected = self.inner.connect().await;
        if rest.is_some()
            && let Err(error) = &connected
            && let Some(pool) = self.pool.upgrade()
        {
            pool.not_started(error);
        }
        connected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // BR-12.
    #[tokio::test(start_paused = true)]
    async fn starts_beyond_the_pace_wait_for_their_turn() {
        let pace = Pace::new(10);
        let begin = Instant::now();
        let waits = |count: usize| -> Vec<u128> {
            (0..count).map(|_| pace.turn().duration_since(begin).as_millis()).collect()
        };
        assert_eq!(waits(13), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200, 300]);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(waits(11)[9..], [10_000, 10_100]);
        assert_eq!(Pace::new(0).turn(), Instant::now());
    }
}
