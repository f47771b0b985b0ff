//! MCP over sketch.
//!
//! Document here what a frame is, who may connect, and which limits hold. The steps below are those of
//! docs/writing-a-transport.md.

use std::sync::Arc;

use mcp_core::transport::{
    Accept, Binding, CloseReport, Connect, ConnectError, Inbound, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender, async_trait,
};

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
        // Step 4: open the carrier at this address, and return `Ok(Box::new(link))`. An error that may pass is
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
        // Step 5: for each peer, concurrently: `accept.clone().accept(Box::new(link)).await`.
        let _unused = Arc::new(accept);
    }
}

/// One end of a link.
///
/// Step 3: this template implements the trait itself. For frames there is glue, which replaces this type and its two
/// halves: `--kind frames` and `--kind lanes`.
#[derive(Debug)]
pub struct Link {}

impl Transport for Link {
    fn binding(&self) -> Binding {
        // Step 2: the properties of the carrier.
        Binding::STREAM.named("sketch")
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(Sender {}), Box::new(Receiver {}))
    }
}

struct Sender {}

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, _out: Outbound) -> Result<(), SendError> {
        Err(SendError::fatal(unwritten("send")))
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        // Step 6: bounded in time; a second call reports the same.
        Ok(CloseReport::default())
    }
}

struct Receiver {}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        // Step 3: store what was taken from the carrier in `self` before the next await.
        Err(unwritten("recv"))
    }
}

fn unwritten(what: &str) -> TransportError {
    TransportError::new(format!("{what} is not written yet (src/lib.rs)"))
}
