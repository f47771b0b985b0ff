//! What a frame can be: a message itself, or its text.

use bytes::Bytes;

use crate::message::{Decoded, Message, decode};

/// One frame of a carrier.
pub trait Frame: Sized + Send + 'static {
    /// The frame of one message.
    fn from_message(message: Message) -> Self;

    /// The frame of several answers in one array; `None` if the carrier has no batches.
    fn from_batch(messages: Vec<Message>) -> Option<Self>;

    /// The messages in the frame, or why it has none.
    fn decode(self) -> Decoded;
}

/// For carriers within one program: messages are moved, not encoded.
impl Frame for Message {
    fn from_message(message: Message) -> Message {
        message
    }

    fn from_batch(_: Vec<Message>) -> Option<Message> {
        None
    }

    fn decode(self) -> Decoded {
        Decoded::One(Ok(self))
    }
}

impl Frame for Vec<u8> {
    fn from_message(message: Message) -> Vec<u8> {
        let mut text = Vec::new();
        message.write_to(&mut text);
        text
    }

    fn from_batch(messages: Vec<Message>) -> Option<Vec<u8>> {
        let mut text = vec![b'['];
        for message in messages {
            if text.len() > 1 {
                text.push(b',');
            }
            message.write_to(&mut text);
        }
        text.push(b']');
        Some(text)
    }

    fn decode(self) -> Decoded {
        decode(self.into())
    }
}

impl Frame for Bytes {
    fn from_message(message: Message) -> Bytes {
        Vec::from_message(message).into()
    }

    fn from_batch(messages: Vec<Message>) -> Option<Bytes> {
        Vec::from_batch(messages).map(Bytes::from)
    }

    fn decode(self) -> Decoded {
        decode(self)
    }
}

impl Frame for String {
    fn from_message(message: Message) -> String {
        text(Vec::from_message(message))
    }

    fn from_batch(messages: Vec<Message>) -> Option<String> {
        Vec::from_batch(messages).map(text)
    }

    fn decode(self) -> Decoded {
        decode(self.into())
    }
}

/// Encoded messages are UTF-8, so the lossy branch is never taken.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
