//! What the drivers of both roles run on: mailboxes, the writer loop, timers and signals. The only folder, beside
//! the drivers, that names tokio.
//!
//! A link is driven by one task, which polls two loops side by side: one that receives, takes commands
//! and keeps time, and one that owns the sending half and writes what the session said. Reading never
//! waits for writing: two peers that only write would wait for each other for ever.

pub(crate) mod burst;
pub(crate) mod mailbox;
pub(crate) mod signal;
pub(crate) mod timer;
pub(crate) mod writer;

use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::transport::{Inbound, TransportError};

/// What `recv` answers.
pub(crate) type Received = Result<Option<Inbound>, TransportError>;

/// Messages and commands that are taken at one wake-up before the writer and the clock have their turn.
pub(crate) const BURST: usize = 64;

/// How long a link that is given up may take to write what was queued: cancellations, a last reply.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// A future in a box, made where it stays. `Box::pin` is given one that stands elsewhere, and copies all of it: the
/// room for what comes later too, which is most of it.
pub(crate) fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let place = Box::new_uninit();
    Box::into_pin(Box::write(place, make()))
}

/// Now, by the clock that tests can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The instant for tokio's timers, which add a millisecond to it. `None` if that overflows: it never comes.
pub(crate) fn reachable(at: Instant) -> Option<tokio::time::Instant> {
    at.checked_add(Duration::from_millis(1)).map(|_| at.into())
}

/// Waits for an instant; never completes for `None`, an instant that is too far to represent. Cancel-safe.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at.and_then(reachable) {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The outcome of some work, or `None` if it takes longer than the limit.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
