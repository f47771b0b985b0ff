//! The byte stream below HTTP: TCP, TLS, or whatever a caller dials.

use std::io;
use std::pin::Pin;
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

forward!(Plain: Tcp, Dialled);
forward!(Stream: Plain, #[cfg(feature = "tls")] Tls);
