//! The byte stream below HTTP: TCP, TLS, or whatever a caller dials.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Io;

/// A stream without TLS of ours.
pub(super) enum Plain {
    Tcp(TcpStream),
    Dialled(Box<dyn Io>),
}

/// What HTTP runs over.
pub(super) enum Stream {
    Plain(Plain),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<Plain>>),
}

macro_rules! each {
    ($self:ident, $enum:ident, $($(#[$meta:meta])* $variant:ident),+; $inner:ident => $call:expr) => {
        match $self.get_mut() {
            $($(#[$meta])* $enum::$variant($inner) => $call,)+
        }
    };
}

macro_rules! forward {
    ($name:ident: $($(#[$meta:meta])* $variant:ident),+) => {
        impl AsyncRead for $name {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                each!(self, $name, $($(#[$meta])* $variant),+; io => Pin::new(io).poll_read(cx, buf))
            }
        }

        impl AsyncWrite for $name {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                each!(self, $name, $($(#[$meta])* $variant),+; io => Pin::new(io).poll_write(cx, bytes))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                each!(self, $name, $($(#[$meta])* $variant),+; io => Pin::new(io).poll_flush(cx))
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                each!(self, $name, $($(#[$meta])* $variant),+; io => Pin::new(io).poll_shutdown(cx))
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                each!(self, $name, $($(#[$meta])* $variant),+; io => Pin::new(io).poll_write_vectored(cx, slices))
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $($(#[$meta])* $name::$variant(io) => io.is_write_vectored(),)+
                }
            }
        }
    };
}

/// How many bytes one turn of a connection may read. Without a bound, a peer that always has more keeps its task busy,
/// and no timer of that task fires.
pub(super) const TURN: usize = 64 << 10;

/// What one connection reads: how much it may in this turn, and how much it has since its request began.
#[derive(Debug, Default)]
pub(super) struct ReadMeter {
    left: AtomicUsize,
    held_back: AtomicBool,
    read: AtomicUsize,
}

impl ReadMeter {
    /// A turn begins.
    pub(super) fn refill(&self) {
        self.left.store(TURN, Ordering::Relaxed);
    }

    /// Whether a read was held back since this was asked last. No waker is registered for what was held back.
    pub(super) fn take_held_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed) && self.held_back.swap(false, Ordering::Relaxed)
    }

    /// A request begins.
    pub(super) fn start_request(&self) {
        self.read.store(0, Ordering::Relaxed);
    }

    /// The bytes that were read since the request began.
    pub(super) fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }

    // Only the connection's own task reads, so that plain loads and stores do.
    fn count(&self, bytes: usize) {
        self.left.store(self.left.load(Ordering::Relaxed).saturating_sub(bytes), Ordering::Relaxed);
        self.read.store(self.read.load(Ordering::Relaxed).saturating_add(bytes), Ordering::Relaxed);
    }
}

/// A stream whose reads are metered.
pub(super) struct Metered {
    stream: Stream,
    meter: Arc<ReadMeter>,
}

impl Metered {
    pub(super) fn new(stream: Stream, meter: Arc<ReadMeter>) -> Metered {
        Metered { stream, meter }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.left.load(Ordering::Relaxed) == 0 {
            self.meter.held_back.store(true, Ordering::Relaxed);
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        if poll.is_ready() {
            self.meter.count(buf.filled().len() - before);
        }
        poll
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

forward!(Plain: Tcp, Dialled);
forward!(Stream: Plain, #[cfg(feature = "tls")] Tls);
