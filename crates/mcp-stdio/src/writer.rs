//! The writing half of any byte stream.

use std::collections::HashMap;
use std::future::{poll_fn, ready};
use std::io;
use std::task::Poll;
use std::time::Duration;

use mcp_core::codec::{encode_line, finish_batch, push_batch};
use mcp_core::message::{Message, Response};
use mcp_core::transport::{
    CloseReport, Lane, Outbound, SendError, TransportError, TransportSender, async_trait,
};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::BoxFuture;

/// When this much waits for a flush, a send writes.
const WRITE_THROUGH: usize = 256 * 1024;

/// The write buffer keeps at most this much memory between messages.
const KEEP: usize = 1024 * 1024;

/// How long a close waits for what was sent to be taken.
const LAST_WRITE: Duration = Duration::from_millis(500);

const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(5);

/// Collects messages as lines and writes them together.
///
/// A dropped future tears no line: how far the buffer was written is kept in here.
pub(crate) struct LineWriter<W> {
    /// `None` once it is closed.
    stream: Option<W>,
    buffer: Vec<u8>,
    written: usize,
    batches: HashMap<Lane, Vec<u8>>,
    failed: Option<TransportError>,
}

impl<W: AsyncWrite + Unpin + Send> LineWriter<W> {
    pub(crate) fn new(stream: W) -> LineWriter<W> {
        LineWriter {
            stream: Some(stream),
            buffer: Vec::new(),
            written: 0,
            batches: HashMap::new(),
            failed: None,
        }
    }

    /// Puts what goes out into the buffer. Answers to a batch wait for the last of them.
    fn encode(&mut self, out: Outbound) {
        match out {
            Outbound::Message { message, lane, last, .. } => {
                // A batch that is refused as a whole is answered by one object.
                let refused = last && is_refusal(&message) && !self.batches.contains_key(&lane);
                if lane.is_batch() && matches!(message, Message::Response(_)) && !refused {
                    push_batch(&message, self.batches.entry(lane).or_default());
                } else {
                    encode_line(&message, &mut self.buffer);
                }
                if last {
                    self.finish_batch(lane);
                }
            }
            // A stream has no other sign for the end of a lane.
            Outbound::End { lane, .. } => self.finish_batch(lane),
            _ => {}
        }
    }

    fn finish_batch(&mut self, lane: Lane) {
        if let Some(batch) = self.batches.remove(&lane) {
            finish_batch(&batch, &mut self.buffer);
        }
    }

    fn check(&self) -> Result<(), TransportError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn fail(&mut self, error: impl Into<TransportError>) -> TransportError {
        let error = error.into();
        self.failed = Some(error.clone());
        self.buffer = Vec::new();
        self.written = 0;
        self.stream = None;
        error
    }

    /// Whether a write has failed: the peer reads no more.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes the whole buffer. May be dropped and called again.
    async fn drain(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the sending side is closed"));
        };
        while let Some(rest) = self.buffer.get(self.written..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest).await {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tokio::time::sleep(WOULD_BLOCK_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        self.written = 0;
        self.buffer.clear();
        if self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// Brings what was sent on its way, for a bounded time, and closes the stream. Idempotent.
    pub(crate) async fn close_stream(&mut self) {
        if self.stream.is_none() {
            return;
        }
        let flushed = timeout(LAST_WRITE, async {
            self.drain().await?;
            match &mut self.stream {
                Some(stream) => stream.shutdown().await,
                None => Ok(()),
            }
        });
        // Whoever closes gives up on what cannot be written any more.
        let _lost = flushed.await;
        self.stream = None;
        self.batches.clear();
    }
}

/// Whether this is an error that names no request.
fn is_refusal(message: &Message) -> bool {
    matches!(message, Message::Response(Response { id: None, outcome: Err(_), .. }))
}

#[async_trait]
impl<W: AsyncWrite + Unpin + Send> TransportSender for LineWriter<W> {
    /// A message that fits into the buffer needs no future with space for it.
    fn send<'s, 'f>(&'s mut self, out: Outbound) -> BoxFuture<'f, Result<(), SendError>>
    where
        's: 'f,
        Self: 'f,
    {
        if let Err(error) = self.check() {
            return Box::pin(ready(Err(error.into())));
        }
        self.encode(out);
        if self.buffer.len() - self.written < WRITE_THROUGH {
            return Box::pin(poll_fn(|_| Poll::Ready(Ok(()))));
        }
        Box::pin(async {
            let drained = self.drain().await;
            Ok(drained.map_err(|error| self.fail(error))?)
        })
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.check()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut drained = self.drain().await;
        if let (Ok(()), Some(stream)) = (&drained, &mut self.stream) {
            drained = stream.flush().await;
        }
        drained.map_err(|error| self.fail(error))
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.close_stream().await;
        Ok(CloseReport::default())
    }
}
