//! Reads the body of a request, with a limit in length and a minimum pace.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{AbortHandle, Abortable, Aborted};
use hyper::body::Body as HttpBody;
use mcp_core::transport::budget::{BudgetKey, Full};
use tokio::time::Sleep;

use super::budgets::{Cut, Held, Holder, Holders};

// FAULT B: slowloris.
/// The bytes of a body that must arrive within each interval.
const PACE: usize = 1024;
/// The initial capacity for a body that has to be waited for, whatever length it claims.
const FIRST: usize = 4 * 1024;
/// The bytes after which a body counts as moving.
const MOVED: usize = 16 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Longer than the limit (413).
    TooLarge,
    /// Slower than the pace (408).
    Slow,
    /// A layer in front of this service limits bodies, and this one is longer (413).
    OuterLimit,
    /// The client hung up, or broke the protocol.
    Cut,
    /// The budget of bodies is full, and this is the slowest (503).
    Full(Full),
}

/// The error of any body.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Reads a body of at most `limit` bytes that brings 1 KiB, or its end, within each `idle`. A body that is there at once is
/// neither copied nor charged. Of any other the memory is charged as it grows, and stays so while the caller keeps the second value.
pub(crate) async fn read<B>(
    body: &mut B,
    limit: usize,
    idle: Duration,
    bodies: &Holders,
    key: &BudgetKey,
) -> Result<(Bytes, Option<Held>), ReadError>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    // A body that announces too much is not read.
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut pace = Pace::new(idle);
    let first = poll_fn(|cx| poll_chunk(body, &mut pace, cx)).await?;
    let Some(first) = first else { return Ok((Bytes::new(), None)) };
    if first.len() > limit {
        return Err(ReadError::TooLarge);
    }
    let second = poll_fn(|cx| Poll::Ready(poll_chunk(body, &mut pace, cx))).await;
    let second = match second {
        Poll::Ready(Ok(None)) => return Ok((first, None)),
        Poll::Ready(Ok(second)) => second,
        Poll::Ready(Err(error)) => return Err(error),
        Poll::Pending => None,
    };
    let holder = bodies.begin(key);
    let (task, registration) = AbortHandle::new_pair();
    holder.cut_by(Cut::Task(task));
    // Boxed, so that the future of a short body stays small.
    let growing = Box::pin(Abortable::new(
        rest(body, pace, limit, holder.clone(), [Some(first), second]),
        registration,
    ));
    match growing.await {
        Ok(read) => read.map(|(text, held)| (text, Some(held))),
        Err(Aborted) => Err(holder.why().map_or(ReadError::Cut, ReadError::Full)),
    }
}

/// Reads the rest of a body behind its first pieces.
async fn rest<B>(
    body: &mut B,
    mut pace: Pace,
    limit: usize,
    holder: Arc<Holder>,
    first: [Option<Bytes>; 2],
) -> Result<(Bytes, Held), ReadError>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut whole = Vec::new();
    let mut held = holder.nothing();
    let mut since = 0;
    let mut first = first.into_iter().flatten();
    loop {
        let piece = match first.next() {
            Some(piece) => piece,
            None => match chunk(body, &mut pace).await? {
                Some(piece) => piece,
                None => return Ok((whole.into(), held)),
            },
        };
        let needed = whole.len() + piece.len();
        if needed > limit {
            return Err(ReadError::TooLarge);
        }
        if needed > whole.capacity() {
            // Powers of two, so that what is charged does not depend on the lengths of the pieces.
            let capacity = needed.checked_next_power_of_two().unwrap_or(needed).max(FIRST).min(limit);
            held.grow((capacity - whole.capacity()) as u64).await.map_err(ReadError::Full)?;
            whole.reserve_exact(capacity - whole.len());
        }
        whole.extend_from_slice(&piece);
        since += piece.len();
        if since >= MOVED {
            since = 0;
            holder.touch();
        }
    }
}

/// Reads and drops the rest of a body, up to `limit` bytes and with at most `timeout` of waiting. Returns whether it was
/// read to its end.
pub(crate) async fn discard<B>(body: &mut B, limit: usize, timeout: Duration) -> bool
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    if body.is_end_stream() {
        return true;
    }
    let mut pace = Pace { stall: None, since: 0, reset: usize::MAX, idle: timeout };
    let mut read = 0;
    while read <= limit {
        match chunk(body, &mut pace).await {
            Ok(None) => return true,
            Ok(Some(piece)) => read += piece.len(),
            Err(_) => return false,
        }
    }
    false
}

/// The pace of a body. Its timer is created at the first wait.
struct Pace {
    stall: Option<Pin<Box<Sleep>>>,
    /// The bytes since the timer started, and the number that stops it.
    since: usize,
    reset: usize,
    idle: Duration,
}

impl Pace {
    fn new(idle: Duration) -> Pace {
        Pace { stall: None, since: 0, reset: PACE, idle }
    }

    fn came(&mut self, bytes: usize) {
        self.since = self.since.saturating_add(bytes);
        if self.since >= self.reset {
            self.since = 0;
            self.stall = None;
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.idle;
        self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle))).as_mut().poll(cx)
    }
}

/// The next piece that is not empty; `None` at the end. Trailers are dropped. Reads the clock only when it has to wait.
async fn chunk<B>(body: &mut B, pace: &mut Pace) -> Result<Option<Bytes>, ReadError>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    poll_fn(|cx| poll_chunk(body, pace, cx)).await
}

fn poll_chunk<B>(
    body: &mut B,
    pace: &mut Pace,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>, ReadError>>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    loop {
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Ready(None) => return Poll::Ready(Ok(None)),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(failed(error.into()))),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if !data.is_empty() => {
                    pace.came(data.len());
                    return Poll::Ready(Ok(Some(data)));
                }
                _ => {}
            },
            Poll::Pending => return pace.poll_stall(cx).map(|()| Err(ReadError::Slow)),
        }
    }
}

/// Why a body failed.
fn failed(error: BoxError) -> ReadError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return ReadError::OuterLimit;
        }
        cause = error.source();
    }
    ReadError::Cut
}
