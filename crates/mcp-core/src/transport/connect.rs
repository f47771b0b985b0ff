//! The sources of links: a client connects, a listener accepts.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::message::{ProtocolVersion, RawJson};

use super::{ConnectError, Envelope, Transport};

/// Opens links to one server, one at a time. Implemented by the client's side of a transport.
#[async_trait]
pub trait Connect: Send + 'static {
    /// Opens a link. Called again after a link has ended.
    ///
    /// **Cancel-safe**: dropping the future leaks neither a process nor a connection (promise 8).
    ///
    /// # Errors
    ///
    /// The error says whether a later attempt may succeed. A connector over a single stream returns
    /// [`ConnectError::AlreadyUsed`] from the second call on.
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError>;
}

#[async_trait]
impl<C: Connect + ?Sized> Connect for Box<C> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        (**self).connect().await
    }
}

/// Serves the links that a listener accepts. `Server` implements it; a gateway can too.
#[async_trait]
pub trait Accept: Send + Sync + 'static {
    /// Serves one link to its end. The future owns the link and borrows nothing, so the listener may poll it in place
    /// and move it into a task at any time.
    ///
    /// # Links of one exchange
    ///
    /// Where [`Binding::one_exchange`](super::Binding::one_exchange) is set, as for one HTTP POST, the server does not
    /// spawn a task for the request: its handler runs inside this future. The transport uses it like this:
    ///
    /// - The link's `recv` returns the request. Then it waits until the peer abandons the exchange
    ///   ([`Inbound::Ended`](super::Inbound::Ended)) or the exchange is over (`Ok(None)`). An earlier `Ok(None)`
    ///   means that the peer will send nothing more. The handler is then cancelled after a grace period.
    /// - The transport polls the future and watches for the first [`Outbound`](super::Outbound). If that is `last`,
    ///   it becomes the body of the answer, without a task and without a channel.
    /// - If it is not `last`, or if a keep-alive is due before it, the transport spawns this future with a bounded
    ///   queue behind its sending half, and answers the peer with a stream.
    /// - Dropping the future drops the handler at once. A transport whose future is dropped when the peer hangs up can
    ///   spawn this future from a guard's `Drop` and report `Ended`. The handler is then notified, and has its grace
    ///   period.
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>);

    /// The supported revisions, newest first.
    fn versions(&self) -> &[ProtocolVersion];

    /// The input schema of a tool, for bindings that copy arguments into metadata. `None` if the tool does not exist, or its
    /// schema has no annotation that requires a copy.
    ///
    /// Called for every tool call: a schema that was only observed in traffic would be missing on a new replica.
    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        let _ = (tool, envelope);
        None
    }

    /// Ends subscriptions and refuses new requests. Called when the listener stops.
    fn drain(&self) {}
}

/// An `Arc` serves links like its value, so a caller can pass an `Arc` as `impl Accept` and keep a clone.
impl<A: Accept + ?Sized> Accept for Arc<A> {
    // Written without `async fn`, which would put the inner future into a second box.
    fn accept<'f>(self: Arc<Self>, link: Box<dyn Transport>) -> BoxFuture<'f, ()>
    where
        Self: 'f,
    {
        A::accept(Arc::clone(&self), link)
    }

    fn versions(&self) -> &[ProtocolVersion] {
        (**self).versions()
    }

    fn input_schema<'s, 't, 'e, 'f>(
        &'s self,
        tool: &'t str,
        envelope: &'e Envelope,
    ) -> BoxFuture<'f, Option<RawJson>>
    where
        's: 'f,
        't: 'f,
        'e: 'f,
        Self: 'f,
    {
        (**self).input_schema(tool, envelope)
    }

    fn drain(&self) {
        (**self).drain();
    }
}
