//! The reading half of any byte stream.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use mcp_core::codec::{Frame, LineDecoder};
use mcp_core::transport::{Envelope, Inbound, Lane, TransportError, TransportReceiver, async_trait};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Sleep;

use crate::BoxFuture;
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
    /// Set while the stream is left alone for a moment.
    pause: Option<Pin<Box<Sleep>>>,
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
            pause: None,
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
        if let Some(refusal) = self.skipped.as_mut().and_then(SkippedLines::next_of_line) {
            return Ok(Some(Inbound::refused(refusal, Lane::SHARED)));
        }
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
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next message; `None` at the end of the stream. Takes nothing that it does not return.
    // Polled by hand: a message is larger than all futures around it, each of which would move it.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Inbound>>> {
        let mut turn = 0;
        loop {
            match self.next_buffered() {
                Ok(None) => {}
                next => return Poll::Ready(next),
            }
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            if let Some(skipped) = &self.skipped {
                skipped.witness().set_unfinished(self.lines.buffer_mut().len());
            }
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            // A stream that is always ready and has no message in it, such as endless blank lines, must not keep the
            // thread.
            if turn >= READ {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            turn += ready!(self.poll_fill(cx))?;
        }
    }

    /// One read. Returns the number of bytes; 0 at the end, or before a pause. The bytes are in the buffer afterwards.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        make_room(&mut self.lines);
        let buffer = self.lines.buffer_mut();
        let read = ready!(pin!(self.stream.read_buf(buffer)).poll(cx));
        Poll::Ready(match read {
            Ok(0) => {
                self.ended = true;
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.pause = Some(Box::pin(tokio::time::sleep(WOULD_BLOCK_PAUSE)));
                Ok(0)
            }
            Err(error) => {
                self.ended = true;
                Err(error)
            }
            read => read,
        })
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

fn make_room(lines: &mut LineDecoder) {
    let buffer = lines.buffer_mut();
    let (len, spare) = (buffer.len(), buffer.capacity() - buffer.len());
    if spare < READ / 4 {
        lines.reserve(len.clamp(READ, LARGEST_READ));
    }
}

#[async_trait]
impl<R: AsyncRead + Unpin + Send> TransportReceiver for LineReader<R> {
    // Written out, so that the boxed future holds a pointer and not a message.
    fn recv<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<Option<Inbound>, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(poll_fn(|cx| self.poll_next(cx).map_err(TransportError::from)))
    }
}
