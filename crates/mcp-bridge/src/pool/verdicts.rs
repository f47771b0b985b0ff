//! Which era an upstream server was found to speak, for legacy and for modern clients.

use std::sync::Arc;

use mcp_core::client::{EraMode, KnownEra};
use mcp_core::message::ProtocolVersion;

use super::Facts;
use crate::lock::Lock;
use crate::translate::Era;
use crate::upstream::{EraStore, Upstream};

pub(super) struct Verdicts {
    legacy: Lock<Option<KnownEra>>,
    modern: Lock<Option<KnownEra>>,
    /// Where they are kept beyond the life of the bridge.
    store: Option<Arc<dyn EraStore>>,
}

impl Verdicts {
    /// What is known of this server from before.
    pub(super) fn of(upstream: &Upstream) -> Verdicts {
        let store = upstream.eras.clone().filter(|_| upstream.era == EraMode::Auto);
        let known = |client| Lock::new(store.as_ref().and_then(|store| store.known(client)));
        let legacy = known(ProtocolVersion::LATEST_LEGACY);
        let modern = known(ProtocolVersion::V2026_07_28);
        Verdicts { legacy, modern, store }
    }

    fn for_clients(&self, of: Era) -> &Lock<Option<KnownEra>> {
        match of {
            Era::Legacy => &self.legacy,
            Era::Modern => &self.modern,
        }
    }

    pub(super) fn known(&self, clients: Era) -> Option<KnownEra> {
        *self.for_clients(clients).lock()
    }

    /// A session of such a client was opened.
    pub(super) fn found(&self, facts: &Facts, era: Option<KnownEra>) {
        let known = std::mem::replace(&mut *self.for_clients(facts.era).lock(), era);
        if let (Some(era), Some(store)) = (era, &self.store)
            && known != Some(era)
        {
            store.found(facts.version, era);
        }
    }

    /// The server was replaced by one of the other era.
    pub(super) fn forget(&self) {
        (*self.legacy.lock(), *self.modern.lock()) = (None, None);
    }
}
