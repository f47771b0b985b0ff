//! The connection layer against servers whose every byte is scripted.

mod authorize;
mod budget;
mod fetch;
mod flood;
mod limits;
mod multiplex;
mod network;
mod permits;
mod redirects;
mod retry_after;
mod reuse;
mod secrets;
mod smuggling;
mod stale;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::Uri;
use mcp_core::transport::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::{Answer, Credentials, Dial, Exchange, Io, Net, NetConfig};
use crate::HttpError;

/// The endpoint of all tests over scripted streams.
pub(super) const ENDPOINT: &str = "http://server.test/mcp?key=1";

/// What a client is made of.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) net: NetConfig,
    pub(super) credentials: Credentials,
}

/// The default settings with a change.
pub(super) fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

/// Hands the other end of each dialled stream to a [`Server`].
struct Scripted(mpsc::UnboundedSender<DuplexStream>);

#[async_trait]
impl Dial for Scripted {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.0.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(Box::new(ours))
    }
}

/// A client over scripted streams, and the server side.
pub(super) fn scripted(config: &Settings) -> (Net, Server) {
    let (dials, accepted) = mpsc::unbounded_channel();
    let url = ENDPOINT.parse::<Uri>().expect("a URL");
    (over(&url, config, Scripted(dials)), Server(accepted))
}

pub(super) fn over(url: &Uri, config: &Settings, dial: impl Dial) -> Net {
    Net::over(url, &config.net, &config.credentials, Arc::new(dial)).expect("a client")
}

/// The side that a test plays.
pub(super) struct Server(mpsc::UnboundedReceiver<DuplexStream>);

impl Server {
    /// The next connection that the client opened.
    pub(super) async fn accept(&mut self) -> Peer<DuplexStream> {
        Peer { io: self.0.recv().await.expect("the client is alive"), read: Vec::new() }
    }

    /// Whether the client opened another connection.
    pub(super) fn was_dialled(&mut self) -> bool {
        self.0.try_recv().is_ok()
    }
}

/// One connection, seen from the server.
pub(super) struct Peer<T> {
    pub(super) io: T,
    read: Vec<u8>,
}

impl<T: Io> Peer<T> {
    pub(super) fn new(io: T) -> Peer<T> {
        Peer { io, read: Vec::new() }
    }

    /// The next request, head and body, as it was written.
    pub(super) async fn request(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(head) = text.find("\r\n\r\n") {
                let length = text[..head].lines().find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |length| length.parse::<usize>().expect("a number"));
                let end = head + 4 + length;
                if self.read.len() >= end {
                    self.read.drain(..end);
                    return text[..end].to_owned();
                }
            }
            let read = self.io.read_buf(&mut self.read).await.expect("a living connection");
            assert_ne!(read, 0, "the client closed the connection after: {text}");
        }
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.expect("a living connection");
        self.io.flush().await.expect("a living connection");
    }

    /// Waits for the next request and answers 200 with this body.
    pub(super) async fn answer(&mut self, body: &str) -> String {
        let request = self.request().await;
        self.say(&ok(body)).await;
        request
    }

    /// Waits until the client has closed the connection. Nothing more may come.
    pub(super) async fn closed(&mut self) {
        let mut rest = std::mem::take(&mut self.read);
        let _ = self.io.read_to_end(&mut rest).await;
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

/// A plain answer with this body.
pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A POST of this text to the endpoint.
pub(super) fn post(body: &str) -> Exchange {
    Exchange {
        method: Method::POST,
        url: None,
        template: None,
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        counted: true,
        repeatable: false,
    }
}

/// The whole body of an answer, as text.
pub(super) async fn text(mut answer: Box<Answer>) -> Result<String, HttpError> {
    let bytes = answer.body.collect("body", 1 << 20).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One exchange from end to end: what the client read.
pub(super) async fn read(net: &Net, exchange: Exchange) -> Result<String, HttpError> {
    text(net.send(exchange).await?).await
}

/// Moves the clock and lets every task run. Unlike a sleep, it ends although a task never rests.
pub(super) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// What never happens fails the test. Needs paused time.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(24 * 3600), future).await.expect("nothing happened for a day")
}

/// Counts how often a task is woken.
#[derive(Default)]
pub(super) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
