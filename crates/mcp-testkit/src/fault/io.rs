//! Byte streams that behave badly, within what the contract of a byte stream allows.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::lock::Lock;

// FAULT C-5, C-6.
/// Transfers one byte at a time each way, with a `Pending` before each, so that a reader and a writer reach every await
/// point at every byte.
#[derive(Debug)]
pub struct Trickle<T> {
    inner: T,
    read_paused: bool,
    write_paused: bool,
}

impl<T> Trickle<T> {
    /// A stream that yields one byte at a time.
    pub fn new(inner: T) -> Trickle<T> {
        Trickle { inner, read_paused: false, write_paused: false }
    }
}

/// Every other poll is pending and wakes the task at once.
fn pause(paused: &mut bool, cx: &Context<'_>) -> bool {
    *paused = !*paused;
    if *paused {
        cx.waker().wake_by_ref();
    }
    *paused
}

impl<T: AsyncRead + Unpin> AsyncRead for Trickle<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if pause(&mut self.read_paused, cx) {
            return Poll::Pending;
        }
        let mut byte = [0_u8; 1];
        let mut one = ReadBuf::new(&mut byte[..buf.remaining().min(1)]);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut one))?;
        buf.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Trickle<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if pause(&mut self.write_paused, cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_write(cx, &buf[..buf.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

// FAULT C-4, C-19.
/// A stream that ends after a number of bytes, even in the middle of a line. Reads find the end there; writes fail with
/// `BrokenPipe`.
#[derive(Debug)]
pub struct CutAfter<T> {
    inner: T,
    read_left: u64,
    write_left: u64,
}

impl<T> CutAfter<T> {
    /// Reads `bytes` bytes, then the end. Writes are not limited.
    pub fn reading(inner: T, bytes: u64) -> CutAfter<T> {
        CutAfter { inner, read_left: bytes, write_left: u64::MAX }
    }

    /// Writes `bytes` bytes, then fails. Reads are not limited.
    pub fn writing(inner: T, bytes: u64) -> CutAfter<T> {
        CutAfter { inner, read_left: u64::MAX, write_left: bytes }
    }
}

/// Converts to `usize`, saturating.
fn at_most(len: usize, left: u64) -> usize {
    usize::try_from(left).map_or(len, |left| len.min(left))
}

impl<T: AsyncRead + Unpin> AsyncRead for CutAfter<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = at_most(buf.remaining(), self.read_left);
        if room == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut space = vec![0_u8; room];
        let mut part = ReadBuf::new(&mut space);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        self.read_left -= part.filled().len() as u64;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for CutAfter<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let room = at_most(buf.len(), self.write_left);
        if room == 0 && !buf.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, &buf[..room]))?;
        self.write_left -= written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

// FAULT C-12, C-13.
/// A stream whose reading side can be closed and opened. It simulates a peer that does not read, without a sleep.
#[derive(Debug)]
pub struct Valve<T> {
    inner: T,
    state: Arc<Lock<State>>,
}

/// Opens and closes a [`Valve`].
#[derive(Clone, Debug)]
pub struct ValveHandle(Arc<Lock<State>>);

#[derive(Debug, Default)]
struct State {
    shut: bool,
    waiting: Option<Waker>,
}

impl<T> Valve<T> {
    /// The stream, initially open.
    pub fn new(inner: T) -> (Valve<T>, ValveHandle) {
        let state = Arc::new(Lock::new(State::default()));
        (Valve { inner, state: state.clone() }, ValveHandle(state))
    }
}

impl ValveHandle {
    /// Closes the valve: reads are pending until it is opened.
    pub fn shut(&self) {
        self.0.lock().shut = true;
    }

    /// Opens the valve: reads continue.
    pub fn open(&self) {
        let mut state = self.0.lock();
        state.shut = false;
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Valve<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        {
            let mut state = self.state.lock();
            if state.shut {
                state.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Valve<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
