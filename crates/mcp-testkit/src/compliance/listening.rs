//! A fixture of a listener and a connector to it, made by a closure.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::task::{AbortHandle, JoinHandle};

use mcp_core::transport::{Accept, Connect, ConnectError, Transport};

use super::{Failure, Fixture, Wire};

const PATIENCE: Duration = Duration::from_secs(20);
const LARGE: usize = 1 << 20;

type FeedRaw = dyn Fn(Arc<dyn Accept>) -> BoxFuture<'static, Result<Box<dyn Wire>, Failure>> + Send + Sync;

/// A fixture of a listener and a connector. See [`listening`].
pub struct Listening<L> {
    name: String,
    listen: L,
    patience: Duration,
    large: usize,
    wire: Option<Box<FeedRaw>>,
}

/// A fixture for a transport that listens. The closure starts a listener that passes each link to the given server. It
/// returns a connector to the listener, and the task that listens, which is aborted when the connector is dropped.
///
/// ```
/// use mcp_testkit::compliance;
/// use mcp_core::transport::{Binding, memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let fixture = compliance::listening("memory", |server| async {
///     let (connector, listener) = memory::connector(Binding::STREAM);
///     Ok((connector, tokio::spawn(listener.serve(server))))
/// });
/// compliance::run(&fixture).await.assert_passed();
/// # }
/// ```
pub fn listening<L, F, C, T>(name: impl Into<String>, listen: L) -> Listening<L>
where
    L: Fn(Arc<dyn Accept>) -> F + Send + Sync,
    F: Future<Output = Result<(C, JoinHandle<T>), Failure>> + Send,
    C: Connect,
{
    Listening { name: name.into(), listen, patience: PATIENCE, large: LARGE, wire: None }
}

impl<L> Listening<L> {
    /// Sets the time limit of a check, [`Fixture::patience`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Listening<L> {
        self.patience = patience;
        self
    }

    /// Sets the size of a large payload in bytes, [`Fixture::large`].
    #[must_use]
    pub fn large(mut self, bytes: usize) -> Listening<L> {
        self.large = bytes;
        self
    }

    /// Sets how raw input is fed, [`Fixture::wire`]: starts a listener like the first one, and returns the client's raw end
    /// of a link to it.
    #[must_use]
    pub fn wire<W, F>(mut self, feed: impl Fn(Arc<dyn Accept>) -> F + Send + Sync + 'static) -> Listening<L>
    where
        F: Future<Output = Result<W, Failure>> + Send + 'static,
        W: Wire + 'static,
    {
        self.wire = Some(Box::new(move |server| {
            let wire = feed(server);
            Box::pin(async move { Ok(Box::new(wire.await?) as Box<dyn Wire>) })
        }));
        self
    }
}

#[async_trait]
impl<L, F, C, T> Fixture for Listening<L>
where
    L: Fn(Arc<dyn Accept>) -> F + Send + Sync,
    F: Future<Output = Result<(C, JoinHandle<T>), Failure>> + Send,
    C: Connect,
    T: Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let (connector, listener) = (self.listen)(server).await?;
        Ok(Box::new(Guarded { connector, listener: listener.abort_handle() }))
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn large(&self) -> usize {
        self.large
    }

    async fn wire(&self, server: Arc<dyn Accept>) -> Result<Option<Box<dyn Wire>>, Failure> {
        match &self.wire {
            Some(feed) => feed(server).await.map(Some),
            None => Ok(None),
        }
    }
}

/// A connector that stops its listener when it is dropped.
struct Guarded<C> {
    connector: C,
    listener: AbortHandle,
}

#[async_trait]
impl<C: Connect> Connect for Guarded<C> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.connector.connect().await
    }
}

impl<C> Drop for Guarded<C> {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
