//! Bytes to lines, however they were cut on their way.

use bytes::{Bytes, BytesMut};

use crate::message::{RawJson, RequestId, ScanError, Shape, peek_prefix};

/// A line longer than this takes its memory along, so that the receive buffer does not stay that large.
const LARGE_LINE: usize = 256 * 1024;

/// What [`LineDecoder`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A line that is not blank, without its newline. It may end in `\r` and hold anything: what it
    /// means is for [`decode`](crate::message::decode) to say.
    Line(Bytes),
    /// A line longer than the limit. Its bytes are gone; what follows its newline is not affected.
    Oversized {
        /// The id, if it stood in the first `limit` bytes.
        id: Option<RequestId>,
        /// What it seems to have been.
        shape: Shape,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The stream ended within this line.
    Truncated {
        /// How many bytes of it there were.
        bytes: usize,
    },
}

/// Cuts a byte stream into lines.
///
/// The frames do not depend on how the stream was cut into reads. A line is a slice of the buffer, not a
/// copy. Memory stays within `limit` plus one read: a longer line is dropped while it arrives.
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
    /// The first so many bytes of the buffer hold no newline: a long line is searched once.
    searched: usize,
    limit: usize,
    /// Within a line that was already reported as oversized.
    skipping: bool,
}

impl LineDecoder {
    /// A decoder that takes lines of at most `limit` bytes, the newline not counted.
    pub fn new(limit: usize) -> LineDecoder {
        LineDecoder { buffer: BytesMut::new(), searched: 0, limit, skipping: false }
    }

    /// Takes bytes by copy.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Where a reader puts bytes without a copy. Only append to it. Call
    /// [`next_frame`](LineDecoder::next_frame) until `None` before the next read: that is what bounds it.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next frame, or `None` if more bytes are needed.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
                return self.pause();
            };
            let end = self.searched + found;
            self.searched = 0;
            let line = self.buffer.split_to(end + 1).freeze().slice(..end);
            if std::mem::take(&mut self.skipping) || line.trim_ascii().is_empty() && end <= self.limit {
                continue;
            }
            if end > self.limit {
                return Some(self.oversized(&line));
            }
            if end > LARGE_LINE {
                self.buffer = BytesMut::from(&self.buffer[..]);
            }
            return Some(Frame::Line(line));
        }
    }

    /// No newline in the buffer: waits for one, or gives the line up.
    fn pause(&mut self) -> Option<Frame> {
        if self.skipping {
            self.buffer.clear();
        } else if self.buffer.len() > self.limit {
            self.skipping = true;
            let line = std::mem::take(&mut self.buffer);
            self.searched = 0;
            return Some(self.oversized(&line));
        }
        self.searched = self.buffer.len();
        None
    }

    fn oversized(&self, line: &[u8]) -> Frame {
        // As much as is there however the stream was cut.
        let (id, shape) = peek_prefix(line.get(..self.limit).unwrap_or(line));
        Frame::Oversized { id, shape, limit: self.limit }
    }

    /// What the stream ended with: a line without its newline is good if it is whole JSON. Take the
    /// other frames first. Afterwards the decoder is as new.
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
