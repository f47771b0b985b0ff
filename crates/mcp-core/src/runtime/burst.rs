//! Processing pending input in bursts, for the drivers of both roles.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::transport::TransportReceiver;

use super::mailbox::Mailbox;
use super::turn::Turn;
use super::writer::Rejected;
use super::{Received, weight};

/// A driver of a link, as [`burst`] uses it.
pub(crate) trait LinkDriver {
    /// How the link ended.
    type End;

    /// A message was not sent.
    fn rejected(&mut self, rejected: Rejected);

    /// Carries out the oldest command. `false` if none waits.
    fn take_command(&mut self) -> bool;

    /// Handles the outcome of a `recv`.
    fn received(&mut self, received: Received) -> ControlFlow<Self::End>;

    /// Whether to call `recv` again within this burst.
    fn wants_more(&self) -> bool;

    /// Whether the link is to be closed.
    fn is_leaving(&self) -> bool;
}

/// The bytes that were received.
pub(crate) fn received_len(received: &Received) -> usize {
    match received {
        Ok(Some(inbound)) => weight::inbound(inbound),
        Ok(None) | Err(_) => 0,
    }
}

/// The next input of a link, and the receiving half again.
pub(crate) async fn next_input(
    receiver: &mut dyn TransportReceiver,
) -> (&mut dyn TransportReceiver, Received) {
    let received = receiver.recv().await;
    (receiver, received)
}

/// Polls the receiving half for one input. The `recv` of a half that has none stays pending across polls, so that it is
/// begun once for each input.
pub(crate) fn poll_input<'r, F>(
    mut receiving: Pin<&mut F>,
    next: impl FnOnce(&'r mut dyn TransportReceiver) -> F,
    cx: &mut Context<'_>,
) -> Poll<Received>
where
    F: Future<Output = (&'r mut dyn TransportReceiver, Received)>,
{
    receiving.as_mut().poll(cx).map(|(receiver, received)| {
        receiving.set(next(receiver));
        received
    })
}

/// Polls `work`, and lowers the flag after its first poll: what holds in this poll of the task need not hold in the next,
/// whose wake-up may have come from anything.
pub(crate) async fn lowering<T>(flag: &AtomicBool, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let polled = work.as_mut().poll(cx);
        flag.store(false, Ordering::Relaxed);
        polled
    })
    .await
}

/// Processes what is pending until the turn is over, so that many messages cost one wake-up and one flush. Never waits.
///
/// `poll_recv` is called with the waker of the task. Returns whether it had nothing: the task is woken by what comes next.
pub(crate) async fn burst<D: LinkDriver>(
    driver: &mut D,
    mut poll_recv: impl FnMut(&mut Context<'_>) -> Poll<Received>,
    rejected: &Mailbox<Rejected>,
    turn: &mut Turn,
) -> ControlFlow<D::End, bool> {
    poll_fn(|cx| Poll::Ready(run(driver, &mut poll_recv, rejected, turn, cx))).await
}

fn run<D: LinkDriver>(
    driver: &mut D,
    poll_recv: &mut impl FnMut(&mut Context<'_>) -> Poll<Received>,
    rejected: &Mailbox<Rejected>,
    turn: &mut Turn,
    cx: &mut Context<'_>,
) -> ControlFlow<D::End, bool> {
    // Input that comes during the burst, after there was none, is received after it.
    let mut has_none = false;
    while !turn.is_over() {
        let mut idle = true;
        if let Some(rejected) = rejected.try_pop() {
            idle = false;
            driver.rejected(rejected);
        }
        idle &= !driver.take_command();
        let mut bytes = 0;
        if !has_none && driver.wants_more() {
            match poll_recv(cx) {
                Poll::Ready(received) => {
                    idle = false;
                    bytes = received_len(&received);
                    driver.received(received)?;
                }
                Poll::Pending => has_none = true,
            }
        }
        if idle || driver.is_leaving() {
            break;
        }
        turn.spend(bytes);
    }
    ControlFlow::Continue(has_none)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// The flag holds in the first poll only, also if that one looks at nothing: the wake-up of the next may be the one that
    /// the flag makes superfluous in the first.
    #[test]
    fn a_flag_is_lowered_by_the_first_poll() {
        let flag = AtomicBool::new(true);
        let mut seen = Vec::new();
        let work = poll_fn(|_| {
            seen.push(flag.load(Ordering::Relaxed));
            if seen.len() == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut work = Box::pin(lowering(&flag, work));
        let mut cx = Context::from_waker(Waker::noop());
        while work.as_mut().poll(&mut cx).is_pending() {}
        drop(work);
        assert_eq!(seen, [true, false, false]);
    }
}
