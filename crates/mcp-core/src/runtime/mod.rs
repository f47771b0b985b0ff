//! The parts that the drivers of both roles share: mailboxes, the writer loop, timers and signals. Only this folder and
//! the drivers name tokio.
//!
//! A link is driven by one task, which polls two loops concurrently: one receives, takes commands and keeps time, and
//! one owns the sending half and writes the session's messages. Reading never waits for writing, because two peers that
//! only write would deadlock.

pub(crate) mod burst;
pub(crate) mod mailbox;
pub(crate) mod signal;
pub(crate) mod timer;
pub(crate) mod turn;
pub(crate) mod unread;
pub(crate) mod weight;
pub(crate) mod writer;

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use crate::transport::{Inbound, TransportError};

/// The outcome of `recv`.
pub(crate) type Received = Result<Option<Inbound>, TransportError>;

/// The most messages and commands that are processed before other tasks and the timers are polled again.
pub(crate) const BURST: usize = 64;

/// How long a link that is being closed after a failure may take to write queued messages: cancellations, a last
/// reply.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// Builds a future directly on the heap; `Box::pin` would move it there from the stack.
pub(crate) fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let memory = Box::new_uninit();
    Box::into_pin(Box::write(memory, make()))
}

/// Runs a future as a task if the runtime has worker threads. The thread that blocks on a runtime is not one of them, and
/// each of its wake-ups crosses threads. Dropping the future aborts the task. `None` if the runtime ends first.
pub(crate) async fn on_worker<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::CurrentThread) | Err(_) => return Some(work.await),
        Ok(_) => {}
    }
    let mut task = AbortOnDrop(tokio::spawn(work));
    match (&mut task.0).await {
        Ok(output) => Some(output),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The current instant of tokio's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The instant for tokio's timers, which add up to a millisecond to it. `None` if that overflows.
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

/// The outcome of a future, or `None` if it takes longer than the limit.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
