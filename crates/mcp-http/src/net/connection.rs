//! Open connections: HTTP/1.1, driven by the caller, and HTTP/2, driven by a task.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::rt::Executor;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::failure::{self, Failure};
use super::stream::{Metered, ReadMeter, Stream};
use crate::HttpError;
use crate::lock::Lock;

/// The body of a request.
pub(super) type Payload = Full<Bytes>;

/// What hyper makes of a request.
type Reply = Result<Response<Incoming>, TrySendError<Request<Payload>>>;

/// Counts open connections, for as long as it lives.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(super) fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One HTTP/1.1 connection. It has no task: the caller that waits for its answer drives it, which saves two task
/// switches per exchange. Dropping it closes it.
pub(super) struct Http1 {
    sender: http1::SendRequest<Payload>,
    /// `None` once it has ended.
    connection: Option<http1::Connection<TokioIo<Metered>, Payload>>,
    meter: Arc<ReadMeter>,
    header_limit: usize,
    /// The last answer left doubt where it ends.
    doubtful: bool,
    _counted: Counted,
}

impl Http1 {
    pub(super) async fn open(
        stream: Stream,
        limit: usize,
        counted: Counted,
    ) -> Result<Box<Http1>, hyper::Error> {
        let meter = Arc::new(ReadMeter::default());
        let stream = TokioIo::new(Metered::new(stream, Arc::clone(&meter)));
        let (sender, connection) = http1::Builder::new().max_header_size(limit).handshake(stream).await?;
        Ok(Box::new(Http1 {
            sender,
            connection: Some(connection),
            meter,
            header_limit: limit,
            doubtful: false,
            _counted: counted,
        }))
    }

    /// Reads and writes what is possible now; reads at most [`TURN`](super::stream::TURN) bytes or one buffer more.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) {
        self.meter.refill();
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(cx).is_ready()
        {
            // What ended it reached the exchange already, through hyper's channels.
            self.connection = None;
        }
        if self.meter.take_held_back() {
            cx.waker().wake_by_ref();
        }
    }

    /// The same without registering a waker. It runs outside tokio's budget: an operation that the budget defers would
    /// not be woken for.
    pub(super) fn turn_unwatched(&mut self) {
        let turn = pin!(unconstrained(poll_fn(|cx| {
            self.turn(cx);
            Poll::Ready(())
        })));
        let _done = turn.poll(&mut Context::from_waker(Waker::noop()));
    }

    /// Whether another request can be sent. Ends what is left of the exchange.
    pub(super) fn is_reusable(&mut self) -> bool {
        // Mostly the turn that brought the end of the body has ended the exchange, and has looked for what may come
        // behind it; the next exchange looks again before it writes.
        if !self.sender.is_ready() {
            self.turn_unwatched();
        }
        !self.doubtful && self.connection.is_some() && self.sender.is_ready()
    }

    /// Hands a request over, for [`Http1::reply`] to send. Apart from it, so that its future is not as large as a request.
    pub(super) fn begin(&mut self, request: Request<Payload>) -> impl Future<Output = Reply> + Send + use<> {
        self.meter.start_request();
        // It is polled without a waker, so it must not be put off either.
        unconstrained(self.sender.try_send_request(request))
    }

    /// Sends what was begun and waits for the head of its answer. Dropping the future closes the connection.
    pub(super) async fn reply(
        mut self: Box<Self>,
        mut reply: Pin<&mut impl Future<Output = Reply>>,
        deadline: &mut Deadline,
    ) -> Result<(Response<Incoming>, Box<Http1>), Failure> {
        let mut woken = false;
        let reply = poll_fn(|cx| {
            // Only turns bring the reply, and they register the waker: the reply itself needs none.
            let mut unwatched = Context::from_waker(Waker::noop());
            if woken {
                // Probably the reply is here. A waker left behind would wake this task once more for its body.
                self.turn_unwatched();
                if let Poll::Ready(reply) = reply.as_mut().poll(&mut unwatched) {
                    return Poll::Ready(Ok(reply));
                }
            }
            woken = true;
            self.turn(cx);
            match reply.as_mut().poll(&mut unwatched) {
                Poll::Ready(reply) => Poll::Ready(Ok(reply)),
                // hyper skips interim responses (1xx) without counting them.
                Poll::Pending if self.meter.read() > self.header_limit => {
                    let (limit_name, limit) = ("response headers", self.header_limit);
                    Poll::Ready(Err(HttpError::TooLarge { limit_name, limit }))
                }
                Poll::Pending => deadline.poll(cx).map(Err),
            }
        })
        .await;
        match reply {
            Ok(Ok(response)) => {
                // A length and chunks: somebody on the way may have read it the other way (RFC 9112, section 6.1).
                // Answers have few headers: their names are compared faster than one is hashed.
                let has = |name| response.headers().keys().any(|key| *key == name);
                self.doubtful = has(TRANSFER_ENCODING) && has(CONTENT_LENGTH);
                Ok((response, self))
            }
            Ok(Err(error)) => Err(match failed(error, self.header_limit) {
                Failure::Final(error @ HttpError::Cut { .. }) if self.meter.read() == 0 => {
                    Failure::Unanswered(error)
                }
                failure => failure,
            }),
            Err(error) => Err(Failure::Final(error)),
        }
    }
}

fn failed(mut error: TrySendError<Request<Payload>>, header_limit: usize) -> Failure {
    let is_unsent = error.take_message().is_some();
    let error = error.into_error();
    if is_unsent { Failure::Unsent(error) } else { failure::classify(&error, header_limit) }
}

/// One HTTP/2 connection. A task drives it until the last handle is gone.
pub(super) struct Http2 {
    sender: http2::SendRequest<Payload>,
    /// What the peer allows at once.
    allowed: Arc<AtomicUsize>,
    streams: AtomicUsize,
    idle_since: Lock<Instant>,
    header_limit: usize,
}

impl Http2 {
    /// Shakes hands, and waits for the peer's settings: they say how many streams it allows, and that it speaks HTTP/2.
    pub(super) async fn open(
        stream: Stream,
        limit: usize,
        counted: Counted,
    ) -> Result<Arc<Http2>, hyper::Error> {
        let spawner = Spawner::default();
        let progress = Arc::clone(&spawner.progress);
        let (sender, mut connection) = http2::Builder::new(spawner)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .initial_max_send_streams(UNSETTLED)
            .max_header_list_size(u32::try_from(limit).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(stream))
            .await?;
        poll_fn(|cx| {
            progress.register(cx.waker());
            match Pin::new(&mut connection).poll(cx) {
                Poll::Pending if connection.current_max_send_streams() == UNSETTLED => Poll::Pending,
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                // An end without an error shows in the first stream.
                _ => Poll::Ready(Ok(())),
            }
        })
        .await?;
        let allowed = Arc::new(AtomicUsize::new(connection.current_max_send_streams()));
        tokio::spawn(drive(connection, Arc::clone(&allowed), counted));
        let idle_since = Lock::new(Instant::now());
        Ok(Arc::new(Http2 { sender, allowed, streams: AtomicUsize::new(0), idle_since, header_limit: limit }))
    }

    /// Takes one stream, if the peer allows one more and the connection lives.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        if !self.is_open() {
            return None;
        }
        let allowed = self.allowed.load(Ordering::Relaxed);
        let more = |streams| (streams < allowed).then_some(streams + 1);
        self.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Slot(Arc::clone(self)))
    }

    /// False after GOAWAY, or when the connection is gone.
    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }

    /// Since when there is no stream; `None` while there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let idle = self.streams.load(Ordering::Relaxed) == 0;
        idle.then(|| *self.idle_since.lock())
    }
}

/// Spawns the tasks of hyper. hyper reads the peer's settings in such a task without a signal, so the waiter for them is
/// woken after each poll of it.
#[derive(Clone, Default)]
struct Spawner {
    progress: Arc<AtomicWaker>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, future: F) {
        let progress = Arc::clone(&self.progress);
        tokio::spawn(async move {
            let mut future = pin!(future);
            poll_fn(|cx| {
                let poll = future.as_mut().poll(cx);
                progress.wake();
                poll
            })
            .await;
        });
    }
}

/// Runs an HTTP/2 connection to its end.
async fn drive(
    mut connection: http2::Connection<TokioIo<Stream>, Payload, Spawner>,
    allowed: Arc<AtomicUsize>,
    _counted: Counted,
) {
    let result = poll_fn(|cx| {
        let poll = Pin::new(&mut connection).poll(cx);
        allowed.store(connection.current_max_send_streams(), Ordering::Relaxed);
        poll
    });
    if let Err(error) = result.await {
        tracing::debug!(%error, "an HTTP/2 connection ended");
    }
}

/// Stands for the number of streams that the peer allows until it has said so. No peer says this number.
const UNSETTLED: usize = u32::MAX as usize - 1;

/// How often HTTP/2 asks whether the peer still lives, while there is a stream.
// FAULT C-31.
const PING: Duration = Duration::from_secs(30);

/// The right to one stream of an HTTP/2 connection.
pub(super) struct Slot(Arc<Http2>);

impl Slot {
    /// Sends a request, for [`Slot::reply`] to wait for.
    pub(super) fn begin(&self, request: Request<Payload>) -> impl Future<Output = Reply> + Send + use<> {
        self.0.sender.clone().try_send_request(request)
    }

    /// Waits for the head of the answer. Dropping what was begun resets the stream.
    pub(super) async fn reply(
        self,
        mut reply: Pin<&mut impl Future<Output = Reply>>,
        deadline: &mut Deadline,
    ) -> Result<(Response<Incoming>, Slot), Failure> {
        let reply = poll_fn(|cx| match reply.as_mut().poll(cx) {
            Poll::Ready(reply) => Poll::Ready(Ok(reply)),
            Poll::Pending => deadline.poll(cx).map(Err),
        })
        .await;
        match reply {
            Ok(Ok(response)) => Ok((response, self)),
            Ok(Err(error)) => Err(failed(error, self.0.header_limit)),
            Err(error) => Err(Failure::Final(error)),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.0.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.0.idle_since.lock() = Instant::now();
        }
    }
}
