//! Departures of a server from the protocol that do not stop a conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A departure that is accepted, with one warning for each link.
// FAULT F-C11, F-C12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// A response came in an event of another type than `message`.
    EventType,
    /// A body of type `text/event-stream` is a JSON text.
    JsonAsEvents,
    /// The last event of a stream lacks its blank line.
    NoBlankLine,
    /// The answer to a request came under 202 or 204.
    AnsweredByAccepted,
}

/// The departures of one link that were reported. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departures(Arc<AtomicU8>);

impl Departures {
    /// Warns of a departure if it is the first of its kind.
    pub(crate) fn warn_once(&self, what: Departure) {
        let bit = 1 << what as u8;
        if self.0.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        let what = match what {
            Departure::EventType => "a response came in an event of an unknown type",
            Departure::JsonAsEvents => "a body of type text/event-stream is a JSON text",
            Departure::NoBlankLine => "the last event of a stream lacks its blank line",
            Departure::AnsweredByAccepted => "the answer to a request came with a status of notifications",
        };
        tracing::warn!("{what}; this is accepted, and reported once for each link");
    }
}
