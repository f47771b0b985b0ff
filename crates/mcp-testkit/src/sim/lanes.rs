//! Which lanes of a simulated link are alive, at either end.
//!
//! Written independently of the transports' own bookkeeping, so that the simulation does not share their faults.

use std::collections::{HashMap, HashSet};

use mcp_core::transport::Lane;

/// The client's lanes that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct ClientLanes(HashSet<Lane>);

impl ClientLanes {
    pub(super) fn open(&mut self, lane: Lane) {
        self.0.insert(lane);
    }

    /// Ends a lane; `false` if it was not open.
    pub(super) fn end(&mut self, lane: Lane) -> bool {
        self.0.remove(&lane)
    }

    pub(super) fn is_open(&self, lane: Lane) -> bool {
        self.0.contains(&lane)
    }
}

/// The server's lanes, and the client's lane that each belongs to.
#[derive(Debug, Default)]
pub(super) struct ServerLanes {
    last: u64,
    to_client: HashMap<Lane, Lane>,
    to_server: HashMap<Lane, Lane>,
}

impl ServerLanes {
    /// A fresh lane for a message that came on the client's lane. A lane that brought no request is released at
    /// once (promise 3).
    pub(super) fn mint(&mut self, client: Lane, keep: bool) -> Lane {
        self.last += 1;
        let lane = Lane::numbered(self.last);
        if keep {
            self.to_client.insert(lane, client);
            self.to_server.insert(client, lane);
        }
        lane
    }

    /// The client's lane of a lane that is alive.
    pub(super) fn client_of(&self, lane: Lane) -> Option<Lane> {
        self.to_client.get(&lane).copied()
    }

    /// Ends a lane by the server's number.
    pub(super) fn end(&mut self, lane: Lane) {
        if let Some(client) = self.to_client.remove(&lane) {
            self.to_server.remove(&client);
        }
    }

    /// Ends a lane by the client's number; returns the server's.
    pub(super) fn end_by_client(&mut self, client: Lane) -> Option<Lane> {
        let lane = self.to_server.remove(&client)?;
        self.to_client.remove(&lane);
        Some(lane)
    }
}
