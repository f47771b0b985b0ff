//! What the driver of one link and everybody who speaks to it share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Semaphore, oneshot};

use crate::error::{CloseReason, Error};
use crate::message::{Method, Payload, RawJson};
use crate::runtime::mailbox::Mailbox;
use crate::runtime::signal::Signal;

use super::command::Command;

/// Notifications of one link's handlers that may be unwritten; then handlers wait.
const UNWRITTEN_NOTIFICATIONS: usize = 256;

/// Messages, and bytes of their payloads, that may wait for the writer before nothing more is read: a peer
/// that asks and asks and never reads would otherwise fill the memory until the write times out.
const UNREAD: usize = 4096;
const UNREAD_BYTES: usize = 64 << 20;

/// What the driver of one link and everybody who speaks to it share.
#[derive(Debug)]
pub(crate) struct LinkShared {
    /// For logs.
    pub(crate) number: u64,
    pub(crate) commands: Mailbox<Command>,
    /// Raised when the server is told to stop.
    pub(crate) stopping: Arc<Signal>,
    notification_permits: Semaphore,
    requests: AtomicU64,
    /// Messages that the writer has not sent, and the bytes of their payloads.
    unread: AtomicUsize,
    unread_bytes: AtomicUsize,
}

/// A place for one notification. Given back when the notification is written or dropped.
#[derive(Debug)]
pub(crate) struct NotificationPermit(Arc<LinkShared>);

impl Drop for NotificationPermit {
    fn drop(&mut self) {
        self.0.notification_permits.add_permits(1);
    }
}

/// The place of a message that waits for the writer. Given back when the message is sent or dropped.
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
    /// A place among what waits for the writer. Never refused: see [`LinkShared::is_full`].
    pub(crate) fn queue_slot(
        self: &Arc<Self>,
        bytes: usize,
        notification: Option<NotificationPermit>,
    ) -> QueueSlot {
        self.unread.fetch_add(1, Ordering::Relaxed);
        self.unread_bytes.fetch_add(bytes, Ordering::Relaxed);
        QueueSlot { link: self.clone(), bytes, _notification: notification }
    }

    /// Whether so much waits for the writer that nothing more is to be read.
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

    /// Waits for a place. Cancel-safe.
    pub(crate) async fn notification_permit(self: &Arc<Self>) -> NotificationPermit {
        // Never closed, so always a permit; the guard gives it back.
        if let Ok(permit) = self.notification_permits.acquire().await {
            permit.forget();
        }
        NotificationPermit(self.clone())
    }

    /// Tells the driver. Once that has ended, nobody is left to tell.
    pub(crate) fn command(&self, command: Command) {
        let _ended = self.commands.push(command);
    }

    /// Asks a legacy client. Dropping the future gives the request up.
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
