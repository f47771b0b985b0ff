//! Exchanges that end without a response: cancelled by a message, or by the end of their lane (ledger 3.15).

use crate::message::RequestId;
use crate::session::ExchangeId;
use crate::transport::{AbandonBy, EndReason, Lane};

use super::exchange::ExchangeStage;
use super::{ServerEvent, ServerSession};

impl ServerSession {
    /// `notifications/cancelled`. Unknown ids are ignored.
    ///
    /// On [`Lane::SHARED`] it names a request of that lane, of either era. Otherwise it names the only request of this
    /// id on any lane, but not a modern one if those are cancelled by ending their lanes.
    // CANC-B-007, T-31.
    pub(super) fn cancelled_by_peer(&mut self, lane: Lane, id: &RequestId, modern: bool) {
        let shared = if lane.is_shared() { self.exchanges.find(lane, id) } else { None };
        let name = match shared {
            Some(name) => Some(name),
            None if self.binding.abandon == AbandonBy::Message => self.only(id, true),
            None if modern => None,
            None => self.only(id, false),
        };
        let Some(name) = name else {
            tracing::debug!(?id, "a cancellation of no request in flight is ignored");
            return;
        };
        if let Some(lane) = self.end_listen_silently(name) {
            // The lane has to be ended, too.
            if !lane.is_shared() {
                self.end_lane(lane, EndReason::Cancelled);
            }
            return;
        }
        let Some(exchange) = self.exchanges.get(name) else { return };
        if matches!(exchange.stage, ExchangeStage::Muted) {
            return;
        }
        let lane = exchange.lane;
        self.silence(name);
        // A lane that is not shared has to be ended (ledger T-18).
        if !lane.is_shared() && self.batches.answered(lane) {
            self.end_lane(lane, EndReason::Cancelled);
        }
    }

    /// The only request of this id on any lane, modern ones included if `modern`. `None` if there are several: the
    /// cancellation is ambiguous then.
    fn only(&self, id: &RequestId, modern: bool) -> Option<ExchangeId> {
        let legacy = |name| self.exchanges.get(name).is_some_and(|exchange| !exchange.version().is_modern());
        let mut found = self.exchanges.named(id).filter(|name| modern || legacy(*name));
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// Nothing is sent for the exchange from now on.
    // CANC-S-010.
    pub(super) fn silence(&mut self, name: ExchangeId) {
        let Some(exchange) = self.exchanges.get(name) else { return };
        match exchange.stage {
            ExchangeStage::Muted => return,
            ExchangeStage::Handler => self.exchanges.mute(name),
            ExchangeStage::Asking(_) => {
                // No handler is running, so no reply is owed.
                self.cancel_questions(name);
                self.exchanges.remove(name);
            }
        }
        self.event(ServerEvent::Cancelled { exchange: name });
    }

    /// The peer ended a lane. That cancels a modern exchange. A legacy one goes on, because the client may resume for
    /// the answer.
    // CANC-C-009, HTTP-S-011.
    pub(super) fn lane_over(&mut self, lane: Lane) {
        if lane.is_shared() {
            return;
        }
        for name in self.listens.on_lane(lane) {
            let _ended_with_its_lane = self.end_listen_silently(name);
        }
        for name in self.exchanges.on_lane(lane) {
            let modern = self.exchanges.get(name).is_some_and(|exchange| exchange.version().is_modern());
            if modern {
                self.silence(name);
            }
        }
    }
}
