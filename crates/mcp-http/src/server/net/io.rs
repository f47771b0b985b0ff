//! The byte stream between a connection and hyper: bytes read ahead, stalled writes, request framing.

#![expect(
    clippy::indexing_slicing,
    reason = "a part is at most as long as what it is cut from, or as what was counted before"
)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::framing::Framing;
use super::state::ConnState;

/// How long, and for how many bytes, the connection is read after its end while the client may still be writing. Closing
/// it with unread bytes would reset it and could destroy the answer (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

// FAULT F-A7.
/// The bytes of an answer that the client has to take within each write limit.
const PACE: usize = 16 << 10;

/// Head and body of an answer up to this length are copied together: one buffer is cheaper to send than two.
const JOINED: usize = 1024;

/// The bytes that a silent connection is read for.
const AHEAD: usize = 32;

/// A byte stream that is watched.
pub(super) struct Watched<I> {
    inner: I,
    /// The bytes that were read to detect HTTP/2.
    ahead: Vec<u8>,
    /// HTTP/1 only: HTTP/2 has a framing layer below its requests.
    framing: Option<Framing>,
    state: Arc<ConnState>,
    write: Duration,
    /// Runs from the first write that has to wait, until the client has taken enough or everything.
    stall: Option<Pin<Box<Sleep>>>,
    /// What the client has taken since.
    taken: usize,
    /// After our end: until when, and for how many bytes, the client's side is read.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Watched<I> {
    pub(super) fn new(
        inner: I,
        ahead: Vec<u8>,
        http1: bool,
        state: Arc<ConnState>,
        write: Duration,
    ) -> Watched<I> {
        let mut watched = Watched {
            inner,
            ahead,
            framing: http1.then(Framing::default),
            state,
            write,
            stall: None,
            taken: 0,
            linger: None,
        };
        let ahead = std::mem::take(&mut watched.ahead);
        watched.note(&ahead);
        watched.ahead = ahead;
        watched
    }

    fn note(&mut self, read: &[u8]) {
        if read.is_empty() {
            return;
        }
        if let Some(framing) = &mut self.framing {
            if let Some(first) = framing.follow(read) {
                self.state.refused_from.store(first, Ordering::Relaxed);
            }
            self.state.whole.store(framing.whole().unwrap_or(0), Ordering::Relaxed);
            // On HTTP/2 not all frames belong to requests.
            if !self.state.began.load(Ordering::Relaxed) {
                self.state.began.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Reads a few bytes, which the next read returns first. The number of bytes; 0 at the end.
    pub(super) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0; AHEAD];
        let mut buf = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
        self.note(buf.filled());
        self.ahead.extend_from_slice(buf.filled());
        Poll::Ready(Ok(buf.filled().len()))
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((until, bytes)) = &mut self.linger else { return Poll::Ready(()) };
        let mut space = [0; 4096];
        while *bytes > 0 {
            let mut buf = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Pending => return until.as_mut().poll(cx),
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    *bytes = bytes.saturating_sub(buf.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }

    // FAULT B: slow read.
    /// Counts a write, and fails one that has to wait while the client reads less than the pace.
    fn wrote(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.state.unflushed.store(true, Ordering::Relaxed);
        if self.stall.is_some()
            && let Poll::Ready(Ok(bytes)) = &done
        {
            self.taken = self.taken.saturating_add(*bytes);
            // On HTTP/2 each stream has this pace, and the connection goes on while anything on it moves.
            if self.taken >= PACE || self.framing.is_none() {
                self.moved();
            }
        }
        self.bounded(cx, done)
    }

    /// The client has taken enough, or everything.
    fn moved(&mut self) {
        self.stall = None;
        self.taken = 0;
    }

    fn bounded<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            return done;
        }
        let limit = self.write;
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(stall.as_mut().poll(cx));
        let why = format!("write stalled: the client read less than {PACE} bytes in {limit:?}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ahead = !self.ahead.is_empty();
        if ahead {
            let most = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..most]);
            self.ahead.drain(..most);
            if !self.ahead.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.ahead = Vec::new();
        }
        // What follows belongs to the same read: after a few bytes alone hyper would double its buffer.
        let own = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Pending if !ahead => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending | Poll::Ready(Ok(())) => {}
        }
        self.note(&buf.filled()[own..]);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.wrote(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = bufs.iter().map(|buf| buf.len()).sum();
        let done = if bufs.len() > 1 && total <= JOINED {
            let (mut joined, mut end) = ([0; JOINED], 0);
            for buf in bufs {
                joined[end..end + buf.len()].copy_from_slice(buf);
                end += buf.len();
            }
            Pin::new(&mut self.inner).poll_write(cx, &joined[..end])
        } else {
            Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
        };
        self.wrote(cx, done)
    }

    /// Otherwise hyper copies each answer, which nothing would count. A stream without vectored writes gets one buffer at a
    /// time.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_flush(cx);
        if done.is_ready() {
            // hyper flushes when it has written all that it has.
            self.moved();
            self.state.unflushed.store(false, Ordering::Relaxed);
        }
        self.bounded(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            let done = Pin::new(&mut self.inner).poll_shutdown(cx);
            ready!(self.bounded(cx, done))?;
            if !self.state.owes_reading() {
                return Poll::Ready(Ok(()));
            }
            self.linger = Some((Box::pin(tokio::time::sleep(LINGER)), LINGER_BYTES));
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// FAULT F-A7, FAULT F-S3: 4 KiB every 40 s end a connection of HTTP/1, which has one answer. One of HTTP/2 may carry
    /// many, and goes on while it moves at all.
    #[tokio::test(start_paused = true)]
    async fn the_pace_is_that_of_an_answer_not_of_an_http2_connection() {
        for (http1, whole) in [(true, false), (false, true)] {
            let (near, mut far) = tokio::io::duplex(1024);
            let mut watched = Watched::new(near, Vec::new(), http1, Arc::default(), Duration::from_secs(60));
            let writing = tokio::spawn(async move { watched.write_all(&[0; 40_000]).await.is_ok() });
            let mut space = [0; 4096];
            while !writing.is_finished() && far.read_exact(&mut space).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(40)).await;
            }
            assert_eq!(writing.await.unwrap(), whole);
        }
    }
}
