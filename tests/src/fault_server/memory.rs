//! Connections in memory, for tests in which time stands still.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use mcp_core::transport::async_trait;
use mcp_http::net::{Dial, Io};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;

use super::Wire;

/// How much either side may write before the other has to read.
const PIPE: usize = 64 << 10;

/// Opens connections to one server in memory.
#[derive(Clone, Debug)]
pub struct MemoryDial(pub(super) mpsc::UnboundedSender<Far>);

#[async_trait]
impl Dial for MemoryDial {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let (near, far) = tokio::io::duplex(PIPE);
        let reset = Arc::new(AtomicBool::new(false));
        self.0.send(Far { pipe: far, reset: reset.clone() }).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(Box::new(Near { pipe: near, reset }))
    }
}

/// The client's end. Once the server has reset the connection, nothing that was in it is read any more.
struct Near {
    pipe: DuplexStream,
    reset: Arc<AtomicBool>,
}

impl Near {
    fn alive(&self) -> io::Result<()> {
        if self.reset.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Near {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// The server's end.
#[derive(Debug)]
pub(super) struct Far {
    pub(super) pipe: DuplexStream,
    pub(super) reset: Arc<AtomicBool>,
}

impl AsyncRead for Far {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Far {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

impl Wire for Far {
    fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }
}
