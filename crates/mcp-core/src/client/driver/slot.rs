//! What the driver and the handles of calls and subscriptions share.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use crate::error::Error;
use crate::message::{Notification, Payload};
use crate::runtime::mailbox::Mailbox;
use crate::session::{CallId, ListenId, SubscriptionFilter};

/// What the driver and the handle of a call share.
#[derive(Debug)]
pub(crate) struct CallSlot {
    /// Set by the driver when the session has taken the call.
    pub(crate) id: OnceLock<CallId>,
    pub(crate) notifications: Mailbox<Notification>,
    outcome: Mutex<Option<Result<Payload, Error>>>,
    waiting: AtomicWaker,
}

impl CallSlot {
    pub(crate) fn new() -> CallSlot {
        CallSlot {
            id: OnceLock::new(),
            notifications: Mailbox::new(),
            outcome: Mutex::new(None),
            waiting: AtomicWaker::new(),
        }
    }

    /// Settles the call. The first outcome stands.
    pub(crate) fn settle(&self, outcome: Result<Payload, Error>) {
        let mut slot = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
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
        match self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

/// What a subscription tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SubscriptionEvent {
    /// It is on.
    Started {
        /// What the server honours of the filter (ledger SUB-C-004).
        honoured: SubscriptionFilter,
        /// It was on before, and changes may have been missed in between: read again what you keep.
        gap: bool,
    },
    /// Something changed: `notifications/…/list_changed` or `notifications/resources/updated`.
    Changed(Notification),
    /// The link is gone. The subscription is asked for again; [`SubscriptionEvent::Started`] follows.
    Lost,
    /// This handle was read too slowly, and this many of the items above are missing here. What is
    /// changed or on is not known any more: read again what you keep.
    Missed {
        /// How many.
        items: u64,
    },
    /// It has ended; the last item. `Ok` if the server ended it in order.
    Ended(Result<(), Error>),
}

/// What the driver and the handle of a subscription share.
#[derive(Debug)]
pub(crate) struct ListenSlot {
    /// Set by the driver when the session has taken the subscription.
    pub(crate) id: OnceLock<ListenId>,
    pub(crate) items: Mailbox<SubscriptionEvent>,
}

impl ListenSlot {
    pub(crate) fn new() -> ListenSlot {
        ListenSlot { id: OnceLock::new(), items: Mailbox::new() }
    }

    /// Ends the subscription. The first end stands.
    pub(crate) fn end(&self, outcome: Result<(), Error>) {
        let _first = self.items.push(SubscriptionEvent::Ended(outcome));
        self.items.close();
    }
}
