//! The state that the driver of a link shares with its handlers and the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore, oneshot};

use crate::error::{CloseReason, Error};
use crate::lock::Lock;
use crate::message::{Method, Payload, RawJson};
use crate::runtime::mailbox::Mailbox;
use crate::runtime::signal::Signal;
use crate::session::ExchangeId;

use super::command::Command;
use super::held_back::{HeldBack, Publication};
use super::limits::ServerLimits;

/// The most unwritten notifications of one link's handlers. Beyond that, handlers wait.
const UNWRITTEN_NOTIFICATIONS: usize = 256;

/// The most messages that may wait for the writer. Beyond that, and beyond half of the limit in bytes, the driver stops
/// reading: otherwise a peer that sends requests and never reads could exhaust the memory before the write times out.
const UNREAD: usize = 4096;

/// The state that the driver of a link shares with its handlers and the server.
#[derive(Debug)]
pub(crate) struct LinkShared {
    /// Identifies the link in logs.
    pub(crate) number: u64,
    /// Boxed, because a mailbox has space for one, and few links have any.
    pub(crate) commands: Mailbox<Box<Command>>,
    /// Raised when the server is to stop.
    pub(crate) stopping: Arc<Signal>,
    notification_permits: Semaphore,
    requests: AtomicU64,
    /// Messages that the writer has not sent, and the bytes of their payloads.
    unread: AtomicUsize,
    unread_bytes: AtomicUsize,
    /// The most bytes that may wait for the writer, and those from which the peer is behind: no handler starts until it
    /// reads.
    unread_limit: usize,
    behind: usize,
    caught_up: Notify,
    /// The number of messages that were written or dropped.
    written: AtomicU64,
    /// Changes that wait until the writer has caught up.
    changes: Lock<HeldBack>,
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
        // Nearly always dropped by the link's own task: an increment that is lost does no harm.
        self.link.written.store(self.link.written() + 1, Ordering::Relaxed);
        self.shrink(self.bytes);
    }
}

impl QueueSlot {
    /// The bytes that it counts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts more bytes.
    pub(super) fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.link.unread_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts fewer bytes.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        let before = self.link.unread_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before >= self.link.behind && before - bytes < self.link.behind {
            self.link.caught_up.notify_waiters();
        }
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
        self.unread.load(Ordering::Relaxed) >= UNREAD || self.is_behind()
    }

    /// The bytes that wait for the writer.
    pub(super) fn unread_bytes(&self) -> usize {
        self.unread_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn unread_limit(&self) -> usize {
        self.unread_limit
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether the bytes that wait for the writer have reached the number from which on nothing is added if it can wait.
    pub(super) fn is_behind(&self) -> bool {
        self.unread_bytes() >= self.behind
    }

    /// Waits until the peer has read enough. Cancel-safe.
    pub(super) async fn caught_up(&self) {
        while self.is_behind() {
            let mut read = std::pin::pin!(self.caught_up.notified());
            // Enabled before the check, so that a notification in between is not missed.
            read.as_mut().enable();
            if self.is_behind() {
                read.await;
            }
        }
    }

    /// Queues a change for the subscribers on this link.
    pub(super) fn publish(&self, change: Publication) {
        let mut changes = self.changes.lock();
        let first = changes.is_empty();
        let dropped = changes.push(change);
        drop(changes);
        if dropped.is_some() {
            tracing::warn!(link = self.number, "a subscriber reads too slowly; a change was dropped");
        }
        // One command for all of them: the driver takes what waits.
        if first {
            self.command(Command::Changed);
        }
    }

    /// The oldest change that waits.
    pub(super) fn next_change(&self) -> Option<Publication> {
        self.changes.lock().pop()
    }

    pub(crate) fn new(number: u64, stopping: Arc<Signal>, limits: &ServerLimits) -> LinkShared {
        LinkShared {
            number,
            commands: Mailbox::new(),
            stopping,
            notification_permits: Semaphore::new(UNWRITTEN_NOTIFICATIONS),
            requests: AtomicU64::new(0),
            unread: AtomicUsize::new(0),
            unread_bytes: AtomicUsize::new(0),
            unread_limit: limits.link_unread_bytes,
            behind: (limits.link_unread_bytes / 2).max(1),
            caught_up: Notify::new(),
            written: AtomicU64::new(0),
            changes: Lock::default(),
        }
    }

    /// Waits until a notification of this length may be queued. Cancel-safe.
    pub(crate) async fn notification_slot(self: &Arc<Self>, bytes: usize) -> QueueSlot {
        // Never closed, so this always yields a permit; the guard releases it.
        if let Ok(permit) = self.notification_permits.acquire().await {
            permit.forget();
        }
        let permit = NotificationPermit(self.clone());
        self.caught_up().await;
        self.queue_slot(bytes, Some(permit))
    }

    /// Sends a command to the driver. Ignored once the driver has ended.
    pub(crate) fn command(&self, command: Command) {
        let _ended = self.commands.push(Box::new(command));
    }

    /// Sends a request to a legacy client. Dropping the future cancels it.
    pub(crate) async fn request(
        &self,
        exchange: Option<ExchangeId>,
        method: Method,
        params: Option<RawJson>,
    ) -> Result<Payload, Error> {
        let (answer, outcome) = oneshot::channel();
        let key = self.requests.fetch_add(1, Ordering::Relaxed);
        self.command(Command::Request { key, exchange, method, params, answer });
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
