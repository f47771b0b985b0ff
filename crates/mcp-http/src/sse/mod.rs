//! Server-sent events: the wire format of streams, both directions, no I/O. Our own, because it bounds events, keeps data
//! as slices, and reports priming events, which other readers discard.

mod decode;
mod encode;

#[cfg(test)]
mod tests;

pub(crate) use decode::{Decoder, Event};
pub(crate) use encode::{comment, event, message_event, priming_event};
