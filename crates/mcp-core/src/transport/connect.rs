//! Where links come from: a client makes them, a listener hands them over.

use std::sync::Arc;

use async_trait::async_trait;

use crate::message::{ProtocolVersion, RawJson};

use super::{ConnectError, Envelope, Transport};

/// Client side: makes links to one peer, and may be asked again after one has ended.
#[async_trait]
pub trait Connect: Send + 'static {
    /// Makes a link. Over a given stream the second call is [`ConnectError::Spent`].
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
    /// Serves one link to its end.
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
