//! One link of a client, from its first byte until it is closed.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::runtime::burst::{LinkDriver, burst, lowering, next_input, poll_input, received_len};
use crate::runtime::mailbox::Mailbox;
use crate::runtime::turn::Turn;
use crate::runtime::writer::{OutboxItem, Rejected, Writing, write};
use crate::runtime::{FAREWELL, Received, now, sleep_until};
use crate::transport::{CloseReport, Inbound, Transport, TransportError, TransportReceiver, TransportSender};

use super::{Driver, Permit};

/// How long a closing link may take to report how it ended, before its calls fail without that report. Enough for a
/// child that has exited: its exit status and the end of its stderr belong in the error.
const EVIDENCE: Duration = Duration::from_millis(500);

/// How long a link may deliver input after it was closed. What an exited child left in its pipe arrives at once.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The most replies, cancellations and answers that may wait to be written, beside messages with a permit. Beyond that
/// the driver stops reading, and a peer that does not read runs into the write limit.
// FAULT C-12.
const UNREAD_REPLIES: usize = 1024;

/// How a link ended.
pub(super) enum LinkEnd {
    /// The session requested it.
    Asked,
    /// The receiving half ended.
    Ended(Option<TransportError>),
    /// The sending half failed. Answers may still arrive.
    Broken(TransportError),
}

impl LinkDriver for Driver {
    type End = LinkEnd;

    fn rejected(&mut self, Rejected { lane, request, loss }: Rejected) {
        self.session.handle_rejected(now(), lane, request.as_ref(), loss);
        self.drain();
    }

    fn take_command(&mut self) -> bool {
        let command = self.shared.commands.try_pop();
        command.map(|command| self.command(command)).is_some()
    }

    fn received(&mut self, received: Received) -> ControlFlow<LinkEnd> {
        match received {
            Ok(Some(inbound)) => {
                self.inbound(inbound);
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Break(LinkEnd::Ended(None)),
            Err(error) => ControlFlow::Break(LinkEnd::Ended(Some(error))),
        }
    }

    fn wants_more(&self) -> bool {
        self.reading
    }

    fn is_leaving(&self) -> bool {
        // The session closes a link before it asks for another one, and before it ends.
        self.leave
    }
}

impl Driver {
    /// Drives a link until it is closed.
    pub(super) async fn drive_link(&mut self, link: Box<dyn Transport>) {
        let binding = link.binding();
        self.evidence = link.evidence();
        let (mut sender, mut receiver) = link.split();
        let outbox = Arc::new(Mailbox::new());
        self.outbox = Some(outbox.clone());
        self.session.handle_connected(now(), binding);
        self.drain();
        // Where exchanges travel separately, no write carries two of them.
        let batches = binding.ordered;
        let end = self.pump(&mut *sender, &mut *receiver, &outbox, batches).await;
        // A session that requested the end ignores how it came about.
        let end = if self.leave { LinkEnd::Asked } else { end };
        self.outbox = None;
        outbox.close();
        self.close_link(&mut *sender, &mut *receiver, end).await;
    }

    /// Receives and writes concurrently until the link ends or the session gives it up. Messages that were queued before
    /// that are written first.
    async fn pump(
        &mut self,
        sender: &mut dyn TransportSender,
        receiver: &mut dyn TransportReceiver,
        outbox: &Mailbox<OutboxItem<Permit>>,
        batches: bool,
    ) -> LinkEnd {
        let writing = Writing::default();
        let mut writer = std::pin::pin!(write(sender, outbox, &writing, self.shared.limits.write_timeout));
        let mut receiving = std::pin::pin!(next_input(receiver));
        let mut poll_recv = |cx: &mut Context<'_>| poll_input(receiving.as_mut(), next_input, cx);
        let (mut farewell, has_none) = (None, AtomicBool::new(false));
        let mut turn = Turn::default();
        let most = self.shared.limits.in_flight.saturating_add(UNREAD_REPLIES);
        loop {
            if self.leave && farewell.is_none() {
                outbox.close();
                farewell = now().checked_add(FAREWELL);
            }
            let reading = outbox.len() < most;
            self.reading = reading;
            let caught_up = poll_fn(|_| {
                // Polled whenever the writer in this task has made progress, so it needs no waker.
                if outbox.len() < most { Poll::Ready(()) } else { Poll::Pending }
            });
            let received = poll_fn(|cx| {
                // Not twice in one poll of this task.
                if has_none.load(Ordering::Relaxed) { Poll::Pending } else { poll_recv(cx) }
            });
            // `select` may return before it polls anything, when the task has used up its budget.
            let end = lowering(&has_none, async {
                tokio::select! {
                    // The writer first, so that a busy reader does not starve it.
                    biased;
                    result = &mut writer => Some(match result {
                        Ok(()) => LinkEnd::Asked,
                        Err(error) => LinkEnd::Broken(error),
                    }),
                    // Before the reader, which is polled after each command in any case.
                    () = self.shared.commands.ready() => None,
                    received = received, if reading => {
                        turn.spend(received_len(&received));
                        self.received(received).break_value()
                    }
                    () = caught_up, if !reading => None,
                    () = writing.rejected.ready_beside() => None,
                    () = self.timer.until(self.wait) => None,
                    () = sleep_until(farewell), if farewell.is_some() => None,
                }
            });
            if let Some(end) = end.await {
                return end;
            }
            let mut had_none = match burst(self, &mut poll_recv, &writing.rejected, &mut turn).await {
                ControlFlow::Break(end) => return end,
                ControlFlow::Continue(had_none) => had_none,
            };
            // Some calls in flight have nothing to write: they wait for the peer, or their callers were just woken and
            // will call again. One write for all of them is worth a turn of the other tasks.
            if batches && !outbox.is_empty() && self.shared.in_flight() > outbox.len() {
                tokio::task::yield_now().await;
                had_none = match burst(self, &mut poll_recv, &writing.rejected, &mut turn).await {
                    ControlFlow::Break(end) => return end,
                    ControlFlow::Continue(had_none) => had_none,
                };
            }
            self.tick();
            // Also checked here: the timer may starve beside a busy reader.
            if farewell.is_some_and(|at| at <= now()) {
                return LinkEnd::Asked;
            }
            had_none &= !turn.pass_on().await;
            has_none.store(had_none, Ordering::Relaxed);
        }
    }

    fn inbound(&mut self, inbound: Inbound) {
        self.session.handle_inbound(now(), inbound);
        self.drain();
    }

    /// Closes the sending half while it continues to receive (promise 8), then informs the session how the link
    /// ended. If
    /// closing takes longer than [`EVIDENCE`], the session is informed before.
    // FAULT C-2.
    async fn close_link(
        &mut self,
        sender: &mut dyn TransportSender,
        receiver: &mut dyn TransportReceiver,
        end: LinkEnd,
    ) {
        let (mut reading, mut informed, mut error) = match end {
            LinkEnd::Asked => (true, true, None),
            LinkEnd::Ended(error) => (false, false, error),
            LinkEnd::Broken(error) => (true, false, Some(error)),
        };
        let mut closing = std::pin::pin!(sender.close());
        let mut closed: Option<CloseReport> = None;
        let evidence = now().checked_add(EVIDENCE);
        let mut last_words = None;
        let mut turn = Turn::default();
        while closed.is_none() || reading {
            tokio::select! {
                // The close first, so that a peer that never stops sending does not delay it.
                biased;
                result = &mut closing, if closed.is_none() => {
                    closed = Some(result.unwrap_or_else(|cause| {
                        error.get_or_insert(cause);
                        CloseReport::default()
                    }));
                    // A session that was informed of the end expects nothing more.
                    reading &= !informed;
                    last_words = now().checked_add(LAST_WORDS);
                }
                received = receiver.recv(), if reading => {
                    turn.spend(received_len(&received));
                    match received {
                        // A session that was informed of the end has no lanes left.
                        Ok(Some(inbound)) => if !informed {
                            self.inbound(inbound);
                        },
                        Ok(None) => reading = false,
                        Err(cause) => {
                            reading = false;
                            error.get_or_insert(cause);
                        }
                    }
                }
                () = sleep_until(last_words), if closed.is_some() => {}
                () = sleep_until(evidence), if !informed => {}
                () = self.shared.commands.ready(), if informed => {}
                () = self.timer.until(self.wait), if informed => {}
            }
            // Checked on every iteration: the timer may starve beside a busy reader.
            let over = |limit: Option<Instant>| limit.is_some_and(|at| at <= now());
            reading &= !(closed.is_some() && over(last_words));
            // If the end is known by now, there is nothing more to wait for.
            reading &= informed || closed.is_none() || !over(evidence);
            if !informed && closed.is_none() && over(evidence) {
                informed = true;
                let note = Some("it is still being ended".to_owned());
                self.session.handle_closed(
                    now(),
                    error.take(),
                    CloseReport { note, ..CloseReport::default() },
                );
                self.drain();
            }
            // Commands wait until the session is informed: it would send them on the dead link.
            if informed {
                self.take_commands();
                self.tick();
            }
            turn.pass_on().await;
        }
        if !informed {
            self.session.handle_closed(now(), error, closed.unwrap_or_default());
            self.drain();
        }
    }
}
