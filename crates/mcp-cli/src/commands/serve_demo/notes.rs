//! The demo server's notes: resources that a tool adds, so that there is something to subscribe to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mcp_core::model::Resource;

/// The notes, numbered from 1. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    count: Arc<AtomicU64>,
}

impl Notes {
    /// Adds a note and returns its number. The caller tells those who want to hear of it.
    pub(super) fn add(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The URI of a note.
    pub(super) fn uri(number: u64) -> String {
        format!("demo://note/{number}")
    }

    /// Whether this is the URI of a note that was added.
    pub(super) fn has(&self, uri: &str) -> bool {
        uri.strip_prefix("demo://note/")
            .and_then(|number| number.parse().ok())
            .is_some_and(|number: u64| number > 0 && number <= self.count.load(Ordering::Relaxed))
    }

    /// The notes as entries of a resource list.
    pub(super) fn entries(&self) -> impl Iterator<Item = Resource> + use<> {
        let count = self.count.load(Ordering::Relaxed);
        (1..=count).map(|number| Resource::new(Notes::uri(number), format!("note {number}")))
    }
}
