//! MCP over sketch, whose frames arrive whole and in order.
//!
//! Document here what a frame is, who may connect, and which limits hold. The steps below are those of
//! docs/writing-a-transport.md.

use std::sync::Arc;
use std::time::Duration;

use futures::{sink, stream};
use mcp_core::transport::framed::Framed;
use mcp_core::transport::{Accept, Connect, ConnectError, Transport, TransportError, async_trait};

/// The client: makes a new link for each call of `connect`.
#[derive(Clone, Debug)]
pub struct SketchClient {
    address: String,
}

impl SketchClient {
    /// A client for the server at this address.
    pub fn new(address: impl Into<String>) -> SketchClient {
        SketchClient { address: address.into() }
    }
}

#[async_trait]
impl Connect for SketchClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        // Step 4: open the carrier at this address, and return `Ok(Box::new(link(Carrier {}, false)))`. An error that may pass is
        // `unreachable`, any other `unusable`.
        let _unused = &self.address;
        Err(ConnectError::unusable(unwritten("connect")))
    }
}

/// The listener: accepts a link for each peer.
#[derive(Debug)]
pub struct SketchServer {
    address: String,
}

impl SketchServer {
    /// Listens at this address.
    ///
    /// # Errors
    ///
    /// Those of the carrier.
    pub async fn bind(address: impl Into<String>) -> std::io::Result<SketchServer> {
        // Step 5: clients must be able to connect once this has returned.
        Ok(SketchServer { address: address.into() })
    }

    /// The address that it listens at.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Passes every link to `accept`, until the future is dropped; then the links are dropped too.
    pub async fn serve(self, accept: impl Accept) {
        // Step 5: for each peer, concurrently: `accept.clone().accept(Box::new(link(Carrier {}, true))).await`.
        let _unused = Arc::new(accept);
    }
}

/// How long closing waits for the carrier.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The connection: what reads and writes frames.
#[derive(Debug)]
pub struct Carrier {}

/// One end of a link over this connection.
pub fn link(carrier: Carrier, is_server: bool) -> Framed<String> {
    // Step 3: split the carrier. A library for it often has a `Sink` and a `Stream` already.
    let _unused = carrier;
    let (sink, stream) = (sink::unfold(Writer {}, Writer::write), stream::unfold(Reader {}, Reader::next));
    let end = if is_server { Framed::server } else { Framed::client };
    end("sketch", sink, stream).close_within(|| tokio::time::sleep(CLOSE_LIMIT))
}

struct Writer {}

impl Writer {
    /// Writes the text of one message.
    async fn write(self, _text: String) -> Result<Writer, TransportError> {
        Err(unwritten("write"))
    }
}

struct Reader {}

impl Reader {
    /// The next text; `None` at a clean end. The stream keeps this future, so it may await several times.
    async fn next(self) -> Option<(Result<String, TransportError>, Reader)> {
        // Step 3: bound the length of a frame.
        Some((Err(unwritten("next")), self))
    }
}

fn unwritten(what: &str) -> TransportError {
    TransportError::new(format!("{what} is not written yet (src/lib.rs)"))
}
