//! What is seen of the link between our client and a server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mcp_core::transport::trace::{Direction, Record, RecordKind, Trace};
use mcp_core::transport::{Connect, ConnectError, EndReason, Lane, Transport, async_trait};

use super::servers::Reach;

/// Observations on the client's link.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The process group of each server that was started.
    pub(super) groups: Mutex<Vec<u32>>,
    /// How links ended, as text.
    pub(super) ends: Mutex<Vec<String>>,
    /// The number of cancellations that were sent.
    pub(super) cancels: AtomicUsize,
    /// The lanes on which they were sent.
    cancel_lanes: Mutex<Vec<Lane>>,
    /// The number of cancellations that the server accepted with a status.
    pub(super) accepted: AtomicUsize,
    /// The number of exchanges that a cancellation ended, which is how modern requests over HTTP are cancelled.
    pub(super) ended: AtomicUsize,
}

pub(super) struct SeenTrace(pub(super) Arc<Seen>);

impl Trace for SeenTrace {
    fn record(&self, record: &Record) {
        match &record.kind {
            RecordKind::Closed { how, .. } => self.0.ends.lock().unwrap().push(how.clone()),
            RecordKind::End(EndReason::Cancelled) => drop(self.0.ended.fetch_add(1, Ordering::Relaxed)),
            RecordKind::Message { json, .. } if record.direction == Direction::Out => {
                let method = json.member("method").and_then(|method| method.to_text());
                if method.as_deref() == Some("notifications/cancelled") {
                    self.0.cancels.fetch_add(1, Ordering::Relaxed);
                    self.0.cancel_lanes.lock().unwrap().extend(record.lane);
                }
            }
            RecordKind::Delivered => {
                let lanes = self.0.cancel_lanes.lock().unwrap();
                let is_cancel = record.lane.is_some_and(|lane| lanes.contains(&lane));
                self.0.accepted.fetch_add(usize::from(is_cancel), Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// Connects to the server. Records the process group of a server that it starts.
pub(super) struct Watched {
    pub(super) reach: Reach,
    pub(super) seen: Arc<Seen>,
}

#[async_trait]
impl Connect for Watched {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        match &mut self.reach {
            Reach::Start(command) => {
                let link = command.spawn().unwrap();
                self.seen.groups.lock().unwrap().push(link.id());
                Ok(Box::new(link))
            }
            Reach::Url(client) => client.connect().await,
        }
    }
}
