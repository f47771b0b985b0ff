//! Byte streams that behave badly, within what a byte stream may do.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One byte at a time each way, and `Pending` before each: every await point of a reader or a writer is
/// reached at every byte (FAULT C-5, C-6).
#[derive(Debug)]
pub struct Trickle<T> {
    inner: T,
    read_paused: bool,
    write_paused: bool,
}

impl<T> Trickle<T> {
    /// The stream, in drops.
    pub fn new(inner: T) -> Trickle<T> {
        Trickle { inner, read_paused: false, write_paused: false }
    }
}

/// Every other time: not now, but at once.
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

/// A stream that ends after so many bytes: reading finds the end there, in the middle of a line if it
/// must be; writing fails with `BrokenPipe` (FAULT C-4, C-19).
#[derive(Debug)]
pub struct CutAfter<T> {
    inner: T,
    read_left: u64,
    write_left: u64,
}

impl<T> CutAfter<T> {
    /// Reads `bytes`, then the end. Writes are not limited.
    pub fn reading(inner: T, bytes: u64) -> CutAfter<T> {
        CutAfter { inner, read_left: bytes, write_left: u64::MAX }
    }

    /// Writes `bytes`, then an error. Reads are not limited.
    pub fn writing(inner: T, bytes: u64) -> CutAfter<T> {
        CutAfter { inner, read_left: u64::MAX, write_left: bytes }
    }
}

/// As a size that does not overflow.
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

/// A stream whose reading side can be shut and opened: a peer that does not read, for as long as the
/// test wants, without a sleep (FAULT C-12, C-13).
#[derive(Debug)]
pub struct Valve<T> {
    inner: T,
    state: Arc<Mutex<State>>,
}

/// Opens and shuts a [`Valve`].
#[derive(Clone, Debug)]
pub struct ValveHandle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    shut: bool,
    waiting: Option<Waker>,
}

impl<T> Valve<T> {
    /// The stream, open at first.
    pub fn new(inner: T) -> (Valve<T>, ValveHandle) {
        let state = Arc::new(Mutex::new(State::default()));
        (Valve { inner, state: state.clone() }, ValveHandle(state))
    }
}

impl ValveHandle {
    /// Nothing is read until it is opened.
    pub fn shut(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).shut = true;
    }

    /// Reading goes on.
    pub fn open(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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
