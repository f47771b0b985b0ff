//! A link that has one input.

use async_trait::async_trait;
use mcp_core::transport::{
    Binding, CloseReport, Inbound, Outbound, SendError, Transport, TransportError, TransportReceiver,
    TransportSender,
};
use tokio::sync::mpsc;

/// A link that delivers one input and ends, and collects what is sent.
pub(crate) struct Once {
    input: Option<Inbound>,
    sent: mpsc::UnboundedSender<Outbound>,
}

impl Once {
    /// A link with this input, and what is sent on it: the few answers to one message.
    pub(crate) fn new(input: Inbound) -> (Once, mpsc::UnboundedReceiver<Outbound>) {
        let (sent, answers) = mpsc::unbounded_channel();
        (Once { input: Some(input), sent }, answers)
    }
}

impl Transport for Once {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(Sender(self.sent)), Box::new(Receiver(self.input)))
    }
}

struct Sender(mpsc::UnboundedSender<Outbound>);

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        self.0.send(out).map_err(|_| SendError::fatal("the answers are not read"))
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        Ok(CloseReport::default())
    }
}

struct Receiver(Option<Inbound>);

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        Ok(self.0.take())
    }
}
