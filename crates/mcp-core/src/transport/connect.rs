//! Where links come from: a client makes them, a listener hands them over.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::message::{ProtocolVersion, RawJson};

use super::{ConnectError, Envelope, Transport};

/// Client side: makes links to one peer, and may be asked again after one has ended.
#[async_trait]
pub trait Connect: Send + 'static {
    /// Makes a link. Over a given stream the second call is [`ConnectError::AlreadyUsed`].
    ///
    /// **Cancel-safe**: dropping the future leaks neither a process nor a connection (promise 8).
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError>;
}

#[async_trait]
impl<C: Connect + ?Sized> Connect for Box<C> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        (**self).connect().await
    }
}

/// Server side: whoever listens hands each new link to this. A `Server` implements it; so can a gateway.
#[async_trait]
pub trait Accept: Send + Sync + 'static {
    /// Serves one link to its end. The future owns the link and borrows nothing else: whoever listens may
    /// poll it where it stands, and move it into a task of its own at any time.
    ///
    /// # Links of one exchange
    ///
    /// Where [`Binding::one_exchange`](super::Binding::one_exchange) is set, as for one HTTP POST, the server
    /// spawns nothing for the request: its handler runs inside this future. What the transport does with it:
    ///
    /// - The link's `recv` hands over the request, and then waits: until the peer hangs up
    ///   ([`Inbound::Ended`](super::Inbound::Ended)), or until the exchange is over (`Ok(None)`). `Ok(None)` too
    ///   early means that the peer will send no more, and the handler is given up after a while.
    /// - The transport polls the future beside its own slot for the first [`Outbound`](super::Outbound). If
    ///   that is `last`, it is the body of the answer: nothing was spawned, and no channel was needed.
    /// - If it is not `last`, or if nothing came until the peer has to be told that the server is alive, the
    ///   transport spawns this future as it is, with a bounded queue behind its sending half, and answers its
    ///   own caller with a stream.
    /// - Dropping the future drops the handler at once. A transport whose own future is dropped when the peer
    ///   hangs up spawns this one from a guard's `Drop` and reports `Ended`: then the handler is told, and has
    ///   its grace period.
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>);

    /// The revisions that are served, newest first.
    fn versions(&self) -> &[ProtocolVersion];

    /// The input schema of a tool, for bindings that copy arguments into metadata. Asked for every call:
    /// what was learned by watching would be missing on a fresh replica.
    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        let _ = (tool, envelope);
        None
    }

    /// The listener stops: end subscriptions, refuse new work.
    fn drain(&self) {}
}

/// An `Arc` accepts like its value, so functions that take `impl Accept` also take an `Arc` that the caller keeps a
/// clone of.
impl<A: Accept + ?Sized> Accept for Arc<A> {
    // Written out: `async fn` would put the inner future into a second box.
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
