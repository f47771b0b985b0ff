//! The length of what a message carries, for turns and bounds.

use crate::message::{Message, Payload, Refusal};
use crate::transport::{Inbound, Outbound};

/// The bytes of a message's payload.
pub(crate) fn message(message: &Message) -> usize {
    let carried = match message {
        Message::Request(request) => request.params.as_ref().map(Payload::raw),
        Message::Notification(notification) => notification.params.as_ref().map(Payload::raw),
        Message::Response(response) => match &response.outcome {
            Ok(result) => Some(result.raw()),
            Err(error) => error.data.as_ref(),
        },
    };
    carried.map_or(0, |json| json.as_bytes().len())
}

/// The bytes of the payloads of what was received.
pub(crate) fn inbound(inbound: &Inbound) -> usize {
    match inbound {
        Inbound::Message { message, .. } => self::message(message),
        Inbound::Batch { items, .. } => items.iter().map(item).sum(),
        _ => 0,
    }
}

fn item(item: &Result<Message, Refusal>) -> usize {
    // An item is at least a few bytes of text.
    size_of::<Message>() + item.as_ref().map_or(0, message)
}

/// The bytes of the payload of what is sent.
pub(crate) fn outbound(out: &Outbound) -> usize {
    match out {
        Outbound::Message { message, .. } => self::message(message),
        Outbound::End { .. } => 0,
    }
}
