//! MCP over sketch, whose frames name a lane, and may overtake frames of other lanes.
//!
//! Document here what a frame is, who may connect, and which limits hold. The steps below are those of
//! docs/writing-a-transport.md.

use std::sync::Arc;
use std::time::Duration;

use futures::{sink, stream};
use mcp_core::transport::lanes::{LaneFrame, Laned};
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
pub fn link(carrier: Carrier, is_server: bool) -> Laned<Vec<u8>> {
    // Step 3: split the carrier. A library for it often has a `Sink` and a `Stream` already.
    let _unused = carrier;
    let (sink, stream) = (sink::unfold(Writer {}, Writer::write), stream::unfold(Reader {}, Reader::next));
    let end = if is_server { Laned::server } else { Laned::client };
    end("sketch", sink, stream).close_within(|| tokio::time::sleep(CLOSE_LIMIT))
}

struct Writer {}

impl Writer {
    /// Writes one frame: its lane, its kind, and the text of a message.
    async fn write(self, frame: LaneFrame<Vec<u8>>) -> Result<Writer, TransportError> {
        let _lane = frame.lane().number();
        match frame {
            LaneFrame::Message { .. } | LaneFrame::End { .. } => {}
            // The last frame of this end: deliver it after all others.
            LaneFrame::Close => {}
            // `Laned` never sends it.
            LaneFrame::Taken { .. } => {}
        }
        Err(unwritten("write"))
    }
}

struct Reader {}

impl Reader {
    /// The next frame; `None` at a clean end. The stream keeps this future, so it may await several times.
    async fn next(self) -> Option<(Result<LaneFrame<Vec<u8>>, TransportError>, Reader)> {
        // Step 3: bound the length of a frame. On a server, send `Taken` for the lane of the previous message, unless it
        // was a request; the documentation of `lanes` has other ways.
        Some((Err(unwritten("next")), self))
    }
}

fn unwritten(what: &str) -> TransportError {
    TransportError::new(format!("{what} is not written yet (src/lib.rs)"))
}
