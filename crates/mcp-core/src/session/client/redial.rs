//! The end of links, reconnects, and the end of a session.

use std::time::{Duration, Instant};

use tracing::debug;

use crate::error::{CloseReason, Error};
use crate::session::Output;
use crate::transport::{AbandonBy, CloseReport, ConnectError, EndReason, Loss, TransportError};

use super::calls::CallStage;
use super::config::Reconnect;
use super::inflight::Purpose;
use super::link::{Era, Phase};
use super::opening::Opening;
use super::timers::TimerKey;
use super::{ClientEvent, ClientSession};

/// How often a peer may lose the session without an answer in between, if no other number is configured.
const FORGOTTEN: u32 = 5;

/// The longest wait before a link is made: an instant must be able to represent it.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400 * 365);

/// State that outlives links.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// Links that were requested since the last good one.
    pub(super) in_a_row: u32,
    /// The session has been ready on some link.
    pub(super) ever_ready: bool,
    /// How the link with the era probe ended (row 8). The next link opens with `initialize`.
    pub(super) first_close: Option<CloseReason>,
}

impl<T: Clone> ClientSession<T> {
    /// The link has ended.
    pub(super) fn link_ended(&mut self, now: Instant, reason: CloseReason) {
        if self.link().is_none() {
            return;
        }
        if self.respawns() {
            debug!(%reason, "the link ended on the era probe; once more, with initialize first");
            return self.respawn(now, reason, false);
        }
        if self.doubts_known_era() {
            debug!(%reason, "the link ended on a handshake that was known; once more, with the era probe");
            self.known_era = None;
            self.inflight.drain(|_| true);
            self.phase = Phase::Dialing;
            self.out.push_back(Output::Redial { at: now });
            return;
        }
        let reason = self.tries.first_close.take().unwrap_or(reason);
        self.lose_link(now, reason, false);
    }

    /// Requests a new link that opens with `initialize`, because the probe on this one led to `reason`. `live`: the link
    /// still has to be closed.
    pub(super) fn respawn(&mut self, now: Instant, reason: CloseReason, live: bool) {
        if live {
            self.out.push_back(Output::Close(reason.clone()));
        }
        self.tries.first_close = Some(reason);
        self.inflight.drain(|_| true);
        self.timers.clear(TimerKey::Probe);
        self.phase = Phase::Dialing;
        self.out.push_back(Output::Redial { at: now });
    }

    /// No link could be made.
    pub(super) fn connect_failed(&mut self, now: Instant, error: ConnectError) {
        if let Some(first) = self.tries.first_close.take() {
            return self.end(first);
        }
        let hopeless = matches!(error, ConnectError::AlreadyUsed | ConnectError::Unusable(_));
        let reason = CloseReason::NoLink(error);
        match self.config.reconnect {
            Reconnect::OnDemand { tries, .. } if self.tries.ever_ready && !hopeless => {
                if self.tries.in_a_row >= tries {
                    return self.end(reason);
                }
                debug!(%reason, "no link yet");
                self.phase = Phase::Idle;
                self.dial_if_needed(now);
            }
            _ => self.end(reason),
        }
    }

    /// Fails everything on a link that is lost or to be closed. `live`: it still has to be closed.
    pub(super) fn lose_link(&mut self, now: Instant, reason: CloseReason, live: bool) {
        let Some(link) = self.link() else { return self.end(reason) };
        let was_ready = link.ready.is_some();
        let Reconnect::OnDemand { tries, cap, .. } = self.config.reconnect else { return self.end(reason) };
        // A link that answered a call or lasted long was good.
        let good =
            link.answered || link.ready.is_some_and(|ready| now.saturating_duration_since(ready) >= cap);
        if good {
            self.tries.in_a_row = 0;
        }
        if !self.tries.ever_ready || self.tries.in_a_row >= tries {
            return self.end(reason);
        }
        self.settle_link(&reason);
        self.phase = Phase::Idle;
        if live {
            self.out.push_back(Output::Close(reason.clone()));
        }
        if was_ready {
            self.event(ClientEvent::Disconnected(reason));
        }
        self.dial_if_needed(now);
    }

    /// Fails everything on the link with the cause. Queued messages stay.
    fn settle_link(&mut self, reason: &CloseReason) {
        for timer in [TimerKey::Start, TimerKey::Probe, TimerKey::KeepAlive, TimerKey::ServerStream] {
            self.timers.clear(timer);
        }
        for call in self.calls.ids(|call| !matches!(call.stage, CallStage::Queued)) {
            self.finish(call, Err(Error::Closed(reason.clone())));
        }
        for (number, _) in self.inflight.drain(|_| true) {
            self.timers.clear(TimerKey::Request(number));
        }
        self.cancel_all_inputs();
        self.suspend_listens();
    }

    /// Requests a link if a call, a notification or a subscription waits for one.
    pub(super) fn dial_if_needed(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Idle) && !(self.queue.is_empty() && self.listens.is_empty()) {
            self.phase = Phase::Dialing;
            let wait = self.backoff(self.tries.in_a_row).min(LONGEST_WAIT);
            let at = now.checked_add(wait).unwrap_or(now);
            self.tries.in_a_row += 1;
            self.out.push_back(Output::Redial { at });
        }
    }

    /// The wait after this many failed attempts: none after zero.
    pub(super) fn backoff(&self, failed: u32) -> Duration {
        match (self.config.reconnect, failed.checked_sub(1)) {
            (Reconnect::OnDemand { first, cap, .. }, Some(doublings)) => {
                first.saturating_mul(2_u32.saturating_pow(doublings)).min(cap)
            }
            (Reconnect::OnDemand { .. }, None) | (Reconnect::Never, _) => Duration::ZERO,
        }
    }

    /// The peer lost the session: sends `initialize` again on the same link. Calls in flight may still be answered until
    /// the new session is ready.
    pub(super) fn reinitialize(&mut self, now: Instant, loss: &Loss) {
        let tries = match self.config.reconnect {
            Reconnect::OnDemand { tries, .. } => tries,
            // A new session is not a reconnect, so it is attempted also here, but not without limit.
            Reconnect::Never => FORGOTTEN,
        };
        let Some(version) = self.legacy().map(|legacy| legacy.negotiated.version) else { return };
        debug!(%loss, "the peer lost the session");
        if let Some(link) = self.link_mut() {
            link.forgotten += 1;
            // Gives up on a peer that never gets as far as an answer.
            if link.forgotten > tries {
                let error = TransportError::new(loss.clone());
                return self.lose_link(
                    now,
                    CloseReason::LinkFailed { error, closed: CloseReport::default() },
                    true,
                );
            }
        }
        let own = |purpose: &Purpose| !matches!(purpose, Purpose::Call(_));
        for (number, _) in self.inflight.drain(own) {
            self.timers.clear(TimerKey::Request(number));
        }
        self.cancel_all_inputs();
        self.suspend_listens();
        self.timers.clear(TimerKey::KeepAlive);
        self.timers.set(TimerKey::Start, now.checked_add(self.config.start_timeout));
        if let Some(link) = self.link_mut() {
            link.era = Era::Opening(Opening::after_session_loss(loss.clone()));
            link.server_stream = None;
        }
        self.initialize(version);
    }

    /// Ends the requests in flight if the binding ends requests by ending lanes. Otherwise closing the link ends them.
    pub(super) fn abandon_all(&mut self) {
        let by_end = self
            .link()
            .is_some_and(|link| matches!(link.era, Era::Modern(_)) && link.binding.abandon == AbandonBy::End);
        if by_end {
            for (number, purpose) in self.inflight.drain(|_| true) {
                self.abandon(number, &purpose, EndReason::Closing);
            }
        }
    }

    /// Ends the session: everything that waits fails with the reason. Does nothing if it has ended.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if matches!(self.phase, Phase::Over(_)) {
            return;
        }
        self.phase = Phase::Over(reason.clone());
        for call in self.calls.ids(|_| true) {
            self.finish(call, Err(Error::Closed(reason.clone())));
        }
        self.inflight.drain(|_| true);
        self.queue.clear();
        self.cancel_all_inputs();
        for listen in std::mem::take(&mut self.listens).into_keys() {
            self.event(ClientEvent::ListenEnded { listen, outcome: Err(Error::Closed(reason.clone())) });
        }
        self.timers.clear_all();
        self.out.push_back(Output::Close(reason.clone()));
        self.event(ClientEvent::Closed(reason));
    }
}
