//! Bytes to events, as WHATWG HTML section 9.2.6 reads them, incremental and bounded.
// SSE-B-001.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// One block of the stream: an event, or only what a reader has to remember for its next connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event` field; empty means `message`.
    pub(crate) kind: String,
    /// The `data` lines, joined by newlines. Empty for a priming event and for a block without data: neither is a
    /// message. The bytes are as they came: whether they are UTF-8 their own decoder finds out.
    // SSE-C-005.
    pub(crate) data: Bytes,
    /// The `id` field of this block, where it had one. The reader keeps the last one of the stream; an empty
    /// one takes back those before it. One with a NUL is ignored.
    pub(crate) id: Option<String>,
    /// The `retry` field of this block. A number too large for any clock is the largest number of
    /// milliseconds: compare it before you add it to a time.
    pub(crate) retry: Option<Duration>,
}

/// An event is longer than the limit. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than the SSE event limit of {limit} bytes")]
pub(crate) struct TooLarge {
    /// The limit, in bytes.
    pub(crate) limit: usize,
}

/// An incremental reader of one stream.
///
/// What it says does not depend on how the bytes are cut. A block that has not ended when the stream ends is
/// no event: drop the reader.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    /// The start of a line whose end has not come yet.
    line: BytesMut,
    block: Block,
    ready: VecDeque<Event>,
    /// The last `retry` of the stream.
    retry: Option<Duration>,
    /// The last byte was CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The first line may start with a byte order mark.
    first: bool,
    /// The limit was hit.
    failed: bool,
}

#[derive(Debug, Default)]
struct Block {
    kind: String,
    data: BytesMut,
    has_data: bool,
    id: Option<String>,
    retry: Option<Duration>,
}

impl Block {
    /// The bytes that are held for it.
    fn held(&self) -> usize {
        self.kind.len() + self.data.len() + self.id.as_ref().map_or(0, String::len)
    }
}

impl Event {
    /// A message with this data.
    pub(crate) fn new(data: Bytes) -> Event {
        Event { kind: String::new(), data, id: None, retry: None }
    }
}

impl Decoder {
    /// A reader that refuses events of more than `limit` bytes. What counts is what is held: the data and the
    /// other fields of the unfinished block, and its unfinished line with its name. A comment counts while it
    /// is unfinished.
    pub(crate) fn new(limit: usize) -> Decoder {
        Decoder {
            limit,
            line: BytesMut::new(),
            block: Block::default(),
            ready: VecDeque::new(),
            retry: None,
            after_cr: false,
            first: true,
            failed: false,
        }
    }

    /// Takes what was read. Take its events with [`next_event`](Decoder::next_event) before the next push:
    /// the limit does not count them.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], as soon as an unfinished event exceeds the limit, and from then on. Events before it can
    /// still be taken.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        if !bytes.is_empty() && std::mem::take(&mut self.after_cr) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while !bytes.is_empty() {
            let end = memchr2(b'\n', b'\r', bytes);
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.check(part.len())?;
            if end.is_none() {
                self.line.extend_from_slice(part);
                return Ok(());
            }
            bytes = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                rest => &rest[1..],
            };
            self.end_line(part);
        }
        if self.failed { Err(TooLarge { limit: self.limit }) } else { Ok(()) }
    }

    /// The next finished event.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The last `retry` of the stream. It counts from the end of its line, even where the stream ends before
    /// its block.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The data of the event that the stream ended in: one whose blank line is missing. WHATWG discards it.
    pub(crate) fn take_unfinished(&mut self) -> Option<Bytes> {
        if !self.line.is_empty() {
            self.end_line(b"");
        }
        let block = std::mem::take(&mut self.block);
        block.has_data.then(|| block.data.freeze())
    }

    fn check(&mut self, more: usize) -> Result<(), TooLarge> {
        self.failed |= self.block.held() + self.line.len() + more > self.limit;
        if self.failed {
            (self.line, self.block) = Default::default();
            return Err(TooLarge { limit: self.limit });
        }
        Ok(())
    }

    /// Ends a line: `part` is the rest of it, and mostly all of it.
    fn end_line(&mut self, part: &[u8]) {
        if self.line.is_empty() {
            return self.take_line(part);
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(part);
        if !self.first && !self.block.has_data && line.starts_with(b"data:") {
            // A large message: the buffer that it was gathered in becomes its data.
            line.advance(if line.get(5) == Some(&b' ') { 6 } else { 5 });
            self.block.has_data = true;
            self.block.data = line;
        } else {
            self.take_line(&line);
        }
    }

    fn take_line(&mut self, mut line: &[u8]) {
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_block();
        }
        let (field, value) = match memchr(b':', line) {
            // A comment (ledger SSE-C-002).
            Some(0) => return,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let block = &mut self.block;
        match field {
            b"event" => block.kind = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if std::mem::replace(&mut block.has_data, true) {
                    block.data.extend_from_slice(b"\n");
                }
                block.data.extend_from_slice(value);
            }
            b"id" if memchr(0, value).is_none() => {
                block.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                block.retry = Some(Duration::from_millis(millis.unwrap_or(u64::MAX)));
                self.retry = block.retry;
            }
            _ => {}
        }
    }

    /// A block without data is not an event in WHATWG's sense; its id and retry count all the same, so it is
    /// reported with empty data.
    fn end_block(&mut self) {
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
