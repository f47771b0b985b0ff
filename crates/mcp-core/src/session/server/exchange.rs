//! The accepted requests in flight. Each is owed exactly one outcome.

#[cfg(test)]
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use crate::message::{Method, ProtocolVersion, RawJson, RequestId};
use crate::session::ExchangeId;
use crate::session::small::{PeerMap, SmallMap};
use crate::transport::Lane;
use crate::transport::budget::Permit;

use super::{Incoming, RequestContext};

/// An accepted request.
#[derive(Debug)]
pub(super) struct ExchangeEntry {
    /// The request as received, shared with the application. Kept, because it may be passed to the handler again.
    pub(super) request: Arc<Incoming>,
    pub(super) lane: Lane,
    /// The last progress that was sent.
    pub(super) progress: Option<f64>,
    /// The length of its params and of the answers to its requests for input.
    pub(super) bytes: usize,
    /// How often a legacy client was asked for input.
    pub(super) rounds: u32,
    pub(super) stage: ExchangeStage,
    /// What the driver holds for the request while no handler runs.
    pub(super) permit: Option<Permit>,
}

impl ExchangeEntry {
    pub(super) fn context(&self) -> &RequestContext {
        &self.request.context
    }

    pub(super) fn id(&self) -> &RequestId {
        &self.context().request_id
    }

    pub(super) fn method(&self) -> &Method {
        &self.request.method
    }

    pub(super) fn version(&self) -> ProtocolVersion {
        self.context().version
    }
}

/// What the exchange waits for.
#[derive(Debug)]
pub(super) enum ExchangeStage {
    /// The handler.
    Handler,
    /// The answers of a legacy client. No handler is running.
    Asking(Round),
    /// The handler of a cancelled request. Its reply removes the exchange.
    Muted,
}

/// One round of requests for input, and the answers so far.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) state: Option<String>,
    /// By the handler's key, in its order.
    pub(super) answers: Vec<(String, Option<RawJson>)>,
}

/// The requests in flight on one link.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    /// The last name that was claimed.
    pub(super) last: u64,
    /// The number of exchanges that are not muted.
    live: usize,
    bytes: usize,
    entries: SmallMap<ExchangeId, ExchangeEntry>,
    /// Index by the client's id. Includes subscriptions, which share the client's id space. Empty on a link that carries
    /// one exchange.
    ids: PeerMap<RequestId, Holders>,
}

/// The requests of one id. More than one only if they came on different lanes.
#[derive(Debug)]
struct Holders {
    first: (Lane, ExchangeId),
    more: Vec<(Lane, ExchangeId)>,
}

impl Exchanges {
    /// No exchanges, after those up to this name.
    #[cfg(feature = "server")]
    pub(super) fn after(last: u64) -> Exchanges {
        Exchanges { last, ..Exchanges::default() }
    }

    /// Whether no request is in flight. Open subscriptions are in [`Listens`](super::listen::Listens).
    #[cfg(feature = "server")]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.ids.is_empty()
    }

    /// The number of exchanges that owe the client an outcome.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// The number of exchanges, including cancelled ones whose handler has not returned.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes that all exchanges keep.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether this id is in use on this lane.
    // T-21.
    pub(super) fn in_flight(&self, lane: Lane, id: &RequestId) -> bool {
        self.find(lane, id).is_some()
    }

    /// A fresh name for a request. `indexed`: adds its id to the index.
    pub(super) fn claim(&mut self, lane: Lane, id: &RequestId, indexed: bool) -> ExchangeId {
        self.last += 1;
        let name = ExchangeId(self.last);
        if indexed {
            match self.ids.get_mut(id) {
                None => self.ids.insert(id.clone(), Holders { first: (lane, name), more: Vec::new() }),
                Some(holders) => holders.more.push((lane, name)),
            }
        }
        name
    }

    /// Removes an id from the index.
    pub(super) fn release(&mut self, lane: Lane, id: &RequestId) {
        let Some(holders) = self.ids.get_mut(id) else { return };
        if holders.first.0 != lane {
            holders.more.retain(|(holder, _)| *holder != lane);
        } else if let Some(next) = holders.more.pop() {
            holders.first = next;
        } else {
            self.ids.remove(id);
        }
    }

    /// Keeps an exchange under a name that was claimed for it.
    pub(super) fn insert(&mut self, name: ExchangeId, exchange: ExchangeEntry) {
        self.live += 1;
        self.bytes += exchange.bytes;
        self.entries.insert(name, exchange);
    }

    pub(super) fn get(&self, name: ExchangeId) -> Option<&ExchangeEntry> {
        self.entries.get(&name)
    }

    pub(super) fn get_mut(&mut self, name: ExchangeId) -> Option<&mut ExchangeEntry> {
        self.entries.get_mut(&name)
    }

    /// Counts the bytes of an answer that an exchange keeps.
    pub(super) fn keep(&mut self, name: ExchangeId, bytes: usize) {
        if let Some(exchange) = self.entries.get_mut(&name) {
            exchange.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// Removes an exchange and its id.
    pub(super) fn remove(&mut self, name: ExchangeId) -> Option<ExchangeEntry> {
        let exchange = self.entries.remove(&name)?;
        self.release(exchange.lane, exchange.id());
        self.bytes -= exchange.bytes;
        if !matches!(exchange.stage, ExchangeStage::Muted) {
            self.live -= 1;
        }
        Some(exchange)
    }

    /// Mutes an exchange: nothing more is sent for it. It is kept until its handler replies.
    pub(super) fn mute(&mut self, name: ExchangeId) {
        if let Some(exchange) = self.entries.get_mut(&name)
            && !matches!(exchange.stage, ExchangeStage::Muted)
        {
            exchange.stage = ExchangeStage::Muted;
            self.live -= 1;
        }
    }

    /// The exchange or subscription of this id on this lane.
    pub(super) fn find(&self, lane: Lane, id: &RequestId) -> Option<ExchangeId> {
        self.holders(id).find(|(holder, _)| *holder == lane).map(|(_, name)| name)
    }

    /// The exchanges and subscriptions of this id, on all lanes.
    pub(super) fn named(&self, id: &RequestId) -> impl Iterator<Item = ExchangeId> {
        self.holders(id).map(|(_, name)| name)
    }

    fn holders(&self, id: &RequestId) -> impl Iterator<Item = (Lane, ExchangeId)> {
        self.ids
            .get(id)
            .into_iter()
            .flat_map(|holders| std::iter::once(holders.first).chain(holders.more.iter().copied()))
    }

    /// The exchanges on this lane, oldest first.
    pub(super) fn on_lane(&self, lane: Lane) -> Vec<ExchangeId> {
        let on_it = self.entries.iter().filter(|(_, exchange)| exchange.lane == lane);
        let mut names: Vec<ExchangeId> = on_it.map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    }

    /// The subscriptions that the handler serves.
    pub(super) fn listens(&self) -> Vec<ExchangeId> {
        let listens = self.entries.iter().filter(|(_, entry)| entry.method() == "subscriptions/listen");
        listens.map(|(name, _)| *name).collect()
    }

    /// The lanes other than the shared one that wait for an outcome, in order.
    pub(super) fn own_lanes(&self) -> Vec<Lane> {
        let live = self.entries.values().filter(|exchange| !matches!(exchange.stage, ExchangeStage::Muted));
        let lanes: HashSet<Lane> =
            live.map(|exchange| exchange.lane).filter(|lane| !lane.is_shared()).collect();
        let mut lanes: Vec<Lane> = lanes.into_iter().collect();
        lanes.sort_unstable();
        lanes
    }

    /// Removes all exchanges. Returns those that were not muted, oldest first.
    pub(super) fn take_live(&mut self) -> Vec<ExchangeId> {
        let all = std::mem::take(&mut self.entries);
        let mut names: Vec<ExchangeId> = all
            .into_iter()
            .filter(|(_, exchange)| !matches!(exchange.stage, ExchangeStage::Muted))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        self.ids = PeerMap::default();
        (self.live, self.bytes) = (0, 0);
        names
    }
}

#[cfg(test)]
impl Exchanges {
    /// The lane and id of each.
    pub(super) fn keys(&self) -> HashMap<ExchangeId, (Lane, RequestId)> {
        self.entries.iter().map(|(name, entry)| (*name, (entry.lane, entry.id().clone()))).collect()
    }

    /// How many ids are in use.
    pub(super) fn indexed(&self) -> usize {
        self.ids.len()
    }

    /// The exchanges that owe an outcome.
    pub(super) fn live_names(&self) -> HashSet<u64> {
        let live = self.entries.iter().filter(|(_, entry)| !matches!(entry.stage, ExchangeStage::Muted));
        live.map(|(name, _)| name.0).collect()
    }
}
