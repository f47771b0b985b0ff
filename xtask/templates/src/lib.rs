//! MCP over sketch.
//!
//! Say here what a frame is, who may connect, and what is bounded by what. The steps below are those of
//! docs/writing-a-transport.md.

use mcp_core::transport::{
    Accept, Binding, CloseReport, Connect, ConnectError, Inbound, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender, async_trait,
};

/// The client: makes a link each time it is asked.
#[derive(Clone, Debug)]
pub struct SketchClient {
    address: String,
}

impl SketchClient {
    /// Will connect to this address.
    pub fn new(address: impl Into<String>) -> SketchClient {
        SketchClient { address: address.into() }
    }
}

#[async_trait]
impl Connect for SketchClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        // Step 4: open the carrier at this address, and return `Ok(Box::new(link))`. What may work later is
        // `Unreachable`, what never will is `Unusable`.
        let _not_used_yet = &self.address;
        Err(ConnectError::Unusable(unwritten("connect")))
    }
}

/// The listener: hands on a link for each peer.
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
        // Step 5: clients can connect once this has returned.
        Ok(SketchServer { address: address.into() })
    }

    /// Where it listens, for clients.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Hands every link to `accept`, until the future is dropped; then the links are dropped too.
    pub async fn serve(self, accept: impl Accept) {
        // Step 5: for each peer, beside the others, `accept.clone().accept(Box::new(link)).await`.
        let _not_used_yet = accept;
    }
}

/// One end of a link.
///
/// Step 3: for a byte stream and for frames there is glue, and then neither this nor the two halves is needed.
#[derive(Debug)]
pub struct Link {}

impl Transport for Link {
    fn binding(&self) -> Binding {
        // Step 2: what is true of the carrier.
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
        Err(SendError::Fatal(unwritten("send")))
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        // Step 6: bounded in time, and the same when asked again.
        Ok(CloseReport::default())
    }
}

struct Receiver {}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        // Step 3: whatever was taken from the carrier lives in `self` before the next await.
        Err(unwritten("recv"))
    }
}

fn unwritten(what: &str) -> TransportError {
    TransportError::new(format!("{what} is not written yet (src/lib.rs)"))
}
