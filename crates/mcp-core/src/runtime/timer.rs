//! A timer that is re-armed as rarely as possible.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::reachable;

/// Waits for an instant that moves often, usually to a later one, as with each answered call. The runtime's timer is
/// reset only if it has to fire earlier, or after it has fired.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Waits for the instant; never completes if there is none. Each call may name another instant. Cancel-safe.
    pub(crate) async fn until(&mut self, at: Option<Instant>) {
        let Some(at) = at.and_then(reachable) else { return std::future::pending().await };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if at < sleep.deadline() {
            sleep.as_mut().reset(at);
        }
        loop {
            sleep.as_mut().await;
            if sleep.deadline() >= at {
                return;
            }
            sleep.as_mut().reset(at);
        }
    }
}

/// How long nothing happens before memory is let go.
const QUIET: Duration = Duration::from_secs(1);

/// Notices that nothing happens for a while. Polling it is cheap: it reads no clock, and its timer is set once a second
/// at most.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    timer: Option<(Pin<Box<Sleep>>, Waker)>,
    /// The number of the last poll when the timer was set.
    seen: u64,
}

impl Quiet {
    /// Ready if the number is the same as [`QUIET`] ago. The caller gives another one whenever something happens.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, number: u64) -> Poll<()> {
        let Some((sleep, waker)) = &mut self.timer else {
            self.seen = number;
            let mut sleep = Box::pin(tokio::time::sleep(QUIET));
            let polled = sleep.as_mut().poll(cx);
            self.timer = Some((sleep, cx.waker().clone()));
            return polled;
        };
        let same = waker.will_wake(cx.waker());
        if same && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        if !same {
            waker.clone_from(cx.waker());
        }
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if std::mem::replace(&mut self.seen, number) == number {
            return Poll::Ready(());
        }
        sleep.as_mut().reset(tokio::time::Instant::now() + QUIET);
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;
    use crate::runtime::now;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_earlier_instant_moves_the_timer() {
        let (start, mut timer) = (now(), Timer::default());
        assert!(timer.until(start.checked_add(10 * SECOND)).now_or_never().is_none());
        timer.until(start.checked_add(SECOND)).await;
        assert_eq!(now().duration_since(start), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_instant_is_waited_for() {
        let (start, mut timer) = (now(), Timer::default());
        assert!(timer.until(start.checked_add(SECOND)).now_or_never().is_none());
        timer.until(start.checked_add(10 * SECOND)).await;
        assert_eq!(now().duration_since(start), 10 * SECOND);
        timer.until(start.checked_add(SECOND)).await;
        assert_eq!(now().duration_since(start), 10 * SECOND);
    }
}
