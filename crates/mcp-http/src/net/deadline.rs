//! The limits in time of an exchange and its steps. No timer is created before something has to be waited for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::{HttpError, TimeoutStep};

/// The limits of a whole exchange and of its current step, with one timer for both.
///
/// Moving a timer is expensive: it stays set when the step starts over, and is moved only when it fires too early. A
/// wait that ends in time costs one or two clock reads.
pub(super) struct Deadline {
    step: TimeoutStep,
    limit: Option<Duration>,
    total: Option<(Instant, Duration)>,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Begins now. `total` bounds everything.
    pub(super) fn new(total: Option<Duration>) -> Deadline {
        let total = total.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit)));
        Deadline { step: TimeoutStep::Total, limit: None, total, waiting_since: None, timer: None }
    }

    /// From now on this step is waited for.
    pub(super) fn step(&mut self, step: TimeoutStep, limit: Option<Duration>) {
        self.step = step;
        self.limit = limit;
        self.waiting_since = None;
        // The next step may be shorter than what the timer stands at.
        self.timer = None;
    }

    /// The step starts over: something came.
    pub(super) fn start_over(&mut self) {
        self.waiting_since = None;
    }

    /// Called when there is nothing but to wait: ready with the error when it has taken too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<HttpError> {
        if self.limit.is_none() && self.total.is_none() {
            return Poll::Pending;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let step = self.limit.and_then(|limit| Some((since.checked_add(limit)?, limit)));
        let (at, which, limit) = match (step, self.total) {
            (Some((at, limit)), Some((end, _))) if at <= end => (at, self.step, limit),
            (_, Some((end, limit))) => (end, TimeoutStep::Total, limit),
            (Some((at, limit)), None) => (at, self.step, limit),
            (None, None) => return Poll::Pending,
        };
        // tokio holds timers back in a task that has used up its budget, and a peer may cause that in every turn.
        if self.timer.is_some() && Instant::now() >= at {
            return Poll::Ready(HttpError::TimedOut { step: which, limit, came: None });
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        loop {
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if timer.deadline() >= at {
                return Poll::Ready(HttpError::TimedOut { step: which, limit, came: None });
            }
            timer.as_mut().reset(at);
        }
    }

    /// Runs this until it ends or until it has taken too long.
    pub(super) async fn bound<T>(
        &mut self,
        work: impl Future<Output = Result<T, HttpError>>,
    ) -> Result<T, HttpError> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.poll(cx).map(Err),
        })
        .await
    }
}
