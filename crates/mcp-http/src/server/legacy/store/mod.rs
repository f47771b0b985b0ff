//! The event store: what was said on streams that a client may take up again (ledger 3.12).

mod memory;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use mcp_core::transport::async_trait;

pub use memory::{MemoryEventStore, StoreLimits};

/// Names one event of a session: its stream, and its place there. On the wire `<stream>_<number>`, so that it is
/// unique in the session and tells its stream (ledger RES-S-001, RES-S-002).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// The stream. 0 is the one that belongs to no request.
    pub stream: u64,
    /// Counts from 1. 0 is the priming event, which no store keeps.
    pub number: u64,
}

impl EventId {
    /// Reads the wire form. `None` for anything that this server does not write.
    pub fn parse(text: &str) -> Option<EventId> {
        let (stream, number) = text.split_once('_')?;
        let id = EventId { stream: stream.parse().ok()?, number: number.parse().ok()? };
        // One name for one event: no sign, no leading zero.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.stream, self.number)
    }
}

/// Why a store cannot give what came after an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It never was, or some of what followed it is gone. The client is told so by a 400: a 404 would mean that the
    /// session is lost (ledger T-19).
    #[error("the events after this one are not kept any more")]
    Gone,
    /// The store failed.
    #[error("{0}")]
    Failed(String),
}

/// Keeps what was said on the streams of sessions, so that a client whose connection broke, or was closed on purpose,
/// can ask for the rest (ledger RES-S-004).
///
/// The server numbers the events; a store only keeps them, each session and stream for itself (RES-S-005). It is told
/// each event once, in order within a stream, before the event goes out. It bounds what it keeps, and forgets the
/// oldest first.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Keeps an event: one JSON-RPC message. What is written to the client waits for this, so be quick. An error is
    /// logged, and the message goes out all the same.
    async fn append(&self, session: &str, id: EventId, message: Bytes) -> Result<(), StoreError>;

    /// The events of the same stream that came after this one and are still kept, in order; none if it was the last.
    /// Events are forgotten from the oldest on, so a gap shows in the number of the first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`]: the stream is unknown, or this event is newer than its newest.
    async fn after(&self, session: &str, id: EventId) -> Result<Vec<(EventId, Bytes)>, StoreError>;

    /// Nothing more comes on this stream. It may be forgotten after a while, but not at once: what was written is not
    /// yet what was read.
    async fn end(&self, session: &str, stream: u64);

    /// The session is over: nobody will ask for it again.
    async fn forget(&self, session: &str);

    /// Called every few seconds while there are sessions: a chance to forget what is old.
    async fn sweep(&self) {}
}
