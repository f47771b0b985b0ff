//! Blocking streams, each read or written by a separate thread.
//!
//! The runtime's blocking pool is not used: a read that never returns would keep the runtime from shutting down.
//! These threads are detached; one that is stuck in a system call ends with the process.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Condvar, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use crate::lock::{Lock, wait_while};

const READ: usize = 64 * 1024;
/// How many reads may wait for the other side.
const READS_AHEAD: usize = 4;
/// How much may wait to be written.
const WRITE_QUEUE: usize = 256 * 1024;
const STACK: usize = 256 * 1024;

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).stack_size(STACK).spawn(body).map(drop)
}

/// The asynchronous side of a thread that reads.
pub(crate) struct ThreadReader {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl ThreadReader {
    pub(crate) fn spawn(mut stream: impl Read + Send + 'static) -> io::Result<ThreadReader> {
        let (sender, chunks) = mpsc::channel(READS_AHEAD);
        thread("mcp-stdin", move || {
            let mut buffer = vec![0; READ];
            loop {
                let chunk = stream
                    .read(&mut buffer)
                    .map(|count| Bytes::copy_from_slice(buffer.get(..count).unwrap_or(&buffer)));
                let ended = !matches!(&chunk, Ok(chunk) if !chunk.is_empty());
                if sender.blocking_send(chunk).is_err() || ended {
                    return;
                }
            }
        })?;
        Ok(ThreadReader { chunks, chunk: Bytes::new() })
    }
}

impl AsyncRead for ThreadReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.chunk.is_empty() {
            match ready!(self.chunks.poll_recv(context)) {
                Some(chunk) => self.chunk = chunk?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.chunk.len().min(out.remaining());
        out.put_slice(&self.chunk.split_to(count));
        Poll::Ready(Ok(()))
    }
}

/// What a [`ThreadWriter`] shares with its thread.
#[derive(Default)]
struct Queue {
    state: Lock<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    bytes: Vec<u8>,
    /// The thread has taken bytes that are not written yet.
    writing: bool,
    closed: bool,
    failed: Option<io::ErrorKind>,
    waiting: Option<Waker>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }

    /// The life of the thread: takes what is queued and writes it, until the queue is closed and empty.
    fn run(&self, mut stream: impl Write) {
        let mut batch = Vec::new();
        loop {
            let idle = |state: &mut QueueState| state.bytes.is_empty() && !state.closed;
            let mut state = wait_while(&self.changed, self.state(), idle);
            if state.bytes.is_empty() {
                return;
            }
            std::mem::swap(&mut state.bytes, &mut batch);
            state.writing = true;
            drop(state);
            let written = stream.write_all(&batch);
            batch.clear();
            let mut state = self.state();
            state.writing = false;
            state.failed = written.err().map(|error| error.kind());
            let failed = state.failed.is_some();
            if let Some(waiting) = state.waiting.take() {
                waiting.wake();
            }
            if failed {
                return;
            }
        }
    }
}

/// The asynchronous side of a thread that writes. Bounded: a write waits while too much is queued.
pub(crate) struct ThreadWriter(Arc<Queue>);

impl ThreadWriter {
    pub(crate) fn spawn(stream: impl Write + Send + 'static) -> io::Result<ThreadWriter> {
        let queue = Arc::new(Queue::default());
        let shared = Arc::clone(&queue);
        thread("mcp-stdout", move || shared.run(stream))?;
        Ok(ThreadWriter(queue))
    }

    /// The state, or the error that ended the thread.
    fn state(&self) -> io::Result<MutexGuard<'_, QueueState>> {
        let state = self.0.state();
        match state.failed {
            Some(kind) => Err(kind.into()),
            None => Ok(state),
        }
    }

    fn flushed(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state()?;
        if state.writing || !state.bytes.is_empty() {
            state.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ThreadWriter {
    #[expect(clippy::indexing_slicing, reason = "`count` is at most the length of `bytes`")]
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state()?;
        let room = WRITE_QUEUE.saturating_sub(state.bytes.len());
        if room == 0 {
            state.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = room.min(bytes.len());
        state.bytes.extend_from_slice(&bytes[..count]);
        self.0.changed.notify_one();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.flushed(context))?;
        self.0.state().closed = true;
        self.0.changed.notify_one();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ThreadWriter {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_one();
    }
}

#[cfg(all(test, unix))]
mod tests;
