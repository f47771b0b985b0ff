//! The time after which an answer that is not there becomes a stream.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Set when it is polled for the first time.
///
/// Most answers come soon, and a timer costs more than a look at the clock. Where something else polls the request before the
/// time is over, the timer is set then.
pub(super) struct KeepAlive {
    after: Duration,
    /// Something polls the request in time.
    polled: bool,
    begun: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl KeepAlive {
    /// `ticks`: the longest time after which the request is polled in any case.
    pub(super) fn new(after: Duration, ticks: Option<Duration>) -> KeepAlive {
        let polled = ticks.is_some_and(|ticks| ticks < after);
        KeepAlive { after, polled, begun: None, timer: None }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.polled && self.begun.is_none() {
            self.begun = Some(Instant::now());
            return Poll::Pending;
        }
        let (begun, after) = (self.begun, self.after);
        let until = begun.and_then(|begun| begun.checked_add(after));
        let timer = || Box::pin(until.map_or_else(|| sleep(after), sleep_until));
        self.timer.get_or_insert_with(timer).as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const AFTER: Duration = Duration::from_secs(15);

    /// When it is over, if it is polled anew after this time.
    async fn over(ticks: Option<Duration>, again: Duration) -> Duration {
        let (began, mut keep_alive) = (Instant::now(), KeepAlive::new(AFTER, ticks));
        let mut tick = Box::pin(sleep(again));
        poll_fn(|cx| {
            let _again = tick.as_mut().poll(cx);
            keep_alive.poll(cx)
        })
        .await;
        began.elapsed()
    }

    /// It is over at its time, whether its timer is set at once or at a tick.
    #[tokio::test(start_paused = true)]
    async fn a_late_timer_ends_in_time() {
        for ticks in [None, Some(AFTER), Some(Duration::MAX), Some(AFTER / 2)] {
            assert_eq!(over(ticks, AFTER / 2).await, AFTER, "{ticks:?}");
        }
        // Without a tick that comes in time it waits for none.
        assert_eq!(over(Some(AFTER), AFTER * 2).await, AFTER);
    }

    /// A request that is answered before the first tick sets no timer, for which it would need a runtime.
    #[test]
    fn the_first_poll_sets_no_timer() {
        let mut keep_alive = KeepAlive::new(AFTER, Some(AFTER / 2));
        assert!(keep_alive.poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        assert!(keep_alive.timer.is_none());
    }

    /// A time beyond what can be represented never comes.
    #[tokio::test(start_paused = true)]
    async fn an_endless_time_is_none() {
        let mut keep_alive = KeepAlive::new(Duration::MAX, Some(AFTER));
        let polls = poll_fn(|cx| Poll::Ready([keep_alive.poll(cx), keep_alive.poll(cx)]));
        assert!(polls.await.iter().all(Poll::is_pending));
    }
}
