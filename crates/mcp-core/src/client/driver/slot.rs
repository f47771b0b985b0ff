//! The state that the driver shares with the handles of calls and subscriptions.

use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use crate::client::listen::SubscriptionEvent;
use crate::error::Error;
use crate::lock::Lock;
use crate::message::{Notification, Payload};
use crate::runtime::unread::Unread;
use crate::session::{CallId, ListenId};

/// The state that the driver shares with the handle of a call.
#[derive(Debug)]
pub(crate) struct CallSlot {
    pub(crate) notifications: Unread<Notification>,
    /// The caller waits for the outcome only: notifications are not kept for it.
    pub(super) outcome_only: bool,
    state: Lock<CallState>,
}

#[derive(Debug, Default)]
struct CallState {
    /// Set by the driver when the session has accepted the call.
    id: Option<CallId>,
    /// An outcome was stored; it may have been taken.
    is_settled: bool,
    outcome: Option<Result<Payload, Error>>,
    /// The task that waits for it.
    waiting: Option<Waker>,
}

impl CallSlot {
    pub(crate) fn new(outcome_only: bool) -> CallSlot {
        CallSlot { notifications: Unread::new(), outcome_only, state: Lock::default() }
    }

    pub(crate) fn id(&self) -> Option<CallId> {
        self.state.lock().id
    }

    pub(super) fn set_id(&self, id: CallId) {
        self.state.lock().id = Some(id);
    }

    /// Settles the call. Only the first outcome counts.
    pub(crate) fn settle(&self, outcome: Result<Payload, Error>) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_settled, true) {
            return;
        }
        state.outcome = Some(outcome);
        let waiting = state.waiting.take();
        drop(state);
        self.notifications.close();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    pub(crate) fn poll_outcome(&self, cx: &mut Context<'_>) -> Poll<Result<Payload, Error>> {
        let mut state = self.state.lock();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        match &mut state.waiting {
            Some(waiting) => waiting.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
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
