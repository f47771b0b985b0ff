//! Splits a byte stream into lines, independent of how it arrived in reads.

use bytes::{Bytes, BytesMut};

use crate::message::{RawJson, RequestId, ScanError, Shape, peek_prefix};

/// A line longer than this, in bytes, makes the buffer large. Shorter lines are copied out of such a buffer, so that a
/// small message which is kept does not keep the buffer, and the buffer is replaced before the next read.
const LARGE_LINE: usize = 16 * 1024;

/// The memory of a line is used for another if it holds this many bytes. Less is found quickly, and more is not kept.
const SPARE: std::ops::RangeInclusive<usize> = 128 * 1024..=1024 * 1024;

/// The lines after which spare memory is let go.
pub(super) const SPARE_LINES: u32 = 64;

/// An item that [`LineDecoder`] found in the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A line that is not blank, without its newline. It may end in `\r`, and its content is not checked; see
    /// [`decode`](crate::message::decode).
    Line(Bytes),
    /// A line longer than the limit. Its bytes are discarded; the lines after it are not affected.
    Oversized {
        /// The id of the message, if it is in the first `limit` bytes.
        id: Option<RequestId>,
        /// What kind of message it seems to be.
        shape: Shape,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The stream ended inside a line.
    Truncated {
        /// The number of bytes of that line.
        bytes: usize,
    },
}

/// Splits a byte stream into lines.
///
/// The frames do not depend on the sizes of the reads. A line is a slice of the buffer, not a copy; a short line beside
/// a large one is a copy, so that it does not keep the large one's memory. The buffer holds at most `limit` bytes plus
/// one read: a longer line is discarded while it arrives. The memory of the last line of 128 KiB to 1 MiB is kept for the
/// next large one, until 64 lines have come.
///
/// ```
/// use mcp_core::codec::{Frame, LineDecoder};
///
/// let mut lines = LineDecoder::new(1024);
/// lines.feed(b"{\"a\":");
/// assert_eq!(lines.next_frame(), None);
/// lines.feed(b"1}\r\n\n{}");
/// assert_eq!(lines.next_frame(), Some(Frame::Line("{\"a\":1}\r".into())));
/// assert_eq!(lines.next_frame(), None);
/// assert_eq!(lines.finish(), Some(Frame::Line("{}".into())));
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    buffer: BytesMut,
    /// The number of bytes at the start of the buffer that were searched for a newline, so that a long line
    /// is searched once.
    searched: usize,
    limit: usize,
    /// Whether the buffer is inside a line that was already reported as oversized.
    skipping: bool,
    /// Whether the buffer held a large line.
    large: bool,
    pub(super) spare: Option<Spare>,
}

/// The memory of a large line, which is used again once its frame is gone.
#[derive(Debug, Default)]
pub(super) struct Spare {
    memory: BytesMut,
    /// The lines since.
    lines: u32,
}

impl LineDecoder {
    /// A decoder of lines of at most `limit` bytes, not counting the newline.
    pub fn new(limit: usize) -> LineDecoder {
        LineDecoder {
            buffer: BytesMut::new(),
            searched: 0,
            limit,
            skipping: false,
            large: false,
            spare: None,
        }
    }

    /// Appends received bytes by copying them.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer, for reading into it without a copy. Only append to it. Call
    /// [`next_frame`](LineDecoder::next_frame) until it returns `None` before the next read, which keeps the
    /// buffer bounded.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Makes space for at least this many more bytes in the buffer. The space of a large line comes from the one before, if
    /// its frame was dropped: clearing new memory for each would cost more than reading it.
    pub fn reserve(&mut self, additional: usize) {
        let len = self.buffer.len();
        if self.buffer.capacity() - len >= additional {
            return;
        }
        if let Some(needed) = len.checked_add(additional)
            && SPARE.contains(&needed)
            && let Some(mut spare) = self.spare.take_if(|spare| spare.memory.try_reclaim(needed))
        {
            spare.memory.extend_from_slice(&self.buffer);
            self.buffer = spare.memory;
        }
        self.buffer.reserve(additional);
    }

    /// The next frame, or `None` if more bytes are needed.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            // The caller has the buffer, and may have shortened it.
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(found) = memchr::memchr(b'\n', fresh) else {
                return self.pause();
            };
            let end = self.searched + found;
            self.searched = 0;
            self.count_line(end);
            let line = self.buffer.split_to(end + 1).freeze().slice(..end);
            if std::mem::take(&mut self.skipping) || line.trim_ascii().is_empty() && end <= self.limit {
                continue;
            }
            if end > self.limit {
                return Some(self.oversized(&line));
            }
            if end > LARGE_LINE {
                self.large = true;
            } else if self.large {
                return Some(Frame::Line(Bytes::copy_from_slice(&line)));
            }
            return Some(Frame::Line(line));
        }
    }

    /// Without a newline in the buffer: waits for one, or gives up on the line.
    fn pause(&mut self) -> Option<Frame> {
        if self.skipping {
            self.buffer.clear();
        } else if self.buffer.len() > self.limit {
            self.skipping = true;
            let line = std::mem::take(&mut self.buffer);
            self.searched = 0;
            return Some(self.oversized(&line));
        }
        if std::mem::take(&mut self.large) {
            let rest = BytesMut::from(&self.buffer[..]);
            let mut memory = std::mem::replace(&mut self.buffer, rest);
            if let Some(spare) = &mut self.spare
                && spare.memory.capacity() == 0
            {
                memory.clear();
                spare.memory = memory;
            }
        }
        self.searched = self.buffer.len();
        None
    }

    /// Decides what becomes of the memory of a line of this length, which is still in the buffer.
    fn count_line(&mut self, end: usize) {
        if end > LARGE_LINE {
            // The first large line decides. The memory follows when the buffer is let go.
            if !self.large {
                self.spare = SPARE.contains(&self.buffer.capacity()).then(Spare::default);
            }
        } else if let Some(spare) = &mut self.spare {
            spare.lines += 1;
            self.spare.take_if(|spare| spare.lines >= SPARE_LINES);
        }
    }

    fn oversized(&self, line: &[u8]) -> Frame {
        // At most `limit` bytes, so that the result does not depend on the sizes of the reads.
        let (id, shape) = peek_prefix(line.get(..self.limit).unwrap_or(line));
        Frame::Oversized { id, shape, limit: self.limit }
    }

    /// Ends the stream and resets the decoder. Returns the last line if it has no newline: as a line if it is
    /// complete JSON, else as truncated. Call [`next_frame`](LineDecoder::next_frame) until it returns `None`
    /// first.
    pub fn finish(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.buffer).freeze();
        self.searched = 0;
        if std::mem::take(&mut self.skipping) || line.trim_ascii().is_empty() {
            return None;
        }
        let text = if line.starts_with(b"\xef\xbb\xbf") { line.slice(3..) } else { line.clone() };
        match RawJson::parse(text) {
            Err(ScanError::Syntax(_) | ScanError::Utf8(_)) => Some(Frame::Truncated { bytes: line.len() }),
            Ok(_) | Err(ScanError::TooDeep { .. }) => Some(Frame::Line(line)),
        }
    }
}
