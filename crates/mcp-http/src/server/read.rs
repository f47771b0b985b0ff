//! Reads the body of a request, with a limit in length and a minimum pace.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Body as HttpBody;
use tokio::time::Sleep;

// FAULT B: slowloris.
/// The bytes of a body that must arrive within each interval.
const PACE: usize = 1024;
/// The initial capacity for a body of several pieces, independent of the announced length.
const FIRST: usize = 64 * 1024;

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
}

/// The error of any body.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Reads a body of at most `limit` bytes that brings 1 KiB, or its end, within each `idle`. A body in one piece is not
/// copied.
pub(crate) async fn read<B>(body: &mut B, limit: usize, idle: Duration) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    // A body that announces too much is not read.
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut pace = Pace::new(idle);
    let Some(first) = chunk(body, &mut pace).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(ReadError::TooLarge);
    }
    let Some(second) = chunk(body, &mut pace).await? else { return Ok(first) };
    let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut whole = BytesMut::with_capacity(first.len() + second.len() + claimed.min(FIRST));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if whole.len() + piece.len() > limit {
            return Err(ReadError::TooLarge);
        }
        whole.extend_from_slice(&piece);
        next = chunk(body, &mut pace).await?;
    }
    Ok(whole.freeze())
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
    poll_fn(|cx| {
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
    })
    .await
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
