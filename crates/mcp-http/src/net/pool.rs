//! The connections of one origin: taken for an exchange, parked after it, closed when idle for too long.
//!
//! Our own, because the pool of hyper-util drives each connection in a task: two task switches more per exchange.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::config::{HttpVersions, NetConfig};
use super::connection::{Counted, Http1, Http2, Slot};
use super::dial::Dialler;
use super::failure;
use super::origin::Origin;
use crate::error::ConnectFailure;
use crate::lock::{Guard, Lock};
use crate::sync::{AtomicU8, AtomicUsize, timeout};
use crate::{HttpError, TimeoutStep};

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(90);
/// How many unused HTTP/1.1 connections are kept.
const MOST_IDLE: usize = 64;

/// What one exchange runs on.
pub(super) enum Lease {
    Http1(Box<Http1>),
    Http2(Slot),
}

/// The connections to one origin.
pub(super) struct Pool {
    pub(super) origin: Origin,
    dialler: Dialler,
    versions: HttpVersions,
    connect: Option<Duration>,
    header_limit: usize,
    kept: Lock<Kept>,
    /// The version that was negotiated last: whether a connection that is being opened may serve all waiters.
    spoken: AtomicU8,
    /// Held while a connection is opened that may turn out to serve all callers.
    opening: tokio::sync::Mutex<()>,
    open: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Kept {
    /// Oldest first. The newest is used first, so that the rest can age.
    idle: Vec<(Instant, Box<Http1>)>,
    http2: Vec<Arc<Http2>>,
    reaped: bool,
}

const UNKNOWN: u8 = 0;
const H1: u8 = 1;
const H2: u8 = 2;

impl Pool {
    pub(super) fn new(origin: Origin, dialler: Dialler, config: &NetConfig) -> Pool {
        let spoken = match config.versions {
            HttpVersions::Http2 => H2,
            HttpVersions::Auto if origin.https => UNKNOWN,
            _ => H1,
        };
        Pool {
            origin,
            dialler,
            versions: config.versions,
            connect: config.timeouts.connect,
            header_limit: config.response_headers,
            kept: Lock::default(),
            spoken: AtomicU8::new(spoken),
            opening: tokio::sync::Mutex::new(()),
            open: Arc::default(),
        }
    }

    /// How many connections are open, in use or not.
    #[cfg(test)]
    pub(super) fn open_connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn kept(&self) -> Guard<'_, Kept> {
        self.kept.lock()
    }

    /// A connection that was used before.
    pub(super) fn take(&self) -> Option<Lease> {
        let mut kept = self.kept();
        if let Some((_, wire)) = kept.idle.pop() {
            return Some(Lease::Http1(wire));
        }
        if kept.http2.is_empty() {
            return None;
        }
        let slot = kept.http2.iter().find_map(Http2::take);
        kept.http2.retain(|http2| http2.is_open());
        slot.map(Lease::Http2)
    }

    /// A new connection, in the time allowed for connecting. For HTTP/2 one caller opens it and all use it.
    pub(super) async fn open(self: &Arc<Self>) -> Result<Lease, HttpError> {
        let opening = self.open_in_any_time();
        match self.connect {
            None => opening.await,
            Some(limit) => timeout(limit, opening).await.unwrap_or(Err(HttpError::TimedOut {
                step: TimeoutStep::Connect,
                limit,
                came: None,
            })),
        }
    }

    async fn open_in_any_time(self: &Arc<Self>) -> Result<Lease, HttpError> {
        let mut turn = None;
        if self.spoken.load(Ordering::Relaxed) != H1 {
            let ours = self.opening.lock().await;
            // The previous holder may have opened a connection that serves this caller too.
            let kept = self.kept();
            if let Some(slot) = kept.http2.iter().find_map(Http2::take) {
                return Ok(Lease::Http2(slot));
            }
            // Or it learned that the connection cannot be shared: then callers need not wait for one another.
            turn = (self.spoken.load(Ordering::Relaxed) != H1).then_some(ours);
        }
        let dialled = self.dialler.dial(&self.origin).await?;
        let counted = Counted::new(&self.open);
        let broken = |error: hyper::Error| self.broken(&error);
        if dialled.h2 || self.versions == HttpVersions::Http2 {
            self.spoken.store(H2, Ordering::Relaxed);
            let http2 = Http2::open(dialled.stream, self.header_limit, counted).await.map_err(broken)?;
            let slot = http2.take();
            self.kept().http2.push(http2);
            self.reap();
            drop(turn);
            return slot.map(Lease::Http2).ok_or_else(|| HttpError::Connect {
                to: self.origin.label(),
                kind: ConnectFailure::Network,
                source: Arc::new(std::io::Error::other("the server allows no HTTP/2 stream")),
            });
        }
        self.spoken.store(H1, Ordering::Relaxed);
        drop(turn);
        Http1::open(dialled.stream, self.header_limit, counted).await.map(Lease::Http1).map_err(broken)
    }

    /// The error of a connection that broke before anything was sent over it.
    pub(super) fn broken(&self, error: &hyper::Error) -> HttpError {
        HttpError::Connect {
            to: self.origin.label(),
            kind: ConnectFailure::Network,
            source: Arc::new(std::io::Error::other(failure::text(error))),
        }
    }

    /// Keeps a connection whose exchange is over, if it can be used again.
    pub(super) fn park(self: &Arc<Self>, mut wire: Box<Http1>) {
        if !wire.is_reusable() {
            return;
        }
        let mut kept = self.kept();
        let surplus = (kept.idle.len() >= MOST_IDLE).then(|| kept.idle.remove(0));
        kept.idle.push((Instant::now(), wire));
        let reaped = kept.reaped;
        drop(kept);
        drop(surplus);
        if !reaped {
            self.reap();
        }
    }

    /// Starts the task that closes what has been idle for too long, unless there is one.
    fn reap(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !std::mem::replace(&mut self.kept().reaped, true) {
            runtime.spawn(reap(Arc::downgrade(self)));
        }
    }

    /// Closes what is too old; when to look again, or `None` when nothing is kept.
    fn sweep(&self) -> Option<Instant> {
        let mut kept = self.kept();
        let now = Instant::now();
        let young = |since: Instant| since + IDLE > now;
        kept.idle.retain(|(since, _)| young(*since));
        kept.http2.retain(|http2| http2.is_open() && http2.idle_since().is_none_or(young));
        let oldest = kept.idle.first().map(|(since, _)| *since);
        let next = kept.http2.iter().map(|http2| http2.idle_since().unwrap_or(now)).chain(oldest).min();
        kept.reaped = next.is_some();
        next.map(|since| since + IDLE)
    }
}

/// Sleeps until something is too old. Ends when nothing is kept, or the pool is gone.
async fn reap(pool: Weak<Pool>) {
    loop {
        let Some(at) = pool.upgrade().and_then(|pool| pool.sweep()) else { return };
        tokio::time::sleep_until(at).await;
    }
}
