//! The reading half of any byte stream.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mcp_core::codec::{Frame, LineDecoder};
use mcp_core::transport::{Envelope, Inbound, TransportError, TransportReceiver, async_trait};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::frame::{BatchLanes, stream_inbound};
use crate::limits::Limits;
use crate::skipped::SkippedLines;

/// The free space for one read. It grows with a long line, so that the line does not take hundreds of reads.
const READ: usize = 64 * 1024;
const LARGEST_READ: usize = 1024 * 1024;

/// How long to wait when a blocking stream reports that it would block: another process has set `O_NONBLOCK` on the
/// shared description.
const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(5);

/// Reads lines and returns them as messages. What was read and not returned yet is kept here, so dropping a `recv`
/// future loses nothing.
pub(crate) struct LineReader<R> {
    stream: R,
    lines: LineDecoder,
    max_depth: u32,
    lanes: BatchLanes,
    envelope: Envelope,
    ended: bool,
    /// On a link to a child, the record of its unreadable lines.
    skipped: Option<SkippedLines>,
}

impl<R: AsyncRead + Unpin + Send> LineReader<R> {
    pub(crate) fn new(stream: R, limits: Limits, envelope: Envelope) -> LineReader<R> {
        LineReader {
            stream,
            lines: LineDecoder::new(limits.max_line),
            max_depth: limits.max_depth,
            lanes: BatchLanes::default(),
            envelope,
            ended: false,
            skipped: None,
        }
    }

    /// The same reader, which explains what it cannot read.
    pub(crate) fn explaining(mut self, skipped: SkippedLines) -> LineReader<R> {
        self.skipped = Some(skipped);
        self
    }

    /// Stops reading. What is in the buffer is still returned.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// A message that was read already.
    fn next_buffered(&mut self) -> io::Result<Option<Inbound>> {
        let frame = match self.lines.next_frame() {
            None if self.ended => self.lines.finish(),
            frame => frame,
        };
        let Some(frame) = frame else { return Ok(None) };
        let Some(skipped) = &mut self.skipped else {
            return Ok(Some(stream_inbound(frame, self.max_depth, &mut self.lanes, &self.envelope)));
        };
        // Decoding takes the line, of which an error quotes the start.
        let line = if let Frame::Line(line) = &frame { Some(line.clone()) } else { None };
        let inbound = stream_inbound(frame, self.max_depth, &mut self.lanes, &self.envelope);
        if let (Inbound::Refused { .. }, Some(line)) = (&inbound, line) {
            return explained(skipped, inbound, &line).map(Some);
        }
        skipped.end_run();
        Ok(Some(inbound))
    }

    /// The next message; `None` at the end of the stream. Cancel-safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Inbound>> {
        let mut turn = 0;
        loop {
            if let Some(inbound) = self.next_buffered()? {
                return Ok(Some(inbound));
            }
            if self.ended {
                return Ok(None);
            }
            if let Some(skipped) = &self.skipped {
                skipped.witness().set_unfinished(self.lines.buffer_mut().len());
            }
            // A stream that is always ready and has no message in it, such as endless blank lines, must not keep the
            // thread.
            if turn >= READ {
                turn = 0;
                tokio::task::yield_now().await;
            }
            turn += self.fill().await?;
        }
    }

    /// One read. Returns the number of bytes, 0 at the end. Cancel-safe: bytes are either in the buffer or still in the
    /// stream.
    async fn fill(&mut self) -> io::Result<usize> {
        let buffer = self.lines.buffer_mut();
        make_room(buffer);
        match self.stream.read_buf(buffer).await {
            Ok(0) => self.ended = true,
            Ok(read) => return Ok(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(WOULD_BLOCK_PAUSE).await;
            }
            Err(error) => {
                self.ended = true;
                return Err(error);
            }
        }
        Ok(0)
    }
}

/// A line that is not a message, with what a child printed there.
#[cold]
fn explained(skipped: &mut SkippedLines, inbound: Inbound, line: &Bytes) -> io::Result<Inbound> {
    match inbound {
        Inbound::Refused { lane, refusal, .. } => Ok(Inbound::refused(skipped.explain(refusal, line)?, lane)),
        inbound => Ok(inbound),
    }
}

fn make_room(buffer: &mut BytesMut) {
    let spare = buffer.capacity() - buffer.len();
    if spare < READ / 4 {
        buffer.reserve(buffer.len().clamp(READ, LARGEST_READ));
    }
}

#[async_trait]
impl<R: AsyncRead + Unpin + Send> TransportReceiver for LineReader<R> {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        Ok(self.next().await?)
    }
}
