//! One stream of a session: the numbers of its events, and its current connection.
//!
//! With an event store a stream outlives its connections: events between two connections are kept, and the next connection
//! reads them from the store. A new connection first *catches up*: until it has read the store, new events go only to the
//! store, so that none is lost or sent twice.

use bytes::{Bytes, BytesMut};
use mcp_core::message::ProtocolVersion;

use super::queue::{Offer, Writer};
use super::store::EventId;

/// One stream.
#[derive(Default)]
pub(super) struct Stream {
    /// The number of the newest event.
    last: u64,
    /// The newest event in the store.
    stored: u64,
    /// The newest event that a connection got.
    given: u64,
    connection: Option<Connection>,
}

struct Connection {
    writer: Writer,
    /// It still reads from the store and gets no new events.
    catching_up: bool,
}

/// The outcome of giving an event to a stream.
pub(super) enum Given {
    /// A connection has the event, or will read it from the store.
    Yes,
    /// The queue of the connection is full.
    Full(Writer, Bytes),
    /// There is no connection.
    No,
}

impl Stream {
    /// Creates a stream with this connection.
    pub(super) fn on(writer: Writer) -> Stream {
        Stream { connection: Some(Connection { writer, catching_up: false }), ..Stream::default() }
    }

    /// The number of the next event that goes to the store.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Gives an event to the connection. `number` is its number, if the store has it.
    pub(super) fn give(&mut self, number: Option<u64>, event: Bytes, droppable: bool) -> Given {
        if let Some(number) = number {
            self.stored = number;
        }
        let Some(connection) = &self.connection else { return Given::No };
        if connection.catching_up {
            return Given::Yes;
        }
        match connection.writer.offer(event, droppable) {
            Offer::Queued => {
                self.given = number.unwrap_or(self.given);
                Given::Yes
            }
            Offer::Full(event) => Given::Full(connection.writer.clone(), event),
            Offer::Gone => {
                self.connection = None;
                Given::No
            }
        }
    }

    /// Notes that this connection got an event in another way.
    pub(super) fn gave(&mut self, writer: &Writer, number: u64) {
        if self.is_on(writer) {
            self.given = number;
        }
    }

    /// Whether a client reads the stream.
    pub(super) fn is_read(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.writer.is_over())
    }

    pub(super) fn given(&self) -> u64 {
        self.given
    }

    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    // Ledger T-24: the newest wins.
    /// Replaces the connection. The previous one ends.
    pub(super) fn attach(&mut self, writer: Writer, catching_up: bool) {
        self.end_connection();
        self.connection = Some(Connection { writer, catching_up });
    }

    /// Notes that a connection has read the store up to this event. Returns whether it has to read more.
    pub(super) fn caught_up(&mut self, writer: &Writer, number: u64) -> Progress {
        let Some(connection) = self.connection.as_mut().filter(|own| own.writer.is(writer)) else {
            return Progress::Replaced;
        };
        self.given = self.given.max(number);
        if self.stored > number {
            return Progress::Behind;
        }
        connection.catching_up = false;
        Progress::Live
    }

    /// Removes the connection. Its queued events are still read.
    pub(super) fn end_connection(&mut self) -> bool {
        match self.connection.take() {
            Some(connection) => {
                connection.writer.end();
                true
            }
            None => false,
        }
    }

    /// Ends the stream. A connection that catches up finds the last event in the store, and ends itself.
    pub(super) fn end(mut self) {
        if self.connection.as_ref().is_some_and(|connection| !connection.catching_up) {
            self.end_connection();
        }
    }

    /// Removes the connection if it is this one, whose reader is gone. Whether it was.
    pub(super) fn detach(&mut self, writer: &Writer) -> bool {
        let own = self.is_on(writer);
        if own {
            self.connection = None;
        }
        own
    }

    fn is_on(&self, writer: &Writer) -> bool {
        self.connection.as_ref().is_some_and(|own| own.writer.is(writer))
    }

    pub(super) fn writer(&self) -> Option<&Writer> {
        self.connection.as_ref().map(|connection| &connection.writer)
    }
}

/// The progress of a connection that reads from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// New events arrived meanwhile.
    Behind,
    /// It has everything, and gets new events from now on.
    Live,
    /// Another connection took its place.
    Replaced,
}

// Ledger T-25.
/// Whether clients of this revision know priming events, and streams that end before their answer.
pub(super) fn can_poll(version: Option<ProtocolVersion>) -> bool {
    matches!(version, Some(ProtocolVersion::V2025_11_25))
}

/// One message as an event.
pub(super) fn frame(id: Option<EventId>, message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(message.len() + 56);
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    for part in [b"data: ", message, b"\n\n"] {
        out.extend_from_slice(part);
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::server::body::Source;
    use crate::server::budgets::Holder;
    use crate::server::legacy::queue::{self, Reader};
    use crate::sse::Decoder;

    fn connection(capacity: usize) -> (Writer, Reader) {
        queue::connection(capacity, Holder::for_tests())
    }

    fn event(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    /// SSE-B-003, RES-S-002.
    #[test]
    fn a_message_is_one_event_with_its_id() {
        let mut decoder = Decoder::new(1000);
        decoder.push(&frame(Some(EventId { stream: 3, number: 9 }), b"{\"a\":1}")).unwrap();
        decoder.push(&frame(None, b"{}")).unwrap();
        let first = decoder.next_event().unwrap();
        assert_eq!(
            (first.id.as_deref(), &first.data[..], first.kind.as_str()),
            (Some("3_9"), &b"{\"a\":1}"[..], "")
        );
        assert_eq!(decoder.next_event().unwrap().id, None);
    }

    /// RES-S-004: an event during the reading of the store is not lost and not sent twice.
    #[test]
    fn a_connection_that_catches_up_takes_nothing_until_it_has_everything() {
        let (first, _reader) = connection(8);
        let mut stream = Stream::on(first);
        for _ in 0..3 {
            let number = stream.number();
            assert!(matches!(stream.give(Some(number), event("x"), true), Given::Yes));
        }
        let (second, mut reader) = connection(8);
        let mut cx = Context::from_waker(Waker::noop());
        stream.attach(second.clone(), true);
        assert!(stream.is_read());
        let number = stream.number();
        assert!(matches!(stream.give(Some(number), event("4"), true), Given::Yes));
        assert!(reader.poll_chunk(&mut cx).is_pending(), "it reads that from the store");
        assert_eq!(stream.caught_up(&second, 3), Progress::Behind);
        assert_eq!(stream.caught_up(&second, 4), Progress::Live);
        let number = stream.number();
        assert!(matches!(stream.give(Some(number), event("5"), true), Given::Yes));
        assert_eq!(reader.poll_chunk(&mut cx), Poll::Ready(Some(event("5"))));
        assert_eq!(stream.given(), 5);
        let (third, _third) = connection(8);
        stream.attach(third.clone(), true);
        assert!(second.is_over(), "the newest wins");
        assert_eq!(stream.caught_up(&second, 4), Progress::Replaced);
        stream.end();
        assert!(!third.is_over(), "it finds the end in the store");
    }
}
