//! Keep-alive by `ping`, on legacy links.
// PING-B-002.

use std::time::{Duration, Instant};

use tracing::debug;

use crate::error::{CloseReason, Error};
use crate::message::Payload;

use super::inflight::Purpose;
use super::timers::TimerKey;
use super::{ClientSession, PingPolicy};

impl<T: Clone> ClientSession<T> {
    pub(super) fn start_keep_alive(&mut self, now: Instant) {
        if let (Some(policy), true) = (self.config.ping, self.legacy().is_some()) {
            self.timers.set(TimerKey::KeepAlive, now.checked_add(interval(&policy)));
        }
    }

    /// Sends a ping if the link has been silent for the interval.
    pub(super) fn keep_alive(&mut self, now: Instant) {
        let (Some(policy), Some(link)) = (self.config.ping, self.link()) else { return };
        let due = link.heard.checked_add(interval(&policy));
        if due.is_none_or(|due| due > now) {
            return self.timers.set(TimerKey::KeepAlive, due);
        }
        self.request(now, "ping", None, Purpose::Ping, Some(policy.timeout));
    }

    /// A ping was answered or failed. An error response is an answer, too.
    pub(super) fn ping_answered(&mut self, now: Instant, number: u64, outcome: Result<Payload, Error>) {
        self.timers.clear(TimerKey::Request(number));
        let (Some(policy), Some(legacy)) = (self.config.ping, self.legacy_mut()) else { return };
        match outcome {
            Ok(_) | Err(Error::Rpc(_)) => legacy.failed_pings = 0,
            Err(error) => {
                legacy.failed_pings += 1;
                debug!(%error, in_a_row = legacy.failed_pings, "a keep-alive ping failed");
                if legacy.failed_pings >= policy.failures {
                    return self.lose_link(now, CloseReason::PingTimedOut, true);
                }
            }
        }
        self.timers.set(TimerKey::KeepAlive, now.checked_add(interval(&policy)));
    }
}

/// At least a millisecond, so that pings never repeat within one instant.
fn interval(policy: &PingPolicy) -> Duration {
    policy.interval.max(Duration::from_millis(1))
}
