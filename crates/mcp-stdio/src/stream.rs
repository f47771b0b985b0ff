//! MCP over any reliable byte stream: one message, one line.
// STDIO-B-014, STDIO-B-015.

use std::sync::Arc;

use mcp_core::transport::{
    Binding, Connect, ConnectError, Envelope, PeerEvidence, Transport, TransportReceiver, TransportSender,
    async_trait,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::evidence::{self, Witness};
use crate::limits::Limits;
use crate::reader::LineReader;
use crate::silence::{BoundedReader, SilenceLimits};
use crate::skipped::SkippedLines;
use crate::writer::LineWriter;

/// A link over a reader and a writer, for clients and servers.
///
/// The link is continuous and ordered, and a request is cancelled by a notification. The end of the input ends it.
/// A stream that is not `Unpin` can be used after [`Box::pin`].
///
/// ```
/// use mcp_core::transport::Transport;
/// use mcp_stdio::StreamTransport;
///
/// let (ours, _theirs) = tokio::io::duplex(4096);
/// let (reader, writer) = tokio::io::split(ours);
/// let link = StreamTransport::new(reader, writer).named("duplex");
/// assert_eq!(link.binding().name, "duplex");
/// ```
#[derive(Debug)]
pub struct StreamTransport<R, W> {
    reader: R,
    writer: W,
    name: &'static str,
    limits: Limits,
    envelope: Envelope,
    silence: Option<SilenceLimits>,
    /// The record of unreadable lines, on a client's link.
    witness: Option<Arc<Witness>>,
}

impl<R, W> StreamTransport<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    /// A link that reads from `reader` and writes to `writer`.
    pub fn new(reader: R, writer: W) -> StreamTransport<R, W> {
        StreamTransport {
            reader,
            writer,
            name: "stream",
            limits: Limits::default(),
            envelope: Envelope::default(),
            silence: None,
            witness: None,
        }
    }

    /// Sets the name of the link in logs. Default: `stream`.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Sets the limits of the byte stream.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Closes the link if the peer is silent for too long.
    pub(crate) fn silence(mut self, silence: SilenceLimits) -> Self {
        self.silence = Some(silence);
        self
    }

    /// A client's link: lines that are not MCP are quoted, counted, and searched for the id of a call.
    fn for_client(mut self) -> Self {
        self.witness = Some(Arc::default());
        self
    }

    /// Sets the envelope of every message that is received, such as the identity of the peer.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Self {
        self.envelope = envelope;
        self
    }
}

impl<R, W> Transport for StreamTransport<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    fn binding(&self) -> Binding {
        Binding::STREAM.named(self.name)
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        self.witness.as_ref().map(evidence::of)
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let writer = LineWriter::new(self.writer);
        let mut reader = LineReader::new(self.reader, self.limits, self.envelope);
        if let Some(witness) = self.witness {
            reader = reader.explaining(SkippedLines::new(witness));
        }
        match self.silence {
            Some(silence) => (Box::new(writer), Box::new(BoundedReader::new(reader, silence))),
            None => (Box::new(writer), Box::new(reader)),
        }
    }
}

/// A link over a TCP connection. Sets `TCP_NODELAY`.
pub fn tcp(stream: TcpStream) -> StreamTransport<impl AsyncRead + Unpin, impl AsyncWrite + Unpin> {
    // Without it only latency suffers.
    let _slower = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    StreamTransport::new(reader, writer).named("tcp")
}

/// A link over a Unix socket.
#[cfg(unix)]
pub fn unix(
    stream: tokio::net::UnixStream,
) -> StreamTransport<impl AsyncRead + Unpin, impl AsyncWrite + Unpin> {
    let (reader, writer) = stream.into_split();
    StreamTransport::new(reader, writer).named("unix")
}

/// Connects once, over an existing link. A second connect is [`ConnectError::AlreadyUsed`].
pub struct StreamConnect(Option<Box<dyn Transport>>);

impl StreamConnect {
    /// A connector that returns this link. A line that cannot be read fails the call whose id it shows, and errors of
    /// time quote the first such line.
    pub fn new<R, W>(link: StreamTransport<R, W>) -> StreamConnect
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        StreamConnect(Some(Box::new(link.for_client())))
    }
}

#[async_trait]
impl Connect for StreamConnect {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.0.take().ok_or(ConnectError::AlreadyUsed)
    }
}
