//! Exchanges that end without a response: cancelled by message, or by their lane (ledger 3.15).

use crate::message::RequestId;
use crate::session::ExchangeId;
use crate::transport::{AbandonBy, EndReason, Lane};

use super::exchange::ExchangeStage;
use super::{ServerEvent, ServerSession};

impl ServerSession {
    /// `notifications/cancelled` came. Unknown ids are ignored (ledger CANC-B-007).
    ///
    /// On [`Lane::SHARED`] it names a request of that lane, of either era. Elsewhere it names the one request
    /// of this id, on whatever lane; but no modern one where those end with their lanes (T-31).
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
            // Its lane waits for an end as well.
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
        // The carrier of a lane of its own has to be let go (ledger T-18).
        if !lane.is_shared() && self.batches.answered(lane) {
            self.end_lane(lane, EndReason::Cancelled);
        }
    }

    /// The one request of this id on whatever lane, a modern one only if `modern` says so. `None` if there are several:
    /// a client that reuses ids in flight cannot say which one it means.
    fn only(&self, id: &RequestId, modern: bool) -> Option<ExchangeId> {
        let legacy = |name| self.exchanges.get(name).is_some_and(|exchange| !exchange.version().is_modern());
        let mut found = self.exchanges.named(id).filter(|name| modern || legacy(*name));
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// From here on nothing goes out for the exchange (ledger CANC-S-010).
    fn silence(&mut self, name: ExchangeId) {
        let Some(exchange) = self.exchanges.get(name) else { return };
        match exchange.stage {
            ExchangeStage::Muted => return,
            ExchangeStage::Handler => self.exchanges.mute(name),
            ExchangeStage::Asking(_) => {
                // No handler is at work, so no reply is owed.
                self.cancel_questions(name);
                self.exchanges.remove(name);
            }
        }
        self.event(ServerEvent::Cancelled { exchange: name });
    }

    /// A lane is over on the peer's side. A modern exchange is cancelled by that; a legacy one goes on, for
    /// the client may come back for the answer (ledger CANC-C-009, HTTP-S-011).
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
