//! Server-sent events: the wire format of streams, both directions, no I/O.

mod decode;
mod encode;

#[cfg(test)]
mod tests;

pub use decode::{Decoder, Event, TooLarge};
pub use encode::{comment, event, message_event, priming_event};
