//! The server's side of stdio: the link over this process's own standard streams.

use std::sync::atomic::{AtomicBool, Ordering};

use mcp_core::transport::{Binding, Transport, TransportReceiver, TransportSender};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::StdioError;
use crate::limits::Limits;
use crate::stream::StreamTransport;
use crate::sys;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The link over stdin and stdout. Made by [`stdio`].
pub struct StdioTransport(Stream);

type Stream = StreamTransport<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

/// Takes the standard streams of this process over, for good, as a link.
///
/// From then on the wire is reached through private descriptors only. What a handler prints goes to
/// stderr (ledger STDIO-S-002, T-35), and reading stdin yields its end at once; so it is for child
/// processes. The end of stdin ends the receiving half (STDIO-S-011); replies still go out. A client that
/// has closed our stdout makes a send fail for good (FAULT C-19): a server then ends.
///
/// Nothing here keeps a runtime from shutting down or leaves `O_NONBLOCK` on a description that other
/// processes share: pipes are opened anew where the system allows it (Linux), and all else (files,
/// terminals, sockets) is read and written by threads.
///
/// # Errors
///
/// [`StdioError::Taken`] on the second call in one process; [`StdioError::Streams`] if the descriptors
/// cannot be had.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
pub fn stdio() -> Result<StdioTransport, StdioError> {
    if TAKEN.swap(true, Ordering::AcqRel) {
        return Err(StdioError::Taken);
    }
    open().map_err(StdioError::Streams)
}

fn open() -> std::io::Result<StdioTransport> {
    let (input, output) = sys::take_stdio()?;
    let stream = StreamTransport::new(sys::stdio_reader(input)?, sys::stdio_writer(output)?);
    Ok(StdioTransport(stream.named("stdio")))
}

impl StdioTransport {
    /// The link with other limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> StdioTransport {
        StdioTransport(self.0.limits(limits))
    }
}

impl Transport for StdioTransport {
    fn binding(&self) -> Binding {
        self.0.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        Box::new(self.0).split()
    }
}
