//! For tests: a link that has no way for one method, as HTTP has none to a client without a stream.

use crate::message::Message;
use crate::transport::{
    Binding, CloseReport, Connect, ConnectError, LossKind, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, async_trait,
};

/// Rejects requests of this method; everything else passes.
pub(crate) struct Rejecting<T> {
    inner: T,
    method: &'static str,
}

impl<T> Rejecting<T> {
    pub(crate) fn new(inner: T, method: &'static str) -> Rejecting<T> {
        Rejecting { inner, method }
    }
}

#[async_trait]
impl<C: Connect> Connect for Rejecting<C> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Ok(Box::new(Rejecting::new(self.inner.connect().await?, self.method)))
    }
}

impl Transport for Rejecting<Box<dyn Transport>> {
    fn binding(&self) -> Binding {
        self.inner.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, receiver) = self.inner.split();
        (Box::new(Rejecting::new(sender, self.method)), receiver)
    }
}

#[async_trait]
impl TransportSender for Rejecting<Box<dyn TransportSender>> {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        match &out {
            Outbound::Message { message: Message::Request(request), .. } if request.method == self.method => {
                Err(SendError::rejected(LossKind::NoRoute, "no stream to the client"))
            }
            _ => self.inner.send(out).await,
        }
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.inner.close().await
    }
}
