//! The loop of a server's link, and its end.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;

use crate::error::CloseReason;
use crate::runtime::burst::{LinkDriver, burst, lowering, next_input, poll_input, received_len};
use crate::runtime::timer::Quiet;
use crate::runtime::turn::Turn;
use crate::runtime::writer::{Rejected, Writing, write};
use crate::runtime::{FAREWELL, Received, boxed, now, sleep_until};
use crate::transport::{CloseReport, Inbound, TransportError, TransportReceiver, TransportSender};

use super::at_once::Inline;
use super::rest::Driven;
use super::serve::Served;
use super::{BACKLOG, Driver};

/// What can wake the driver.
enum Woken {
    Written(Result<(), TransportError>),
    Received(Received),
    Replied(Served),
    /// A queue has items, or a timer has fired.
    Look,
    /// The link is idle.
    Idle,
}

/// Why a link is pumped no longer.
enum Pumped {
    /// Nothing is in progress, and nothing happened for a while.
    Idle,
    /// The session has given the link up.
    Over,
}

impl LinkDriver for Driver<'_> {
    type End = TransportError;

    fn rejected(&mut self, Rejected { lane, request, loss }: Rejected) {
        self.session.handle_rejected(now(), lane, request.as_ref(), loss);
        self.drain();
        self.reply_in_place();
        // A message on the shared lane does not end the one exchange.
        self.leave |= !lane.is_shared() && self.binding.one_exchange;
    }

    fn take_command(&mut self) -> bool {
        let command = self.shared.commands.try_pop();
        let taken = command.map(|command| self.command(*command)).is_some();
        self.reply_in_place();
        taken
    }

    fn received(&mut self, received: Received) -> ControlFlow<TransportError> {
        match received {
            Ok(Some(inbound)) => {
                self.inbound(inbound);
                self.reply_in_place();
            }
            Ok(None) => {
                // Accepted requests are still answered, for a limited time.
                self.reading = false;
                self.give_up = now().checked_add(self.server.limits.linger);
                self.session.handle_read_closed(now());
                self.drain();
            }
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }

    fn wants_more(&self) -> bool {
        // A link that lives for one exchange has received all that it will receive.
        self.reading && !self.binding.one_exchange && !self.is_held_up()
    }

    fn is_leaving(&self) -> bool {
        self.leave
    }
}

impl Driver<'_> {
    /// Drives a link until it is closed and its handlers are done, or until it is idle.
    pub(super) async fn drive_link(
        &mut self,
        received: Option<Box<Received>>,
        sender: &mut dyn TransportSender,
        receiver: &mut dyn TransportReceiver,
    ) -> Driven {
        let mut turn = Turn::default();
        let first = received.map(|received| {
            turn.spend(received_len(&received));
            self.received(*received)
        });
        let pumped = match first {
            Some(ControlFlow::Break(error)) => Err(error),
            _ => self.pump(&mut *sender, &mut *receiver, &mut turn).await,
        };
        let failure = match pumped {
            Ok(Pumped::Idle) => return Driven::Idle(self.session.rest(now())),
            Ok(Pumped::Over) => None,
            Err(error) => Some(error),
        };
        if let Some(error) = &failure {
            tracing::debug!(%error, link = self.shared.number, "the link failed");
            self.session.handle_closed(now(), Some(error.clone()), CloseReport::default());
            self.drain();
        }
        self.outbox.close();
        let reading = self.reading;
        // Boxed, so that a link does not have space for its end.
        let closed = boxed(|| close_link(sender.close(), receiver, reading)).await;
        if !self.running.is_empty() {
            boxed(|| self.finish_handlers()).await;
        }
        Driven::Closed(match (failure, self.reason.take()) {
            (Some(error), _) => CloseReason::LinkFailed { error, closed },
            (None, Some(CloseReason::PeerClosed(_))) => CloseReason::PeerClosed(closed),
            (None, Some(reason)) => reason,
            (None, None) => CloseReason::Requested,
        })
    }

    /// Whether nothing is in progress but what the writer does.
    fn is_idle(&self) -> bool {
        self.reading
            && !self.leave
            && !self.behind
            && self.running.is_empty()
            && self.outgoing.is_empty()
            && self.waiting.is_empty()
            && self.unread.is_none()
            && self.batches.is_empty()
            && self.wait.is_none()
    }

    /// Receives, serves and writes concurrently until the link fails, the session gives it up, or nothing was in progress
    /// for a while. Messages that were queued before that are written first.
    async fn pump(
        &mut self,
        sender: &mut dyn TransportSender,
        receiver: &mut dyn TransportReceiver,
        turn: &mut Turn,
    ) -> Result<Pumped, TransportError> {
        let outbox = self.outbox;
        let writing = Writing::default();
        let mut writer = std::pin::pin!(write(sender, outbox, &writing, self.server.limits.write_timeout));
        let mut receiving = std::pin::pin!(next_input(receiver));
        let mut poll_recv = |cx: &mut Context<'_>| poll_input(receiving.as_mut(), next_input, cx);
        let (mut farewell, mut quiet, mut rounds) = (None, Quiet::default(), 0_u64);
        loop {
            rounds = rounds.wrapping_add(1);
            let mut had_none = match burst(self, &mut poll_recv, &writing.rejected, turn).await {
                ControlFlow::Break(error) => return Err(error),
                ControlFlow::Continue(had_none) => had_none,
            };
            if let ControlFlow::Break(ended) = self.after_burst(farewell) {
                return ended.map(|()| Pumped::Over);
            }
            had_none &= !turn.pass_on().await;
            if self.leave && farewell.is_none() {
                outbox.close();
                farewell = now().checked_add(FAREWELL);
            }
            let retry = self.waiting.retry_at();
            let at = [self.wait, self.give_up, farewell, retry].into_iter().flatten().min();
            let full = self.shared.is_full();
            let may_rest = !full && self.is_idle();
            let reading = self.reading && !full && !self.waiting.is_paused();
            let (shared, behind, releasable) = (&self.shared, self.behind, self.releasable());
            let caught_up = poll_fn(|_| {
                // Polled whenever the writer in this task has made progress, so it needs no waker.
                let ready = full && !shared.is_full()
                    || behind && outbox.len() < BACKLOG
                    || releasable.is_some_and(|bytes| shared.unread_bytes() <= bytes);
                if ready { Poll::Ready(()) } else { Poll::Pending }
            });
            let idle = poll_fn(|cx| {
                // The same.
                if writing.is_idle(outbox) { quiet.poll(cx, rounds) } else { Poll::Pending }
            });
            let has_none = AtomicBool::new(had_none);
            let received = poll_fn(|cx| {
                // Not twice in one poll of this task.
                if has_none.load(Ordering::Relaxed) { Poll::Pending } else { poll_recv(cx) }
            });
            // `select` may return before it polls anything, when the task has used up its budget.
            let woken = lowering(&has_none, async {
                tokio::select! {
                    // The writer first, so that a busy reader does not starve it.
                    biased;
                    result = &mut writer => Woken::Written(result),
                    served = inline(&mut self.inline) => Woken::Replied(served),
                    () = idle, if may_rest => Woken::Idle,
                    // Before the commands: what a client said first counts first.
                    received = received, if reading => Woken::Received(received),
                    () = self.shared.commands.ready() => Woken::Look,
                    () = writing.rejected.ready_beside() => Woken::Look,
                    () = caught_up, if full || behind || releasable.is_some() => Woken::Look,
                    () = self.timer.until(at) => Woken::Look,
                }
            });
            match woken.await {
                Woken::Written(result) => return result.map(|()| Pumped::Over),
                Woken::Idle => return Ok(Pumped::Idle),
                Woken::Replied(served) => self.replied(served),
                Woken::Received(received) => {
                    turn.spend(received_len(&received));
                    if let ControlFlow::Break(error) = self.received(received) {
                        return Err(error);
                    }
                }
                Woken::Look => {}
            }
        }
    }

    /// What follows each burst. Breaks if the link has ended.
    fn after_burst(&mut self, farewell: Option<Instant>) -> ControlFlow<Result<(), TransportError>> {
        if self.behind {
            self.release();
        }
        if !self.waiting.is_empty() {
            self.admit();
            self.reply_in_place();
        }
        if self.unread.is_some() {
            self.release_unread();
        }
        self.tick();
        if self.cut {
            let why = "the peer does not read its answers (max_unread_bytes)";
            return ControlFlow::Break(Err(TransportError::new(why)));
        }
        if farewell.is_some_and(|at| at <= now()) {
            return ControlFlow::Break(Ok(()));
        }
        ControlFlow::Continue(())
    }

    /// The outcome of a handler that runs in this task, after what it sent before.
    pub(super) fn replied(&mut self, Served { exchange, outcome, permit }: Served) {
        self.take_commands();
        self.reply(now(), exchange, outcome, None, Some(permit));
    }

    /// Whether reading waits for the peer to read, or for places.
    fn is_held_up(&self) -> bool {
        self.shared.is_full() || self.waiting.is_paused()
    }

    fn inbound(&mut self, inbound: Inbound) {
        // The peer of the one exchange is gone, so the link ends.
        let over = matches!(inbound, Inbound::Ended { .. } | Inbound::Lost { .. });
        self.session.handle_inbound(now(), inbound);
        self.drain();
        self.leave |= over && self.binding.one_exchange;
    }

    /// Cancels the running handlers, and waits for them for the grace period.
    async fn finish_handlers(&mut self) {
        for exchange in self.running.values() {
            exchange.cancelled.raise();
        }
        let limit = now().checked_add(self.server.limits.grace);
        while !self.running.is_empty() {
            tokio::select! {
                served = inline(&mut self.inline) => {
                    self.running.remove(&served.exchange);
                }
                () = self.shared.commands.ready() => self.take_commands(),
                // A handler that blocks its thread cannot be dropped.
                () = sleep_until(limit) => return,
            }
        }
    }
}

/// Closes the sending half; receives meanwhile, so that a peer which is blocked writing can end. Returns what the
/// transport reports about the end.
pub(super) async fn close_link(
    mut closing: BoxFuture<'_, Result<CloseReport, TransportError>>,
    receiver: &mut dyn TransportReceiver,
    mut reading: bool,
) -> CloseReport {
    let mut turn = Turn::default();
    loop {
        tokio::select! {
            // The close first, so that a peer that goes on writing does not starve it.
            biased;
            result = &mut closing => {
                return result.unwrap_or_else(|error| {
                    tracing::debug!(%error, "the link did not close well");
                    CloseReport::default()
                });
            }
            received = async { receiver.recv().await }, if reading => {
                turn.spend(received_len(&received));
                reading = matches!(received, Ok(Some(_)));
            }
        }
        turn.pass_on().await;
    }
}

/// The outcome of the handler that runs inline; never, if none does. Cancel-safe.
async fn inline(slot: &mut Option<Inline>) -> Served {
    if let Some(Inline::Running(work)) = slot {
        let served = work.await;
        *slot = None;
        return served;
    }
    match slot.take() {
        Some(Inline::Done(served)) => served,
        _ => std::future::pending().await,
    }
}
