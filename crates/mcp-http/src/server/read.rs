//! Reading the body of a request: bounded in length, and in how long it may stand still.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Body as HttpBody;

/// What is set aside at once for a body of several pieces, whatever length it claims.
const FIRST: usize = 64 * 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Longer than the limit (413).
    TooLarge,
    /// It stood still (408).
    Slow,
    /// The client broke off: nobody is left to be told.
    Cut,
}

/// Reads a body of at most `limit` bytes that pauses for at most `idle`. One that came in one piece is not copied.
pub(crate) async fn read<B>(body: B, limit: usize, idle: Duration) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
{
    // What says in advance that it is too long is not read.
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut body = std::pin::pin!(body);
    let Some(first) = chunk(body.as_mut(), idle).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(ReadError::TooLarge);
    }
    let Some(second) = chunk(body.as_mut(), idle).await? else { return Ok(first) };
    let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut whole = BytesMut::with_capacity(first.len() + second.len() + claimed.min(FIRST));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if whole.len() + piece.len() > limit {
            return Err(ReadError::TooLarge);
        }
        whole.extend_from_slice(&piece);
        next = chunk(body.as_mut(), idle).await?;
    }
    Ok(whole.freeze())
}

/// Reads what is left of a body that nobody wants, up to `limit` bytes, so that its connection can be used again.
/// Returns whether it was read to its end.
pub(crate) async fn discard<B>(body: B, limit: usize, patience: Duration) -> bool
where
    B: HttpBody<Data = Bytes>,
{
    if body.is_end_stream() {
        return true;
    }
    if body.size_hint().lower() > limit as u64 {
        return false;
    }
    let mut body = std::pin::pin!(body);
    let mut read = 0;
    let all = async {
        while let Some(piece) = chunk(body.as_mut(), patience).await? {
            read += piece.len();
            if read > limit {
                return Err(ReadError::TooLarge);
            }
        }
        Ok(())
    };
    matches!(tokio::time::timeout(patience, all).await, Ok(Ok(())))
}

/// The next piece that is not empty; `None` at the end. Trailers are dropped. No clock is asked for what is there.
async fn chunk<B>(mut body: Pin<&mut B>, idle: Duration) -> Result<Option<Bytes>, ReadError>
where
    B: HttpBody<Data = Bytes>,
{
    let mut stall = None;
    poll_fn(|cx| {
        loop {
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(ReadError::Cut)),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Ok(Some(data))),
                    _ => {}
                },
                Poll::Pending => {
                    let stall = stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                    return stall.as_mut().poll(cx).map(|()| Err(ReadError::Slow));
                }
            }
        }
    })
    .await
}
