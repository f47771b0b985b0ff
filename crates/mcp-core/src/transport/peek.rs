//! A link whose first input was looked at, and is handed over again.

use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use futures::future::BoxFuture;

use super::{Binding, Inbound, PeerEvidence, Transport, TransportError, TransportReceiver, TransportSender};

/// A link that shows what comes first on it before it is served, and delivers that input again. For
/// an [`Accept`](super::Accept) that decides by the first message how to serve the link.
///
/// ```
/// use std::sync::Arc;
/// use mcp_core::message::{Message, ProtocolVersion};
/// use mcp_core::server::Server;
/// use mcp_core::transport::{Accept, Inbound, Peek, Transport, async_trait};
///
/// /// Serves clients that begin with `initialize` by one server, and others by another one.
/// struct ByEra {
///     legacy: Server,
///     modern: Server,
/// }
///
/// #[async_trait]
/// impl Accept for ByEra {
///     async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
///         let mut link = Peek::new(link);
///         let legacy = match link.first().await {
///             Some(Inbound::Message { message: Message::Request(request), .. }) => request.method == "initialize",
///             _ => false,
///         };
///         let server = if legacy { &self.legacy } else { &self.modern };
///         server.serve(link).await;
///     }
///
///     fn versions(&self) -> &[ProtocolVersion] {
///         ProtocolVersion::ALL
///     }
/// }
/// ```
pub struct Peek {
    binding: Binding,
    evidence: Option<PeerEvidence>,
    sender: Box<dyn TransportSender>,
    receiver: Receiver,
}

struct Receiver {
    inner: Box<dyn TransportReceiver>,
    /// What was looked at and not delivered yet.
    first: Option<Result<Option<Inbound>, TransportError>>,
}

impl Peek {
    /// Wraps a link. Nothing is received yet.
    pub fn new(link: Box<dyn Transport>) -> Peek {
        let (binding, evidence) = (link.binding(), link.evidence());
        let (sender, inner) = link.split();
        Peek { binding, evidence, sender, receiver: Receiver { inner, first: None } }
    }

    /// Waits for the first input and returns it: always the same one. `None` if the link ended or failed before any:
    /// what is given the link learns why. Cancel-safe.
    pub async fn first(&mut self) -> Option<&Inbound> {
        if self.receiver.first.is_none() {
            self.receiver.first = Some(self.receiver.inner.recv().await);
        }
        match &self.receiver.first {
            Some(Ok(Some(inbound))) => Some(inbound),
            _ => None,
        }
    }

    /// Takes the first input off the link, so that [`first`](Peek::first) waits for the next one: for a link that begins with
    /// something that says nothing of how to serve it. `None` if nothing was looked at, or the link has ended.
    pub fn take_first(&mut self) -> Option<Inbound> {
        match self.receiver.first.take() {
            Some(Ok(Some(inbound))) => Some(inbound),
            ended => {
                self.receiver.first = ended;
                None
            }
        }
    }

    /// The sending half, to answer what was taken off the link.
    pub fn sender(&mut self) -> &mut dyn TransportSender {
        &mut *self.sender
    }
}

impl Transport for Peek {
    fn binding(&self) -> Binding {
        self.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (self.sender, Box::new(self.receiver))
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        self.evidence.clone()
    }
}

#[async_trait]
impl TransportReceiver for Receiver {
    // Written out, so that the future of the link itself is not boxed twice.
    fn recv<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<Option<Inbound>, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        if self.first.is_none() {
            return self.inner.recv();
        }
        // Taken by the poll, so that a future that is dropped before loses nothing.
        Box::pin(poll_fn(|_| Poll::Ready(self.first.take().unwrap_or(Ok(None)))))
    }
}

impl std::fmt::Debug for Peek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peek").field("binding", &self.binding).finish_non_exhaustive()
    }
}
