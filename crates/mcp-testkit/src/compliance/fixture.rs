//! What an implementor gives the kit.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{Accept, Connect, ConnectError, Transport};

/// Why a fixture could not be set up, with its cause.
pub type Failure = Box<dyn Error + Send + Sync>;

const PATIENCE: Duration = Duration::from_secs(20);
const LARGE: usize = 1 << 20;

/// Which era the kit's messages look like. Streams carry either; a binding that reads bodies or holds
/// sessions can be run once with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Every request carries version and capabilities in `_meta`.
    Modern,
    /// A link opens with `initialize` and `notifications/initialized` at this revision.
    Legacy(ProtocolVersion),
}

/// A transport to be checked, with both of its roles.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// For the report.
    fn name(&self) -> &str;

    /// Starts a listener that hands every link to `server`, and gives a connector to it. Called for
    /// each check. The listener is best stopped when the connector is dropped; at the latest it goes
    /// with the runtime.
    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure>;

    /// Which era the messages look like. [`Dialect::Modern`] unless overridden.
    fn dialect(&self) -> Dialect {
        Dialect::Modern
    }

    /// Whether the server's end hands a client's notifications over. HTTP drops those of 2026-07-28.
    fn carries_notifications(&self) -> bool {
        true
    }

    /// How long a check may take before it counts as hung. 20 s.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// The size of a large payload in bytes; better more than any buffer on the way holds. 1 MiB.
    fn large(&self) -> usize {
        LARGE
    }

    /// How many resources of this fixture are alive: processes, connections. `None`: nobody counts.
    async fn live(&self) -> Option<usize> {
        None
    }

    /// A listener like that of [`Fixture::start`], and a client's raw end of a link to it. `None`: raw
    /// input cannot be fed.
    async fn wire(&self, server: Arc<dyn Accept>) -> Result<Option<Box<dyn Wire>>, Failure> {
        let _ = server;
        Ok(None)
    }
}

/// A client's raw end of a link, one text at a time: a line, a frame, a body.
#[async_trait]
pub trait Wire: Send {
    /// Sends a text as it is. [`CannotCarry`] as the error leaves this text out: the carrier has no way to
    /// send such a thing.
    async fn write(&mut self, text: Bytes) -> Result<(), Failure>;

    /// The next text of the server; `None` at the end.
    async fn read(&mut self) -> Result<Option<Bytes>, Failure>;
}

/// What a [`Wire`] answers to a text that its carrier can not hold, and why: bytes that are no UTF-8 in a text
/// frame, for instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the carrier cannot hold this text: {0}")]
pub struct CannotCarry(pub &'static str);

/// A [`Wire`] of two channels of texts.
#[derive(Debug)]
pub struct WireEnd {
    /// What the client says.
    pub up: futures::channel::mpsc::Sender<Bytes>,
    /// What the server says.
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

/// A fixture for a transport whose two ends are made together, by this function. The connector makes one
/// pair, and is [`ConnectError::AlreadyUsed`] afterwards.
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
    /// Another limit for a check, in place of [`Fixture::patience`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Pairs<M> {
        self.patience = patience;
        self
    }

    /// Another size of large payloads, in place of [`Fixture::large`].
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

/// A connector that gives this link, and is [`ConnectError::AlreadyUsed`] afterwards.
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
