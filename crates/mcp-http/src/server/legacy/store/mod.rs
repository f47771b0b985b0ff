//! The event store, from which clients resume streams.

// Ledger 3.12.

mod memory;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use mcp_core::transport::{Owner, async_trait};

pub use memory::{MemoryEventStore, StoreLimits};

// Ledger RES-S-001, RES-S-002.
/// The id of an event: its stream, and its number in the stream. On the wire `<stream>_<number>`, which is unique in the
/// session and names the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct EventId {
    /// The stream. 0 is the stream that belongs to no request.
    pub stream: u64,
    /// The number, counted from 1. 0 is the priming event, which is not stored.
    pub number: u64,
}

impl EventId {
    /// The id of an event of a stream.
    pub const fn new(stream: u64, number: u64) -> EventId {
        EventId { stream, number }
    }

    /// Reads the wire form. `None` for any text that this server does not write.
    pub fn parse(text: &str) -> Option<EventId> {
        let (stream, number) = text.split_once('_')?;
        let id = EventId { stream: stream.parse().ok()?, number: number.parse().ok()? };
        // Each event has one name: no sign, no leading zero.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.stream, self.number)
    }
}

/// Why a store cannot return the events after another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    // Ledger T-19: 404 would mean that the session is lost.
    /// The event is unknown, or later events are lost. The client gets 400.
    #[error("the events after this one have been removed")]
    Gone,
    /// The store failed.
    #[error("{0}")]
    Failed(String),
}

// Ledger RES-S-004, RES-S-005.
/// Keeps the events of streams, so that a client whose connection broke, or was closed on purpose, can read the rest.
///
/// The server numbers the events; a store keeps them, separately for each session and stream. Each event is appended once,
/// in order within a stream, before it is sent. A store has to bound what it keeps, and drops the oldest events first.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// A session begins, before its first event. `owner` is the caller whose session it is; callers without an identity
    /// are one owner, or one by address. A store can share its space by that. Default: no effect.
    async fn begin(&self, session: &str, owner: &Owner) {
        let _unused = (session, owner);
    }

    /// Keeps an event, one JSON-RPC message. The message is sent to the client afterwards, so this should be quick.
    ///
    /// # Errors
    ///
    /// The event was not kept. The error is logged, and the message is sent.
    async fn append(&self, session: &str, id: EventId, message: Bytes) -> Result<(), StoreError>;

    /// The events of the same stream that came after this one and are still kept, in order; none if it was the last.
    /// The oldest events are dropped first, so a gap shows in the number of the first returned event.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`]: the stream is unknown, or this event is newer than its newest.
    async fn after(&self, session: &str, id: EventId) -> Result<Vec<(EventId, Bytes)>, StoreError>;

    /// The stream has ended. Keep its events for a while, because the client may not have read them yet.
    async fn end(&self, session: &str, stream: u64);

    /// The session has ended. Its events are not needed any more.
    async fn forget(&self, session: &str);

    /// Called every few seconds while there are sessions, to drop old events.
    async fn sweep(&self) {}
}
