//! What a reader has not read yet: bounded by number for each reader, and by memory for all readers together.

use std::sync::OnceLock;
use std::task::{Context, Poll};

use crate::message::{Notification, Payload};
use crate::transport::Owner;
use crate::transport::budget::{Budget, Limits, LinkBudget, Permit};

use super::mailbox::Mailbox;

/// The memory of an item beside its payload, in bytes: about what the queue and the envelope of the message take.
const ITEM: usize = 256;

/// The bounds of all unread queues of a client, or of a server.
#[derive(Debug)]
pub(crate) struct UnreadLimits {
    budget: Budget,
    /// The most items of one queue.
    items: usize,
}

impl UnreadLimits {
    /// Limits of `items` for each queue and `bytes` for all of them. The name appears in errors.
    pub(crate) fn new(name: &'static str, items: usize, bytes: usize) -> UnreadLimits {
        UnreadLimits { budget: Budget::new(name, Limits::new(u64::MAX, bytes as u64)), items }
    }

    /// The share of one queue.
    pub(crate) fn share(&self) -> LinkBudget {
        self.budget.link(&Owner::anonymous())
    }

    /// The bytes that all queues hold.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.budget.bytes()
    }
}

/// An item, and the memory that is held for it until it is read or dropped.
#[derive(Debug)]
struct Held<T> {
    item: T,
    _permit: Option<Permit>,
}

/// A queue for one reader. The oldest items are dropped at its bounds, and counted.
#[derive(Debug)]
pub(crate) struct Unread<T> {
    items: Mailbox<Held<T>>,
    /// Made with the first item: most calls have no notifications.
    share: OnceLock<LinkBudget>,
}

impl<T> Unread<T> {
    pub(crate) fn new() -> Unread<T> {
        Unread { items: Mailbox::new(), share: OnceLock::new() }
    }

    /// Adds an item whose payload has this length. Drops the oldest ones, or this one if that does not make enough
    /// space. Does nothing once closed.
    pub(crate) fn push(&self, item: T, bytes: usize, limits: &UnreadLimits) {
        if self.items.is_closed() {
            return;
        }
        let share = self.share.get_or_init(|| limits.share());
        let permit = loop {
            match share.take(0, (bytes + ITEM) as u64) {
                Ok(permit) => break permit,
                Err(_) if self.items.drop_oldest() => {}
                Err(_) => return self.items.count_dropped(),
            }
        };
        self.items.push_lossy(Held { item, _permit: Some(permit) }, limits.items);
    }

    /// Adds the last item, which is never dropped, and closes the queue. Does nothing once closed.
    pub(crate) fn push_last(&self, item: T) {
        let _closed_before = self.items.push(Held { item, _permit: None });
        self.items.close();
    }

    /// Closes the queue for further items. Waiting ones can still be read.
    pub(crate) fn close(&self) {
        self.items.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.items.is_closed()
    }

    /// The number of items that were dropped since the last call.
    pub(crate) fn take_unreported(&self) -> u64 {
        self.items.take_unreported()
    }

    /// The number of items that were dropped in total.
    pub(crate) fn dropped(&self) -> u64 {
        self.items.dropped()
    }

    /// The oldest item, or `None` once it is closed and empty. Registers the task; only the last one is woken.
    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.items.poll_pop(cx).map(|held| held.map(|held| held.item))
    }

    /// The next item, or `None` once it is closed and empty. Cancel-safe.
    pub(crate) async fn pop(&self) -> Option<T> {
        self.items.pop().await.map(|held| held.item)
    }
}

/// The bytes of a notification's payload.
pub(crate) fn notification_len(notification: &Notification) -> usize {
    notification.params.as_ref().map_or(0, |params: &Payload| params.raw().as_bytes().len())
}
