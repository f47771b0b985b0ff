//! The link of a session, as the transport contract defines it.

use std::future::poll_fn;
use std::sync::Arc;

use futures::future::BoxFuture;
use mcp_core::transport::{
    AbandonBy, Binding, CloseReport, Inbound, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, async_trait,
};

use super::session::Session;

/// Legacy requests copy nothing into headers, and are cancelled by a message. POSTs may overtake each other.
const BINDING: Binding = Binding::new("http").abandon(AbandonBy::Message);

/// The link of a session. Dropping it, or one of its halves, ends the session.
pub(super) struct Link(Half);

struct Half(Arc<Session>);

impl Link {
    pub(super) fn new(session: Arc<Session>) -> Link {
        Link(Half(session))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Transport for Link {
    fn binding(&self) -> Binding {
        BINDING
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let session = self.0.0.clone();
        (Box::new(Sender(Half(session))), Box::new(Receiver(self.0)))
    }
}

struct Sender(Half);

#[async_trait]
impl TransportSender for Sender {
    fn send<'s, 'f>(&'s mut self, out: Outbound) -> BoxFuture<'f, Result<(), SendError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.0.0.send(out)
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.0.0.close();
        Ok(CloseReport::default())
    }
}

struct Receiver(Half);

#[async_trait]
impl TransportReceiver for Receiver {
    // Written out, so that the boxed future holds a pointer and not a message.
    fn recv<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<Option<Inbound>, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        let session = &self.0.0;
        Box::pin(poll_fn(|cx| session.poll_inbound(cx)))
    }
}
