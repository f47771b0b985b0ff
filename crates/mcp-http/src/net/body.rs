//! The body of an answer. Read to its end it gives the connection back; dropped before, it closes or resets.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use tokio::sync::OwnedSemaphorePermit;

use super::deadline::Deadline;
use super::failure;
use super::pool::{Lease, Pool};
use super::stream::TURN;
use crate::{HttpError, TimeoutStep};

/// How many frames without data are skipped before the reader yields.
const EMPTY_FRAMES: u32 = 64;
/// How long the body of an error is waited for: it is only used in the text of the error.
const CLIP_TIME: Duration = Duration::from_secs(2);

/// The body of an answer.
pub(crate) struct Body {
    incoming: Incoming,
    /// `None` at the end.
    lease: Option<Lease>,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
    deadline: Deadline,
    /// The last poll found nothing, so this one was probably woken by something.
    waiting: bool,
    /// The bytes that were handed out since the reader last had to wait.
    taken: usize,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        lease: Lease,
        pool: &Arc<Pool>,
        mut deadline: Deadline,
        idle: Option<Duration>,
    ) -> Body {
        deadline.step(TimeoutStep::Idle, idle);
        let mut body = Body {
            incoming,
            lease: Some(lease),
            pool: Arc::clone(pool),
            permit: None,
            deadline,
            waiting: false,
            taken: 0,
        };
        if body.incoming.is_end_stream() {
            body.end();
        }
        body
    }

    /// Holds the permit until the end.
    pub(super) fn hold(&mut self, permit: Option<OwnedSemaphorePermit>) {
        if self.lease.is_some() {
            self.permit = permit;
        }
    }

    /// This body may be silent for as long as it likes: a stream that owes no answer.
    pub(crate) fn may_be_silent(&mut self) {
        self.waits_for(TimeoutStep::Idle, None);
    }

    /// The next piece; `None` at the end, however often it is asked. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`HttpError::TimedOut`] (`idle`, `total`) and [`HttpError::Cut`]; after an error the body has ended.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`HttpError::TooLarge`] with this name, as early as the length is announced or reached; those of
    /// [`Body::chunk`].
    pub(crate) async fn collect(
        &mut self,
        limit_name: &'static str,
        limit: usize,
    ) -> Result<Bytes, HttpError> {
        self.collect_watched(limit_name, limit, |_| {}).await
    }

    /// The same. `waits` is called with what has come whenever more has to be waited for.
    pub(crate) async fn collect_watched(
        &mut self,
        limit_name: &'static str,
        limit: usize,
        mut waits: impl FnMut(&[u8]),
    ) -> Result<Bytes, HttpError> {
        let too_large = HttpError::TooLarge { limit_name, limit };
        let announced = self.incoming.size_hint().exact();
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large);
        }
        let Some(first) = self.watched_chunk(|| waits(&[])).await? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(too_large);
        }
        let Some(second) = self.watched_chunk(|| waits(&first)).await? else { return Ok(first) };
        let announced = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut whole = BytesMut::with_capacity(announced.max(first.len() + second.len()));
        whole.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(piece) = next {
            if whole.len() + piece.len() > limit {
                return Err(too_large);
            }
            whole.extend_from_slice(&piece);
            next = self.watched_chunk(|| waits(&whole)).await?;
        }
        Ok(whole.freeze())
    }

    /// The next piece. `waits` is called whenever it has to be waited for.
    pub(crate) async fn watched_chunk(
        &mut self,
        mut waits: impl FnMut(),
    ) -> Result<Option<Bytes>, HttpError> {
        poll_fn(|cx| {
            let piece = self.poll_chunk(cx);
            if piece.is_pending() {
                waits();
            }
            piece
        })
        .await
    }

    /// The start of an error's body: at most `limit` bytes, without control characters, for a short time only.
    pub(crate) async fn clip(mut self, limit: usize) -> String {
        let mut start = Vec::new();
        if self.lease.is_some() {
            let read = async {
                while start.len() < limit
                    && let Ok(Some(piece)) = self.chunk().await
                {
                    let left = limit.saturating_sub(start.len());
                    start.extend_from_slice(piece.get(..left).unwrap_or(&piece));
                }
            };
            let _ = tokio::time::timeout(CLIP_TIME, read).await;
        }
        printable(&start)
    }

    /// Names what is waited for from now on, and for how long.
    pub(super) fn waits_for(&mut self, step: TimeoutStep, limit: Option<Duration>) {
        self.deadline.step(step, limit);
    }

    /// The limits in time of the exchange.
    pub(super) fn deadline(&mut self) -> &mut Deadline {
        &mut self.deadline
    }

    /// Reads what has arrived already. If that is all, the connection can be used again. Gives back the limits in
    /// time, for what follows.
    pub(super) fn discard(mut self) -> Deadline {
        const MOST: usize = 64 << 10;
        let mut seen = 0;
        let mut cx = Context::from_waker(Waker::noop());
        while seen < MOST
            && let Poll::Ready(Ok(Some(piece))) = self.poll_chunk(&mut cx)
        {
            seen += piece.len();
        }
        self.deadline
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, HttpError>> {
        // A reader that always finds more would never yield to the timers of its task.
        if self.taken >= TURN {
            return self.yield_now(cx);
        }
        let (mut watched, mut empty) = (false, 0);
        let mut unwatched = Context::from_waker(Waker::noop());
        loop {
            let frame = match &mut self.lease {
                None => return Poll::Ready(Ok(None)),
                // Only turns of the connection bring more, and they register the waker.
                Some(Lease::Http1(wire)) => match Pin::new(&mut self.incoming).poll_frame(&mut unwatched) {
                    // A waker left behind would wake this task once more for what is read now.
                    Poll::Pending if std::mem::take(&mut self.waiting) => {
                        wire.turn_unwatched();
                        continue;
                    }
                    Poll::Pending if !watched => {
                        watched = true;
                        wire.turn(cx);
                        continue;
                    }
                    frame => frame,
                },
                Some(Lease::Http2(_)) => Pin::new(&mut self.incoming).poll_frame(cx),
            };
            match frame {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = false;
                    let data = frame.into_data().unwrap_or_default();
                    if self.incoming.is_end_stream() {
                        self.end();
                    }
                    if !data.is_empty() {
                        self.deadline.start_over();
                        self.taken += data.len();
                        return Poll::Ready(Ok(Some(data)));
                    }
                    empty += 1;
                    if empty >= EMPTY_FRAMES {
                        return self.yield_now(cx);
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.abort();
                    return Poll::Ready(Err(failure::body(&error)));
                }
                Poll::Ready(None) => self.end(),
                Poll::Pending => {
                    self.waiting = true;
                    self.taken = 0;
                    return self.poll_deadline(cx);
                }
            }
        }
    }

    /// Lets the other work of the task run, and is polled again after it.
    fn yield_now(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, HttpError>> {
        self.taken = 0;
        cx.waker().wake_by_ref();
        self.poll_deadline(cx)
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, HttpError>> {
        self.deadline.poll(cx).map(|error| {
            self.abort();
            Err(error)
        })
    }

    /// The body is read: the connection and the permit go back.
    fn end(&mut self) {
        if let Some(Lease::Http1(wire)) = self.lease.take() {
            self.pool.park(wire);
        }
        self.permit = None;
    }

    /// Closes the connection, or resets the stream.
    fn abort(&mut self) {
        self.lease = None;
        self.permit = None;
    }
}

/// Untrusted bytes as text that is safe to show.
fn printable(bytes: &[u8]) -> String {
    let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    String::from_utf8_lossy(bytes).chars().filter(shown).collect()
}
