//! The server's side of stdio: the link over this process's own standard streams.

use std::sync::atomic::{AtomicBool, Ordering};

use mcp_core::transport::{Binding, Transport, TransportReceiver, TransportSender};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::StdioError;
use crate::limits::Limits;
use crate::stream::StreamTransport;
use crate::sys;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The link over stdin and stdout. Created by [`stdio`].
pub struct StdioTransport(Stream);

type Stream = StreamTransport<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

/// Takes over the standard streams of this process as a link, for the rest of its life.
///
/// Afterwards only private descriptors reach the client. What a handler prints to stdout goes to stderr, and reading
/// stdin returns its end at once, also in child processes. The end of stdin ends the receiving half; replies are
/// still sent. Once the client has closed our stdout every send fails, and a server ends.
///
/// The link does not delay the shutdown of a runtime, and leaves no `O_NONBLOCK` on a description that other processes
/// share: pipes are reopened where the system allows it (Linux); files, terminals and sockets are read and written by
/// threads.
// STDIO-S-002, T-35, STDIO-S-011, FAULT C-19.
///
/// # Errors
///
/// [`StdioError::Taken`] on the second call in one process; [`StdioError::Streams`] if the descriptors
/// cannot be duplicated.
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
    /// Sets the limits of the byte stream.
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
