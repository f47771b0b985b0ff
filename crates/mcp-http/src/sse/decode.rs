//! Bytes to events, as WHATWG HTML section 9.2.6 reads them (ledger SSE-B-001), incremental and bounded.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

/// One dispatched event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; empty means `message`.
    pub kind: String,
    /// The `data` lines, joined by newlines. Empty for a priming event (ledger SSE-C-005).
    pub data: Bytes,
    /// The `id` field of this block, where it had one. The reader keeps the last one of the stream.
    pub id: Option<String>,
    /// The `retry` field of this block.
    pub retry: Option<Duration>,
}

/// An event is longer than the limit. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than the SSE event limit of {limit} bytes")]
pub struct TooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

/// An incremental reader of one stream.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: BytesMut,
    block: Block,
    ready: VecDeque<Event>,
    /// The last byte was CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The first line may start with a byte order mark.
    first: bool,
}

#[derive(Debug, Default)]
struct Block {
    kind: String,
    data: BytesMut,
    has_data: bool,
    id: Option<String>,
    retry: Option<Duration>,
    /// Bytes held for this block, field names included.
    held: usize,
}

impl Decoder {
    /// A reader that refuses events of more than `limit` bytes.
    pub fn new(limit: usize) -> Decoder {
        Decoder {
            limit,
            line: BytesMut::new(),
            block: Block::default(),
            ready: VecDeque::new(),
            after_cr: false,
            first: true,
        }
    }

    /// Takes what was read. Events are then to be had from [`next_event`](Decoder::next_event).
    ///
    /// # Errors
    ///
    /// [`TooLarge`], as soon as an unfinished event exceeds the limit. Events before it can still be taken.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while !bytes.is_empty() {
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.hold(bytes)?;
                return Ok(());
            };
            self.hold(&bytes[..end])?;
            let cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if cr {
                match bytes.first() {
                    Some(b'\n') => bytes = &bytes[1..],
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.end_line();
        }
        Ok(())
    }

    /// The next finished event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        if self.block.held + self.line.len() + part.len() > self.limit {
            return Err(TooLarge { limit: self.limit });
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) {
        let line = self.line.split();
        let mut text: &[u8] = &line;
        if std::mem::take(&mut self.first) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch();
            return;
        }
        let (field, value) = match text.iter().position(|byte| *byte == b':') {
            // A comment.
            Some(0) => return,
            Some(colon) => {
                let value = &text[colon + 1..];
                (&text[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (text, &b""[..]),
        };
        let block = &mut self.block;
        match field {
            b"event" => {
                block.held += value.len();
                block.kind = String::from_utf8_lossy(value).into_owned();
            }
            b"data" => {
                block.held += value.len() + 1;
                if std::mem::replace(&mut block.has_data, true) {
                    block.data.extend_from_slice(b"\n");
                }
                block.data.extend_from_slice(value);
            }
            b"id" if !value.contains(&0) => {
                block.held += value.len();
                block.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                block.retry = Some(Duration::from_millis(millis.unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }

    /// A block without data is no event in WHATWG's sense; its id and retry count all the same, so it is
    /// reported with empty data.
    fn dispatch(&mut self) {
        let block = std::mem::take(&mut self.block);
        if block.has_data || block.id.is_some() || block.retry.is_some() {
            self.ready.push_back(Event {
                kind: block.kind,
                data: block.data.freeze(),
                id: block.id,
                retry: block.retry,
            });
        }
    }
}
