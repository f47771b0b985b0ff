//! The compliance kit over the links of `mcp-stdio`: in-memory streams, streams in drops, real sockets.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use mcp_core::testkit::compliance::{self, Failure, Fixture, Wire};
use mcp_core::testkit::fault::Trickle;
use mcp_core::transport::{Accept, Connect, ConnectError, Transport, async_trait};
use mcp_stdio::StreamTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

fn link(stream: DuplexStream) -> impl Transport {
    let (reader, writer) = tokio::io::split(stream);
    StreamTransport::new(reader, writer).named("duplex")
}

/// Lines over an in-memory stream, with a raw end for batches and bad input.
struct Lines;

#[async_trait]
impl Fixture for Lines {
    fn name(&self) -> &str {
        "lines"
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let (near, far) = tokio::io::duplex(1024);
        tokio::spawn(server.accept(Box::new(link(far))));
        Ok(Box::new(compliance::once(link(near))))
    }

    async fn wire(&self, server: Arc<dyn Accept>) -> Result<Option<Box<dyn Wire>>, Failure> {
        let (near, far) = tokio::io::duplex(1024);
        tokio::spawn(server.accept(Box::new(link(far))));
        Ok(Some(Box::new(RawLines { stream: near, read: BytesMut::new() })))
    }
}

struct RawLines {
    stream: DuplexStream,
    read: BytesMut,
}

#[async_trait]
impl Wire for RawLines {
    async fn write(&mut self, text: Bytes) -> Result<(), Failure> {
        self.stream.write_all(&text).await?;
        Ok(self.stream.write_all(b"\n").await?)
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end).freeze();
                self.read.advance(1);
                return Ok(Some(line));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// STDIO-B-014, STDIO-B-015: every promise, raw input included.
#[tokio::test(start_paused = true)]
async fn lines_over_a_stream_keep_every_promise() {
    let report = compliance::run(&Lines).await;
    report.assert_passed();
    let skipped: Vec<_> = report.skipped().map(|check| check.name).collect();
    let lanes = [
        "equal ids on two lanes are two calls",
        "a lane is over after its last message",
        "what has nowhere to go is rejected at once",
    ];
    assert_eq!(skipped, lanes);
}

/// FAULT C-5, FAULT C-6: one byte at a time, with a dropped future in between each: no frame is torn.
#[tokio::test(start_paused = true)]
async fn lines_in_drops_lose_nothing() {
    let fixture = compliance::pairs("drops", || async {
        let (near, far) = tokio::io::duplex(64);
        let (near, far) = (tokio::io::split(near), tokio::io::split(far));
        let client = StreamTransport::new(Trickle::new(near.0), Trickle::new(near.1));
        let server = StreamTransport::new(Trickle::new(far.0), Trickle::new(far.1));
        Ok((client, server))
    });
    // Every byte costs some turns; a few thousand of them are many times what the stream holds.
    let fixture = fixture.large(16 << 10);
    compliance::run_some(&fixture, |promise, _| promise == 7).await.assert_passed();
}

/// A listener on a real socket, which can be connected to again and again.
struct Sockets;

struct Dial(std::net::SocketAddr, Option<tokio::task::AbortHandle>);

impl Drop for Dial {
    fn drop(&mut self) {
        if let Some(listener) = self.1.take() {
            listener.abort();
        }
    }
}

#[async_trait]
impl Connect for Dial {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let stream = TcpStream::connect(self.0).await;
        let stream = stream.map_err(|error| ConnectError::Unreachable(error.into()))?;
        Ok(Box::new(mcp_stdio::tcp(stream)))
    }
}

#[async_trait]
impl Fixture for Sockets {
    fn name(&self) -> &str {
        "sockets"
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().accept(Box::new(mcp_stdio::tcp(stream))));
            }
        });
        Ok(Box::new(Dial(address, Some(listening.abort_handle()))))
    }
}

/// The same over TCP, on a runtime with threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_over_a_socket_keep_every_promise() {
    compliance::run(&Sockets).await.assert_passed();
}
