//! Links on demand: a [`Connect`] that makes pairs, and the listener that gets their server ends.

use std::sync::Arc;

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::stream::FuturesUnordered;
use futures::{StreamExt, future};

use crate::transport::{Accept, Binding, Connect, ConnectError, Transport};

use super::{End, Pair, PeerGone};

/// How many links wait for the listener before `connect` waits.
const BACKLOG: usize = 16;

/// A [`Connect`] that makes a fresh pair each time, and the listener that gets the server ends.
///
/// ```
/// use mcp_core::transport::{Binding, Connect, Transport, memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (mut connector, mut listener) = memory::connector(Binding::STREAM);
/// let _client = connector.connect().await.unwrap();
/// let server = listener.accept().await.unwrap();
/// assert_eq!(server.binding(), Binding::STREAM);
/// # }
/// ```
pub fn connector(binding: Binding) -> (Connector, Listener) {
    Pair::new(binding).connector()
}

impl Pair {
    /// A connector and a listener for pairs with these settings. See [`connector`].
    pub fn connector(&self) -> (Connector, Listener) {
        let (links, incoming) = mpsc::channel(BACKLOG - 1);
        (Connector { pair: self.clone(), links }, Listener { incoming })
    }
}

/// Makes a pair for each link; the server's end goes to the [`Listener`].
#[derive(Clone, Debug)]
pub struct Connector {
    pair: Pair,
    links: mpsc::Sender<End>,
}

#[async_trait]
impl Connect for Connector {
    /// Waits while 16 links wait for the listener.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Unreachable`] if the listener is gone.
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let gone = || ConnectError::unreachable(PeerGone);
        // The pair is made once the backlog has a free slot, so a dropped future leaves nothing behind.
        future::poll_fn(|cx| self.links.poll_ready(cx)).await.map_err(|_| gone())?;
        let (client, server) = self.pair.link();
        self.links.start_send(server).map_err(|_| gone())?;
        Ok(Box::new(client))
    }
}

/// Receives the server ends of the pairs that a [`Connector`] makes.
#[derive(Debug)]
pub struct Listener {
    incoming: mpsc::Receiver<End>,
}

impl Listener {
    /// The next link; `None` once every connector is gone. Cancel-safe.
    pub async fn accept(&mut self) -> Option<End> {
        self.incoming.next().await
    }

    /// Serves every link, concurrently in this one future, until every connector is gone and every link has ended.
    /// Dropping the future drops the links.
    pub async fn serve(mut self, server: impl Accept) {
        let server: Arc<dyn Accept> = Arc::new(server);
        let mut links = FuturesUnordered::new();
        let mut listening = true;
        while listening || !links.is_empty() {
            step(&mut self.incoming, &mut links, &mut listening, &server).await;
        }
    }
}

type Serving = future::BoxFuture<'static, ()>;

/// Waits for one event: a new link, or the end of one.
async fn step(
    incoming: &mut mpsc::Receiver<End>,
    links: &mut FuturesUnordered<Serving>,
    listening: &mut bool,
    server: &Arc<dyn Accept>,
) {
    use std::task::Poll;

    future::poll_fn(|cx| {
        if *listening && let Poll::Ready(link) = incoming.poll_next_unpin(cx) {
            match link {
                Some(link) => links.push(server.clone().accept(Box::new(link))),
                None => *listening = false,
            }
            return Poll::Ready(());
        }
        match links.poll_next_unpin(cx) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}
