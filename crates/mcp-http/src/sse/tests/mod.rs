//! Tests of the event codec: a corpus at every cut, properties, and limits.

mod corpus;
mod limits;
mod properties;

use super::{Decoder, Event};

/// What a reader says of a stream that comes in these pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(1 << 20);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece).unwrap();
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    events
}
