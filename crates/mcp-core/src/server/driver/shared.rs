//! The state that the driver of a link shares with its handlers and the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Semaphore, oneshot};

use crate::error::{CloseReason, Error};
use crate::message::{Method, Payload, RawJson};
use crate::runtime::mailbox::Mailbox;
use crate::runtime::signal::Signal;

use super::command::Command;

/// The most unwritten notifications of one link's handlers. Beyond that, handlers wait.
const UNWRITTEN_NOTIFICATIONS: usize = 256;

/// The most messages, and bytes of payloads, that may wait for the writer. Beyond that the driver stops reading:
/// otherwise a peer that sends requests and never reads could exhaust the memory before the write times out.
const UNREAD: usize = 4096;
const UNREAD_BYTES: usize = 64 << 20;

/// The state that the driver of a link shares with its handlers and the server.
#[derive(Debug)]
pub(crate) struct LinkShared {
    /// Identifies the link in logs.
    pub(crate) number: u64,
    pub(crate) commands: Mailbox<Command>,
    /// Raised when the server is to stop.
    pub(crate) stopping: Arc<Signal>,
    notification_permits: Semaphore,
    requests: AtomicU64,
    /// Messages that the writer has not sent, and the bytes of their payloads.
    unread: AtomicUsize,
    unread_bytes: AtomicUsize,
}

/// A permit for one notification. Released when the notification is written or dropped.
#[derive(Debug)]
pub(crate) struct NotificationPermit(Arc<LinkShared>);

impl Drop for NotificationPermit {
    fn drop(&mut self) {
        self.0.notification_permits.add_permits(1);
    }
}

/// Counts a message that waits for the writer until it is sent or dropped.
#[derive(Debug)]
pub(crate) struct QueueSlot {
    link: Arc<LinkShared>,
    bytes: usize,
    _notification: Option<NotificationPermit>,
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        self.link.unread.fetch_sub(1, Ordering::Relaxed);
        self.link.unread_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl LinkShared {
    /// Counts a message that waits for the writer. Never refused: see [`LinkShared::is_full`].
    pub(crate) fn queue_slot(
        self: &Arc<Self>,
        bytes: usize,
        notification: Option<NotificationPermit>,
    ) -> QueueSlot {
        self.unread.fetch_add(1, Ordering::Relaxed);
        self.unread_bytes.fetch_add(bytes, Ordering::Relaxed);
        QueueSlot { link: self.clone(), bytes, _notification: notification }
    }

    /// Whether too much waits for the writer to read more input.
    pub(crate) fn is_full(&self) -> bool {
        self.unread.load(Ordering::Relaxed) >= UNREAD
            || self.unread_bytes.load(Ordering::Relaxed) >= UNREAD_BYTES
    }

    pub(crate) fn new(number: u64, stopping: Arc<Signal>) -> LinkShared {
        LinkShared {
            number,
            commands: Mailbox::new(),
            stopping,
            notification_permits: Semaphore::new(UNWRITTEN_NOTIFICATIONS),
            requests: AtomicU64::new(0),
            unread: AtomicUsize::new(0),
            unread_bytes: AtomicUsize::new(0),
        }
    }

    /// Waits for a permit. Cancel-safe.
    pub(crate) async fn notification_permit(self: &Arc<Self>) -> NotificationPermit {
        // Never closed, so this always yields a permit; the guard releases it.
        if let Ok(permit) = self.notification_permits.acquire().await {
            permit.forget();
        }
        NotificationPermit(self.clone())
    }

    /// Sends a command to the driver. Ignored once the driver has ended.
    pub(crate) fn command(&self, command: Command) {
        let _ended = self.commands.push(command);
    }

    /// Sends a request to a legacy client. Dropping the future cancels it.
    pub(crate) async fn request(&self, method: Method, params: Option<RawJson>) -> Result<Payload, Error> {
        let (answer, outcome) = oneshot::channel();
        let key = self.requests.fetch_add(1, Ordering::Relaxed);
        self.command(Command::Request { key, method, params, answer });
        let mut guard = GiveUp { link: self, key, armed: true };
        let outcome = outcome.await;
        guard.armed = false;
        outcome.unwrap_or_else(|_| Err(Error::Closed(CloseReason::Requested)))
    }
}

/// Gives a request up if its future is dropped.
struct GiveUp<'a> {
    link: &'a LinkShared,
    key: u64,
    armed: bool,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.link.command(Command::GiveUp { key: self.key });
        }
    }
}
