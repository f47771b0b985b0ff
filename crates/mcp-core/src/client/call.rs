//! A call in flight: a future of its outcome, with a queue of its notifications.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream};

use crate::client::driver::{CallSlot, Command, NewCall, Permit};
use crate::error::Error;
use crate::message::{Notification, Payload};
use crate::session::CallId;

use super::Client;

type PendingPermit = BoxFuture<'static, Result<Permit, Error>>;

enum State {
    /// Waits for a permit, because too many calls are in flight. The limits of the call already run.
    Queued { permit: PendingPermit, call: Box<NewCall> },
    /// Passed to the driver.
    Issued,
    /// The outcome was returned.
    Done,
}

/// A call in flight. Await it for the outcome.
///
/// The call is sent when it is made, unless [`ClientBuilder::max_in_flight`] calls are in flight: then it is
/// sent once one of them has ended and this handle is polled. Its limits run from the start in both cases.
/// Dropping the handle cancels the call on the server.
///
/// Awaiting `&mut call` is cancel-safe: a later await continues. Do not poll the future after it completed.
///
/// [`ClientBuilder::max_in_flight`]: super::ClientBuilder::max_in_flight
#[must_use = "dropping a call cancels it"]
pub struct Call {
    client: Client,
    slot: Arc<CallSlot>,
    state: State,
}

impl Call {
    pub(super) fn issued(client: Client, slot: Arc<CallSlot>) -> Call {
        Call { client, slot, state: State::Issued }
    }

    pub(super) fn queued(client: Client, slot: Arc<CallSlot>, permit: PendingPermit, call: NewCall) -> Call {
        Call { client, slot, state: State::Queued { permit, call: Box::new(call) } }
    }

    /// The id of the call, by which [`InputContext::call`](super::InputContext::call) names it. `None` until the client
    /// has taken the call: it is known before any question of the call arrives.
    pub fn id(&self) -> Option<CallId> {
        self.slot.id()
    }

    /// The next notification of this call: progress, a log message. `None` once the call has its outcome and
    /// all of its notifications were returned. Cancel-safe.
    ///
    /// At most [`ClientBuilder::notification_queue`](super::ClientBuilder::notification_queue) notifications
    /// wait, within the [`ClientBuilder::unread_bytes`](super::ClientBuilder::unread_bytes) of the client; further
    /// ones replace the oldest.
    // FAULT C-13.
    pub async fn next_notification(&mut self) -> Option<Notification> {
        std::future::poll_fn(|cx| self.poll_next_notification(cx)).await
    }

    /// How many notifications of this call were dropped because they were not read in time.
    pub fn dropped_notifications(&self) -> u64 {
        self.slot.notifications.dropped()
    }

    /// The notifications as a separate stream, for another task. Use one reader per call: each notification
    /// goes to one reader, and only the reader that polled last is woken.
    pub fn notifications(&self) -> CallNotifications {
        CallNotifications { slot: self.slot.clone() }
    }

    /// Cancels the call on the server. Its outcome is [`Error::Cancelled`], unless it already has one.
    pub fn cancel(&mut self) {
        match self.state {
            State::Queued { .. } => {
                self.slot.settle(Err(Error::Cancelled));
                self.state = State::Issued;
            }
            State::Issued => self.client.command(Command::Cancel(self.slot.clone())),
            State::Done => {}
        }
    }

    /// Waits for a permit, then passes the call to the driver.
    fn poll_issue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::Queued { permit, .. } = &mut self.state else { return Poll::Ready(()) };
        let Poll::Ready(permit) = permit.poll_unpin(cx) else { return Poll::Pending };
        if let State::Queued { mut call, .. } = std::mem::replace(&mut self.state, State::Issued) {
            match permit {
                Ok(permit) => {
                    call.permit = Some(permit);
                    self.client.command(Command::Call(*call));
                }
                Err(error) => self.slot.settle(Err(error)),
            }
        }
        Poll::Ready(())
    }

    pub(super) fn poll_next_notification(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        match self.poll_issue(cx) {
            Poll::Ready(()) => self.slot.notifications.poll_pop(cx),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Future for Call {
    type Output = Result<Payload, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.poll_issue(cx).is_pending() {
            return Poll::Pending;
        }
        let outcome = self.slot.poll_outcome(cx);
        if outcome.is_ready() {
            self.state = State::Done;
        }
        outcome
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if matches!(self.state, State::Issued) && !self.slot.notifications.is_closed() {
            self.client.command(Command::Cancel(self.slot.clone()));
        }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("id", &self.slot.id()).finish_non_exhaustive()
    }
}

/// The notifications of one call as a stream. Ends with the call.
#[derive(Debug)]
pub struct CallNotifications {
    slot: Arc<CallSlot>,
}

impl CallNotifications {
    /// The next notification; `None` once the call has its outcome and all were returned. Cancel-safe.
    pub async fn next(&mut self) -> Option<Notification> {
        self.slot.notifications.pop().await
    }
}

impl Stream for CallNotifications {
    type Item = Notification;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        self.slot.notifications.poll_pop(cx)
    }
}
