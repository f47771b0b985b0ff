//! The state that the driver shares with the handles of calls and subscriptions.

use std::sync::OnceLock;
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use crate::client::listen::SubscriptionEvent;
use crate::error::Error;
use crate::lock::Lock;
use crate::message::{Notification, Payload};
use crate::runtime::unread::Unread;
use crate::session::{CallId, ListenId};

/// The state that the driver shares with the handle of a call.
#[derive(Debug)]
pub(crate) struct CallSlot {
    /// Set by the driver when the session has accepted the call.
    pub(crate) id: OnceLock<CallId>,
    pub(crate) notifications: Unread<Notification>,
    /// The caller waits for the outcome only: notifications are not kept for it.
    pub(super) outcome_only: bool,
    outcome: Lock<Option<Result<Payload, Error>>>,
    waiting: AtomicWaker,
}

impl CallSlot {
    pub(crate) fn new(outcome_only: bool) -> CallSlot {
        CallSlot {
            id: OnceLock::new(),
            notifications: Unread::new(),
            outcome_only,
            outcome: Lock::new(None),
            waiting: AtomicWaker::new(),
        }
    }

    /// Settles the call. Only the first outcome counts.
    pub(crate) fn settle(&self, outcome: Result<Payload, Error>) {
        let mut slot = self.outcome.lock();
        if self.notifications.is_closed() {
            return;
        }
        *slot = Some(outcome);
        drop(slot);
        self.notifications.close();
        self.waiting.wake();
    }

    pub(crate) fn poll_outcome(&self, cx: &mut Context<'_>) -> Poll<Result<Payload, Error>> {
        self.waiting.register(cx.waker());
        match self.outcome.lock().take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

/// The state that the driver shares with the handle of a subscription.
#[derive(Debug)]
pub(crate) struct ListenSlot {
    /// Set by the driver when the session has accepted the subscription.
    pub(crate) id: OnceLock<ListenId>,
    pub(crate) items: Unread<SubscriptionEvent>,
}

impl ListenSlot {
    pub(crate) fn new() -> ListenSlot {
        ListenSlot { id: OnceLock::new(), items: Unread::new() }
    }

    /// Ends the subscription. Only the first outcome counts.
    pub(crate) fn end(&self, outcome: Result<(), Error>) {
        self.items.push_last(SubscriptionEvent::Ended(outcome));
    }
}
