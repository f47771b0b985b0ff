//! A call in flight: a future of its outcome, and a queue of its notifications.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream};

use crate::client::driver::{CallSlot, Command, NewCall, Permit};
use crate::error::Error;
use crate::message::{Notification, Payload};

use super::Client;

type Place = BoxFuture<'static, Result<Permit, Error>>;

enum State {
    /// Too many calls are in flight; the clock of this one is running.
    Queued { permit: Place, call: Box<NewCall> },
    /// The driver has it.
    Issued,
    /// The outcome was handed out.
    Done,
}

/// A call in flight. Await it for the outcome.
///
/// The call was issued when it was made, unless [`ClientBuilder::max_in_flight`] calls were in flight;
/// then it is issued once one of them has ended and this handle is polled. Its deadlines run from the
/// start in both cases. Dropping the handle cancels the call on the server (FAULT C-37).
///
/// As a future it is cancel-safe behind a `&mut`: polling it again goes on waiting. Do not poll it after
/// it was ready.
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

    pub(super) fn queued(client: Client, slot: Arc<CallSlot>, permit: Place, call: NewCall) -> Call {
        Call { client, slot, state: State::Queued { permit, call: Box::new(call) } }
    }

    /// The next notification of this call: progress, a log message. `None` once the call has its outcome
    /// and all of its notifications were taken. Cancel-safe.
    ///
    /// At most [`ClientBuilder::notification_queue`](super::ClientBuilder::notification_queue) wait to be
    /// taken; the oldest go first (FAULT C-13).
    pub async fn next_notification(&mut self) -> Option<Notification> {
        std::future::poll_fn(|cx| self.poll_next_notification(cx)).await
    }

    /// How many notifications of this call were dropped because nobody took them in time.
    pub fn dropped_notifications(&self) -> u64 {
        self.slot.notifications.dropped()
    }

    /// The notifications as a stream of its own, for another task. Of several readers each notification
    /// reaches one, and only the last that waited is woken: take one.
    pub fn notifications(&self) -> CallNotifications {
        CallNotifications { slot: self.slot.clone() }
    }

    /// Cancels the call on the server; its outcome is [`Error::Cancelled`], unless it had one already.
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

    /// Takes part in the queue for a permit, and issues the call when it has one.
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

    fn poll_next_notification(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
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
        f.debug_struct("Call").field("id", &self.slot.id.get()).finish_non_exhaustive()
    }
}

/// The notifications of one call, apart from its outcome. Ends with the call.
#[derive(Debug)]
pub struct CallNotifications {
    slot: Arc<CallSlot>,
}

impl CallNotifications {
    /// The next notification; `None` once the call has its outcome and all were taken. Cancel-safe.
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
