//! Notifications that belong to no call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use crate::message::Notification;
use crate::runtime::unread::Unread;

/// Notifications that belong to no call and no subscription, from the creation of this reader on.
///
/// Holds at most [`ClientBuilder::notification_queue`](super::ClientBuilder::notification_queue)
/// notifications, within the [`ClientBuilder::unread_bytes`](super::ClientBuilder::unread_bytes) of the client; further
/// ones replace the oldest and are counted.
// FAULT C-13.
#[derive(Debug)]
pub struct Notifications {
    pub(super) queue: Arc<Unread<Notification>>,
}

impl Notifications {
    /// The next notification; `None` once the client is closed and all were returned. Cancel-safe.
    pub async fn next(&mut self) -> Option<Notification> {
        self.queue.pop().await
    }

    /// How many were dropped because they were not read in time.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Stream for Notifications {
    type Item = Notification;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        self.queue.poll_pop(cx)
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.queue.close();
    }
}
