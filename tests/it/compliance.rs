//! The compliance kit over every kind of link there is: the in-memory pair, and the links of `mcp-stdio` over
//! in-memory streams, streams in drops, pipes, Unix sockets and TCP.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use mcp_core::transport::{Accept, Binding, Connect, ConnectError, Transport, async_trait, memory};
use mcp_stdio::{Limits, StreamTransport};
use mcp_testkit::compliance::{self, Failure, Fixture, Wire};
use mcp_testkit::conversation;
use mcp_testkit::fault::Trickle;
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
        "a message without a route is rejected at once",
    ];
    assert_eq!(skipped, lanes);
}

/// A client and a server talk over lines, in both eras: list, call, progress, cancel, input, listen.
#[tokio::test(start_paused = true)]
async fn a_whole_conversation_over_lines() {
    conversation::run(&Lines).await.assert_passed();
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

/// RPC-B-013: the in-memory pair keeps every promise, as a stream and as a binding of single exchanges.
#[tokio::test(start_paused = true)]
async fn the_pair_in_memory_keeps_every_promise() {
    let exchanges = Binding::new("exchanges").mirrors(true);
    for binding in [Binding::STREAM, exchanges] {
        let fixture = compliance::pairs(binding.name, move || async move { Ok(memory::pair(binding)) });
        compliance::run(&fixture).await.assert_passed();
    }
}

/// Over two pipes of the operating system, one each way, as a child process has them.
#[cfg(unix)]
#[tokio::test]
async fn lines_over_pipes_keep_every_promise() {
    let fixture = compliance::pairs("pipes", || async {
        let (up_in, up_out) = tokio::net::unix::pipe::pipe()?;
        let (down_in, down_out) = tokio::net::unix::pipe::pipe()?;
        Ok((StreamTransport::new(down_out, up_in), StreamTransport::new(up_out, down_in)))
    });
    compliance::run(&fixture).await.assert_passed();
}

/// Where a listener is, and the task that serves it.
type Listening<A> = Result<(A, tokio::task::JoinHandle<()>), Failure>;

/// A listener on a real socket, which can be connected to again and again.
struct Sockets<A> {
    name: &'static str,
    listen: fn(Arc<dyn Accept>) -> Listening<A>,
}

/// Where the listener is. It is stopped with the connector.
struct Dial<A> {
    address: A,
    listener: tokio::task::AbortHandle,
}

impl<A> Drop for Dial<A> {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

#[async_trait]
impl Connect for Dial<std::net::SocketAddr> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.map_err(|error| ConnectError::Unreachable(error.into()))?;
        Ok(Box::new(mcp_stdio::tcp(stream)))
    }
}

#[cfg(unix)]
#[async_trait]
impl Connect for Dial<tempfile::TempDir> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let stream = tokio::net::UnixStream::connect(self.address.path().join("socket")).await;
        let stream = stream.map_err(|error| ConnectError::Unreachable(error.into()))?;
        Ok(Box::new(mcp_stdio::unix(stream)))
    }
}

#[async_trait]
impl<A: Send + Sync + 'static> Fixture for Sockets<A>
where
    Dial<A>: Connect,
{
    fn name(&self) -> &str {
        self.name
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let (address, listening) = (self.listen)(server)?;
        Ok(Box::new(Dial { address, listener: listening.abort_handle() }))
    }
}

/// The same over TCP, on a runtime with threads, behind the listener that comes with the crate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_over_tcp_keep_every_promise() {
    let fixture = Sockets {
        name: "tcp",
        listen: |server| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            let listener = TcpListener::from_std(listener)?;
            Ok((
                address,
                tokio::spawn(async move {
                    mcp_stdio::serve_tcp(listener, Limits::default(), server).await.unwrap();
                }),
            ))
        },
    };
    compliance::run(&fixture).await.assert_passed();
}

/// The same over Unix sockets.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_over_unix_sockets_keep_every_promise() {
    let fixture = Sockets {
        name: "unix",
        listen: |server| {
            let folder = tempfile::tempdir()?;
            let listener = tokio::net::UnixListener::bind(folder.path().join("socket"))?;
            Ok((
                folder,
                tokio::spawn(async move {
                    mcp_stdio::serve_unix(listener, Limits::default(), server).await.unwrap();
                }),
            ))
        },
    };
    compliance::run(&fixture).await.assert_passed();
}
