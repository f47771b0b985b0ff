//! Notifications that belong to no call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use crate::message::Notification;
use crate::runtime::mailbox::Mailbox;

/// Notifications that belong to no call and no subscription, from when this was made.
///
/// Holds a bounded number; the oldest go first and are counted (FAULT C-13).
#[derive(Debug)]
pub struct Notifications {
    pub(super) queue: Arc<Mailbox<Notification>>,
}

impl Notifications {
    /// The next one; `None` once the client is closed and all were taken. Cancel-safe.
    pub async fn next(&mut self) -> Option<Notification> {
        self.queue.pop().await
    }

    /// How many were dropped because nobody took them in time.
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
