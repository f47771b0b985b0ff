//! Drivers: the async glue between a session and a link. They decide nothing of the protocol.
//!
//! A link is driven by one task, which polls two loops side by side: one that receives, takes commands
//! and keeps time, and one that owns the sending half and writes what the session said. Reading never
//! waits for writing: a peer that reads only after it was read would wait for ever.

pub(crate) mod client;
pub(crate) mod mailbox;
pub(crate) mod server;
pub(crate) mod signal;
mod timer;
mod writer;

#[cfg(test)]
mod tests;

use std::time::Instant;

/// Now, by the clock that tests can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Waits for an instant; `None`, one too far to name, never comes. Cancel-safe.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
