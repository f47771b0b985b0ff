//! Bodies of replies: empty, one text, or a stream with a bounded queue.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use mcp_core::transport::budget::Full;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::budgets::Holder;

// Ledger HTTP-S-021.
/// Keeps a silent stream alive.
const COMMENT: Bytes = Bytes::from_static(b": \n\n");

/// The most of a long text that is passed to HTTP/2 at once, and to HTTP/1. hyper buffers what it gets and does not report
/// how much of it the client has read.
const PIECE: usize = 16 << 10;
const PIECE_HTTP1: usize = 64 << 10;
/// The last piece of a text that is longer than this is copied, so that it does not keep the whole text.
const LONG: usize = 256 << 10;

/// The body of a reply. It never fails: a stream that cannot continue ends.
#[derive(Default)]
pub struct Body(Content);

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Full(Bytes),
    /// Boxed, so that other bodies stay small.
    Stream(Box<StreamBody>),
}

struct StreamBody {
    queue: Queue,
    pulse: Option<Pulse>,
    /// When the stream ends, whatever is queued.
    end: Option<Pin<Box<Sleep>>>,
    /// Counts the chunks that were read.
    yielded: Option<Arc<AtomicU32>>,
    /// What holds the memory of its text or events.
    holder: Option<Arc<Holder>>,
    /// Dropped with the body: when it was written, or when the client hung up.
    _guards: Vec<Box<dyn Any + Send + Sync>>,
}

enum Queue {
    Channel(mpsc::Receiver<Bytes>),
    Source(Box<dyn Source>),
    /// The rest of a text, and the most of it that is passed on at once.
    Rest {
        text: Bytes,
        piece: usize,
        long: bool,
    },
}

/// A source of chunks other than a [`StreamWriter`].
pub(crate) trait Source: Send + Sync + 'static {
    /// The next chunk; `None` at the end. Dropped with the body.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// What holds the memory of its chunks.
    fn holder(&self) -> Option<Arc<Holder>> {
        None
    }
}

/// The timer of comments. It is reset when it fires, not for each chunk.
struct Pulse {
    every: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Body {
    fn of(queue: Queue, keep_alive: Option<Duration>, holder: Option<Arc<Holder>>) -> Body {
        let pulse = keep_alive.map(|every| Pulse {
            every,
            last: Instant::now(),
            timer: Box::pin(tokio::time::sleep(every)),
        });
        Body(Content::Stream(Box::new(StreamBody {
            queue,
            pulse,
            end: None,
            yielded: None,
            holder,
            _guards: Vec::new(),
        })))
    }

    /// One text.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
        Body(Content::Full(bytes.into()))
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&Bytes> {
        if let Content::Full(text) = &self.0 { Some(text) } else { None }
    }

    /// Whether it is a stream, which may stay open.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.0, Content::Stream(_))
    }

    /// Whether a text of this length is passed on in pieces.
    pub(crate) fn is_long(length: usize) -> bool {
        length > PIECE
    }

    /// A long text, in pieces.
    pub(crate) fn in_pieces(text: Bytes, http2: bool, holder: Arc<Holder>) -> Body {
        let piece = if http2 { PIECE } else { PIECE_HTTP1 };
        let long = text.len() > LONG;
        Body::of(Queue::Rest { text, piece, long }, None, Some(holder))
    }

    /// What holds the memory of the stream.
    pub(crate) fn holder(&self) -> Option<&Arc<Holder>> {
        match &self.0 {
            Content::Stream(stream) => stream.holder.as_ref(),
            Content::Empty | Content::Full(_) => None,
        }
    }

    /// A count of the chunks that are read from now on, comments included. `None` if this is not a stream.
    pub(crate) fn counted(&mut self) -> Option<Arc<AtomicU32>> {
        match &mut self.0 {
            Content::Stream(stream) => Some(stream.yielded.get_or_insert_default().clone()),
            Content::Empty | Content::Full(_) => None,
        }
    }

    /// Ends the stream at this time by the system's clock, read once. Has no effect on other bodies.
    pub(crate) fn until(mut self, end: SystemTime) -> Body {
        if let Content::Stream(stream) = &mut self.0 {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            stream.end = Instant::now().checked_add(left).map(|at| Box::pin(tokio::time::sleep_until(at)));
        }
        self
    }

    /// Attaches a value that is dropped with the stream: when it was written, or when the client hung up. A body that is
    /// not a stream drops it now.
    pub(crate) fn guarded(mut self, guard: impl Send + Sync + 'static) -> Body {
        if let Content::Stream(stream) = &mut self.0 {
            stream._guards.push(Box::new(guard));
        }
        self
    }
}

/// A stream with a queue of `capacity` chunks. It sends a comment after each `keep_alive` of silence, for which it needs a
/// tokio runtime.
pub(crate) fn stream(
    capacity: usize,
    keep_alive: Option<Duration>,
    holder: Arc<Holder>,
) -> (StreamWriter, Body) {
    let (writer, queue) = mpsc::channel(capacity.max(1));
    let body = Body::of(Queue::Channel(queue), keep_alive, Some(holder.clone()));
    (StreamWriter { queue: writer, holder }, body)
}

/// Like [`stream`], with another source of chunks.
pub(crate) fn stream_of(source: impl Source, keep_alive: Option<Duration>) -> Body {
    let holder = source.holder();
    Body::of(Queue::Source(Box::new(source)), keep_alive, holder)
}

/// The sending end of a stream. The stream ends, after what is queued, when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct StreamWriter {
    queue: mpsc::Sender<Bytes>,
    holder: Arc<Holder>,
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamWriter")
    }
}

/// Events up to this length are not charged: their number is bounded.
const FREE: usize = 256;

/// Charges an event if there is space, unless it is short.
pub(crate) fn try_charge(holder: &Arc<Holder>, event: &Bytes) -> Result<Bytes, Full> {
    if event.len() <= FREE { Ok(event.clone()) } else { holder.try_charge(event) }
}

/// Charges an event, unless it is short. Slower clients are cut if that is necessary.
pub(crate) async fn charge(holder: &Arc<Holder>, event: &Bytes) -> Result<Bytes, Full> {
    if event.len() <= FREE { Ok(event.clone()) } else { holder.charge(event).await }
}

/// Why a chunk did not go into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotQueued {
    /// The queue or the budget of unread answers is full. Returns the chunk, which is not charged.
    Full(Bytes),
    /// The reader is gone.
    Gone,
}

impl StreamWriter {
    /// Queues a chunk unless the queue is full.
    pub(crate) fn try_send(&self, chunk: Bytes) -> Result<(), NotQueued> {
        let place = match self.queue.try_reserve() {
            Ok(place) => place,
            Err(mpsc::error::TrySendError::Full(())) => return Err(NotQueued::Full(chunk)),
            Err(mpsc::error::TrySendError::Closed(())) => return Err(NotQueued::Gone),
        };
        match try_charge(&self.holder, &chunk) {
            Ok(charged) => place.send(charged),
            Err(_) => return Err(NotQueued::Full(chunk)),
        }
        Ok(())
    }

    /// Queues a chunk, and waits while the queue is full. Returns `false` if the reader is gone. Cancel-safe: a dropped
    /// future has queued nothing.
    ///
    /// # Errors
    ///
    /// The budget of unread answers is full, and no other client is slower.
    pub(crate) async fn send(&self, chunk: Bytes) -> Result<bool, Full> {
        let Ok(place) = self.queue.reserve().await else { return Ok(false) };
        place.send(charge(&self.holder, &chunk).await?);
        Ok(true)
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Content::Empty => Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Content::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Stream(stream) => match stream.poll_chunk(cx) {
                Poll::Ready(None) => {
                    self.0 = Content::Empty;
                    Poll::Ready(None)
                }
                Poll::Ready(Some(chunk)) => {
                    if let Some(yielded) = &stream.yielded {
                        yielded.fetch_add(1, Ordering::Relaxed);
                    }
                    if let Some(holder) = &stream.holder {
                        holder.touch();
                    }
                    Poll::Ready(Some(Ok(Frame::data(chunk))))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Empty => true,
            Content::Full(bytes) => bytes.is_empty(),
            Content::Stream(stream) => stream.rest().is_some_and(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(stream) => {
                stream.rest().map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest.len() as u64))
            }
        }
    }
}

impl StreamBody {
    /// The rest, where its length is known.
    fn rest(&self) -> Option<&Bytes> {
        if let Queue::Rest { text, .. } = &self.queue { Some(text) } else { None }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(end) = &mut self.end
            && end.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(None);
        }
        let next = match &mut self.queue {
            Queue::Channel(queue) => queue.poll_recv(cx),
            Queue::Source(source) => source.poll_chunk(cx),
            Queue::Rest { text, .. } if text.is_empty() => Poll::Ready(None),
            Queue::Rest { text, piece, .. } if text.len() > *piece => {
                Poll::Ready(Some(text.split_to(*piece)))
            }
            Queue::Rest { text, long: true, .. } => {
                Poll::Ready(Some(Bytes::copy_from_slice(&std::mem::take(text))))
            }
            Queue::Rest { text, .. } => Poll::Ready(Some(std::mem::take(text))),
        };
        if let Poll::Ready(chunk) = next {
            if let Some(pulse) = &mut self.pulse {
                pulse.last = Instant::now();
            }
            return Poll::Ready(chunk);
        }
        match &mut self.pulse {
            Some(pulse) => pulse.poll_due(cx).map(|()| Some(COMMENT)),
            None => Poll::Pending,
        }
    }
}

impl Pulse {
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            let due = self.last + self.every;
            let overdue = now >= due;
            if overdue {
                self.last = now;
            }
            self.timer.as_mut().reset(if overdue { now + self.every } else { due });
            if overdue {
                return Poll::Ready(());
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Content::Empty => "Body(empty)",
            Content::Full(_) => "Body(full)",
            Content::Stream(_) => "Body(stream)",
        })
    }
}
