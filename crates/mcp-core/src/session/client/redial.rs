//! How links end and are made again, and how a session ends.

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

/// Sessions in a row that a peer may forget without an answer, where no other number is configured.
const FORGOTTEN: u32 = 5;

/// The longest wait before a link is made: an instant must be able to represent it.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400 * 365);

/// What is remembered over links.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// Links that were asked for since the last good one.
    pub(super) in_a_row: u32,
    /// The session had a link that worked: it is worth another one.
    pub(super) ever_ready: bool,
    /// How the link ended that the era probe was sent on (row 8). `initialize` comes first now.
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
            self.tries.first_close = Some(reason);
            self.inflight.drain(|_| true);
            self.timers.clear(TimerKey::Probe);
            self.phase = Phase::Dialing;
            self.out.push_back(Output::Redial { at: now });
            return;
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

    /// There is no link.
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

    /// A link is given up, or is gone: everything on it fails. `live` is a link that still has to be
    /// closed.
    pub(super) fn lose_link(&mut self, now: Instant, reason: CloseReason, live: bool) {
        let Some(link) = self.link() else { return self.end(reason) };
        let was_ready = link.ready.is_some();
        let Reconnect::OnDemand { tries, cap, .. } = self.config.reconnect else { return self.end(reason) };
        // A link that answered a call, or that stood for long, was a good one.
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

    /// Everything that was on the link fails with the cause; what was queued stays.
    fn settle_link(&mut self, reason: &CloseReason) {
        for timer in [TimerKey::Start, TimerKey::Probe, TimerKey::KeepAlive] {
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

    /// Asks for a link if somebody waits for one.
    pub(super) fn dial_if_needed(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Idle) && !(self.queue.is_empty() && self.listens.is_empty()) {
            self.phase = Phase::Dialing;
            let wait = self.backoff(self.tries.in_a_row).min(LONGEST_WAIT);
            let at = now.checked_add(wait).unwrap_or(now);
            self.tries.in_a_row += 1;
            self.out.push_back(Output::Redial { at });
        }
    }

    /// The wait before a try, after so many that brought nothing: none before the first.
    pub(super) fn backoff(&self, failed: u32) -> Duration {
        match (self.config.reconnect, failed.checked_sub(1)) {
            (Reconnect::OnDemand { first, cap, .. }, Some(doublings)) => {
                first.saturating_mul(2_u32.saturating_pow(doublings)).min(cap)
            }
            (Reconnect::OnDemand { .. }, None) | (Reconnect::Never, _) => Duration::ZERO,
        }
    }

    /// The peer has forgotten the session: `initialize` again, on the same link. What else is on the
    /// wire has until then to come to an end of its own.
    pub(super) fn reinitialize(&mut self, now: Instant, loss: &Loss) {
        let tries = match self.config.reconnect {
            Reconnect::OnDemand { tries, .. } => tries,
            // A new session is no new link: it is tried all the same, and not for ever either.
            Reconnect::Never => FORGOTTEN,
        };
        let Some(version) = self.legacy().map(|legacy| legacy.negotiated.version) else { return };
        debug!(%loss, "the peer has forgotten the session");
        if let Some(link) = self.link_mut() {
            link.forgotten += 1;
            // One that never gets as far as an answer is not asked for ever.
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
        }
        self.initialize(version);
    }

    /// Ends what is in flight where the binding ends requests by ending lanes. A closing link ends the
    /// others.
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

    /// The session has ended: everything that waits is told why. Later calls do nothing.
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
