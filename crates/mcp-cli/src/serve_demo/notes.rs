//! The demo server's notes: resources that a tool adds, so that there is something to subscribe to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use mcp_core::message::RawJson;
use mcp_core::server::Server;
use mcp_core::session::Change;

/// The notes, numbered from 1. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    count: Arc<AtomicU64>,
    // The handlers exist before the server does.
    server: Arc<OnceLock<Server>>,
}

impl Notes {
    /// Changes are told by this server from now on.
    pub(super) fn publish_with(&self, server: &Server) {
        // Only the first server counts, and there is only one.
        let _first = self.server.set(server.clone());
    }

    /// Adds a note, tells everybody who wants to hear of it, and returns its number.
    pub(super) fn add(&self) -> u64 {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(server) = self.server.get() {
            server.publish(Change::ResourcesList);
        }
        number
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
    pub(super) fn entries(&self) -> Vec<RawJson> {
        let count = self.count.load(Ordering::Relaxed);
        (1..=count)
            .map(|number| {
                RawJson::object([
                    ("uri", RawJson::string(&Notes::uri(number))),
                    ("name", RawJson::string(&format!("note {number}"))),
                ])
            })
            .collect()
    }
}
