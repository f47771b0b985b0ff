//! Silent peers of a listener: closed after a time limit, or when another peer needs the slot.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;

use mcp_core::transport::{Inbound, TransportError, TransportReceiver, async_trait};
use tokio::io::AsyncRead;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::limits::Limits;
use crate::lock::Lock;
use crate::reader::LineReader;

/// The links whose peer has not sent a message yet, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct SilentLinks(Lock<VecDeque<Weak<Notify>>>);

impl SilentLinks {
    fn links(&self) -> MutexGuard<'_, VecDeque<Weak<Notify>>> {
        self.0.lock()
    }

    /// A new link. The value is in here until it is dropped.
    pub(crate) fn add(&self) -> Arc<Notify> {
        let evicted = Arc::new(Notify::new());
        let mut links = self.links();
        // From the front, so that the queue is about as long as there are silent links.
        while links.front().is_some_and(|link| link.strong_count() == 0) {
            links.pop_front();
        }
        links.push_back(Arc::downgrade(&evicted));
        evicted
    }

    /// Closes the oldest one.
    pub(crate) fn evict(&self) {
        let mut links = self.links();
        while let Some(link) = links.pop_front() {
            if let Some(link) = link.upgrade() {
                link.notify_one();
                return;
            }
        }
    }
}

/// The limits of one link's silence.
#[derive(Debug)]
pub(crate) struct SilenceLimits {
    first_message: Duration,
    idle: Duration,
    evicted: Arc<Notify>,
}

impl SilenceLimits {
    pub(crate) fn new(limits: Limits, evicted: Arc<Notify>) -> SilenceLimits {
        SilenceLimits { first_message: limits.first_message, idle: limits.idle, evicted }
    }
}

/// Reads the messages of a peer whose silence is limited.
pub(crate) struct BoundedReader<R> {
    reader: LineReader<R>,
    /// The current limit, its name, and its start.
    limit: Duration,
    what: &'static str,
    since: Instant,
    idle: Duration,
    /// Until the first message.
    evicted: Option<Arc<Notify>>,
}

impl<R: AsyncRead + Unpin + Send> BoundedReader<R> {
    pub(crate) fn new(reader: LineReader<R>, limits: SilenceLimits) -> BoundedReader<R> {
        BoundedReader {
            reader,
            limit: limits.first_message,
            what: "first_message",
            since: Instant::now(),
            idle: limits.idle,
            evicted: Some(limits.evicted),
        }
    }

    /// The next message. Cancel-safe: the start of the silence is kept in `self`.
    async fn next(&mut self) -> io::Result<Option<Inbound>> {
        // A time that the clock cannot reach is no limit.
        let until = self.since.checked_add(self.limit);
        let evicted = self.evicted.clone();
        let silent = async {
            let timed_out = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => pending().await,
                }
            };
            let needed = async {
                match &evicted {
                    Some(evicted) => evicted.notified().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = timed_out => {
                    let why = format!("no message within {:?} ({})", self.limit, self.what);
                    io::Error::new(io::ErrorKind::TimedOut, why)
                }
                () = needed => io::Error::other("silent, and its place was needed for another peer (max_links)"),
            }
        };
        let read = tokio::select! {
            biased;
            read = self.reader.next() => read,
            error = silent => Err(error),
        };
        if matches!(read, Ok(Some(_))) {
            self.since = Instant::now();
            self.limit = self.idle;
            self.what = "idle";
            self.evicted = None;
        }
        read
    }
}

#[async_trait]
impl<R: AsyncRead + Unpin + Send> TransportReceiver for BoundedReader<R> {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        if self.evicted.is_none() && self.idle == Duration::MAX {
            // Nothing is bounded any more.
            return self.reader.recv().await;
        }
        Ok(self.next().await?)
    }
}
