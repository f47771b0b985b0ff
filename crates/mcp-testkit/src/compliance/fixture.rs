//! What the author of a transport gives to the kit.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{Accept, Connect, ConnectError, Transport};

/// Why a fixture could not be set up.
pub type Failure = Box<dyn Error + Send + Sync>;

const PATIENCE: Duration = Duration::from_secs(20);
const LARGE: usize = 1 << 20;

/// The era of the kit's messages. A stream carries either era. Run the kit once with each for a binding that reads bodies
/// or keeps sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// Every request carries version and capabilities in `_meta`.
    Modern,
    /// A link opens with `initialize` and `notifications/initialized` at this revision.
    Legacy(ProtocolVersion),
}

/// A transport to be checked, with both of its roles.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The name of the transport, for the report.
    fn name(&self) -> &str;

    /// Starts a listener that passes every link to `server`, and returns a connector to it. Called for each check. The
    /// listener should stop when the connector is dropped, and stops at the latest with the runtime.
    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure>;

    /// The era of the messages. Default: [`Dialect::Modern`].
    fn dialect(&self) -> Dialect {
        Dialect::Modern
    }

    /// Whether the server's end delivers the client's notifications. HTTP drops those of revision 2026-07-28. Default: yes.
    fn carries_notifications(&self) -> bool {
        true
    }

    /// How long a check may take before it fails as hung. Default: 20 s.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// The size of a large payload in bytes, which should exceed every buffer on the way. Default: 1 MiB.
    fn large(&self) -> usize {
        LARGE
    }

    /// The number of live resources of this fixture, such as processes and connections; `None` if it does not count them.
    /// Default: `None`.
    async fn live(&self) -> Option<usize> {
        None
    }

    /// Starts a listener like that of [`Fixture::start`], and returns the client's raw end of a link to it; `None` if the
    /// fixture cannot feed raw input. Default: `None`.
    async fn wire(&self, server: Arc<dyn Accept>) -> Result<Option<Box<dyn Wire>>, Failure> {
        let _ = server;
        Ok(None)
    }
}

/// A client's raw end of a link, one text at a time: a line, a frame, a body.
#[async_trait]
pub trait Wire: Send {
    /// Sends a text unchanged.
    ///
    /// # Errors
    ///
    /// [`CannotCarry`] makes the kit skip this text: the carrier cannot represent it. Any other error fails the check.
    async fn write(&mut self, text: Bytes) -> Result<(), Failure>;

    /// The next text of the server; `None` at the end.
    async fn read(&mut self) -> Result<Option<Bytes>, Failure>;
}

/// The error of a [`Wire`] for a text that its carrier cannot represent, with the reason: bytes that are not UTF-8 in a
/// text frame, for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the carrier cannot hold this text: {0}")]
pub struct CannotCarry(pub &'static str);

/// A [`Wire`] of two channels of texts.
#[derive(Debug)]
pub struct WireEnd {
    /// Texts from the client.
    pub up: futures::channel::mpsc::Sender<Bytes>,
    /// Texts from the server.
    pub down: futures::channel::mpsc::Receiver<Bytes>,
}

#[async_trait]
impl Wire for WireEnd {
    async fn write(&mut self, text: Bytes) -> Result<(), Failure> {
        Ok(futures::SinkExt::send(&mut self.up, text).await?)
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        Ok(futures::StreamExt::next(&mut self.down).await)
    }
}

/// A fixture of links that are made as a pair. See [`pairs`].
pub struct Pairs<M> {
    name: String,
    make: M,
    patience: Duration,
    large: usize,
}

/// A fixture for a transport whose two ends are made together, by this function. The connector makes one pair; its next
/// call fails with [`ConnectError::AlreadyUsed`].
pub fn pairs<M, F, C, S>(name: impl Into<String>, make: M) -> Pairs<M>
where
    M: Fn() -> F + Send + Sync,
    F: Future<Output = Result<(C, S), Failure>> + Send,
    C: Transport,
    S: Transport,
{
    Pairs { name: name.into(), make, patience: PATIENCE, large: LARGE }
}

impl<M> Pairs<M> {
    /// Sets the time limit of a check, [`Fixture::patience`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Pairs<M> {
        self.patience = patience;
        self
    }

    /// Sets the size of a large payload in bytes, [`Fixture::large`].
    #[must_use]
    pub fn large(mut self, bytes: usize) -> Pairs<M> {
        self.large = bytes;
        self
    }
}

#[async_trait]
impl<M, F, C, S> Fixture for Pairs<M>
where
    M: Fn() -> F + Send + Sync,
    F: Future<Output = Result<(C, S), Failure>> + Send,
    C: Transport,
    S: Transport,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let (client, link) = (self.make)().await?;
        tokio::spawn(server.accept(Box::new(link)));
        Ok(Box::new(once(client)))
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn large(&self) -> usize {
        self.large
    }
}

/// A connector that returns this link; its next call fails with [`ConnectError::AlreadyUsed`].
pub fn once(link: impl Transport) -> Once {
    Once(Some(Box::new(link)))
}

/// See [`once`].
pub struct Once(Option<Box<dyn Transport>>);

#[async_trait]
impl Connect for Once {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.0.take().ok_or(ConnectError::AlreadyUsed)
    }
}
