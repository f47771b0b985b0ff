//! Decodes bytes to events as WHATWG HTML section 9.2.6 specifies, incrementally and with a bound.
// SSE-B-001.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// One block of the stream: an event, or only the fields that a reader remembers for its next connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event` field; empty means `message`.
    pub(crate) kind: String,
    /// The `data` lines, joined by newlines. Empty for a priming event and for a block without data: neither is a
    /// message. The bytes are not checked for UTF-8; the message decoder does that.
    // SSE-C-005.
    pub(crate) data: Bytes,
    /// The `id` field of this block, if it has one. The reader keeps the last one of the stream; an empty one resets
    /// it. One with a NUL is ignored.
    pub(crate) id: Option<String>,
    /// The `retry` field of this block. A number that is too large reads as `u64::MAX` milliseconds, so bound it
    /// before adding it to a time.
    pub(crate) retry: Option<Duration>,
}

/// An event is longer than the limit. The stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than the SSE event limit of {limit} bytes")]
pub(crate) struct TooLarge {
    /// The limit, in bytes.
    pub(crate) limit: usize,
}

/// An incremental reader of one stream.
///
/// The result does not depend on how the bytes are split. A block that is unfinished when the stream ends is not an
/// event.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    /// The start of an unfinished line.
    line: BytesMut,
    block: Block,
    ready: VecDeque<Event>,
    /// The last `retry` of the stream.
    retry: Option<Duration>,
    /// Whether the last byte was CR. An LF that follows belongs to it.
    after_cr: bool,
    /// Whether no line has ended yet. The first line may start with a byte order mark.
    first: bool,
    /// Whether the limit was exceeded.
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
    /// The number of bytes held for the block.
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
    /// A reader that refuses events of more than `limit` bytes. The limit counts the bytes that are held: the data
    /// and the other fields of the unfinished block, and its unfinished line with the field name. A comment counts
    /// while its line is unfinished.
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

    /// Decodes the bytes that were read. The caller must take all events with [`next_event`](Decoder::next_event)
    /// before the next push, because the limit does not count finished events.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when an unfinished event exceeds the limit, and in every later call. Earlier events can still be
    /// taken.
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
                rest => rest.get(1..).unwrap_or_default(),
            };
            self.end_line(part);
        }
        if self.failed { Err(TooLarge { limit: self.limit }) } else { Ok(()) }
    }

    /// Takes the next finished event.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The last `retry` of the stream. It takes effect at the end of its line, even if the stream ends before its
    /// block does.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Takes the data of the event that the end of the stream cut off: its blank line is missing. WHATWG discards it.
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

    /// Ends a line. `part` is the rest of the line, and usually the whole line.
    fn end_line(&mut self, part: &[u8]) {
        if self.line.is_empty() {
            return self.take_line(part);
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(part);
        if !self.first && !self.block.has_data && line.starts_with(b"data:") {
            // A large message: the buffer of the line becomes the data without a copy.
            line.advance(if line.get(5) == Some(&b' ') { 6 } else { 5 });
            self.block.has_data = true;
            self.block.data = line;
        } else {
            self.take_line(&line);
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the colon was found at this position of the same line")]
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

    /// A block without data is not an event for WHATWG. Its id and retry are still valid, so it is reported with
    /// empty data.
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
