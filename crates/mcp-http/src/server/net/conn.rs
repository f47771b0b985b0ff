//! One connection, from its first byte to its last. Generic over the byte stream, so that tests need no socket.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{HeaderMap, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Sleep;

use super::super::body::Body;
use super::super::budgets::Cut;
use super::super::caller::{Head, Source};
use super::super::gate;
use super::super::service;
use super::super::state::ServerState;
use super::io::Watched;
use super::state::{ConnPhase, ConnState};
use super::streams::{self, StreamExecutor};
use super::watch::{Action, Watch};
use crate::boxed;

/// The first bytes of an HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Open streams of an HTTP/2 connection, and streams that the client may reset before they are served (rapid reset).
const STREAMS: u32 = 200;
const RESETS: usize = 20;
// FAULT C-31.
/// The interval of HTTP/2 pings, and the time limit of their answers, by which a lost peer is noticed.
const PING: Duration = Duration::from_secs(60);
const PONG: Duration = Duration::from_secs(20);

/// The context of a connection's service.
pub(crate) struct Conn {
    pub(crate) server: Arc<ServerState>,
    pub(crate) source: Arc<Source>,
    pub(crate) state: Arc<ConnState>,
}

/// Serves one connection to its end. `http2` is what TLS has negotiated; without TLS the first bytes decide.
///
/// Dropping the future cuts the connection and cancels modern requests.
pub(crate) async fn serve<I>(conn: Conn, mut io: I, http2: Option<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut ahead = Vec::new();
    let http2 = match http2 {
        Some(known) => known,
        None => {
            let limit = conn.server.config.timeouts.headers;
            let detected = detect(&mut io, &mut ahead);
            match boxed(|| before_requests(&conn.state, limit, detected)).await {
                Some(Ok(http2)) => http2,
                // The client sent nothing in time, or the server stops.
                _ => return,
            }
        }
    };
    let io = Watched::new(io, ahead, !http2, conn.state.clone(), conn.server.config.timeouts.write);
    // Each in the space that it needs, because connections are kept.
    let ended = if http2 {
        boxed(|| serve_http2(Arc::new(conn), io)).await
    } else {
        boxed(|| serve_http1(Arc::new(conn), io)).await
    };
    match ended {
        Some(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        Some(Ok(())) => {}
        None => tracing::debug!("a connection was cut"),
    }
}

/// How a connection ended; `None` if it was cut.
type ConnEnd = Option<hyper::Result<()>>;

/// Answers the requests of a connection.
fn service(
    conn: Arc<Conn>,
    http2: bool,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send + 'static> {
    service_fn(move |request: Request<Incoming>| {
        let conn = conn.clone();
        // Inside the future, so that the parts are not moved into it.
        async move {
            let (parts, body) = request.into_parts();
            let head = Head::new(parts, conn.source.clone());
            let mut request = pin!(answer(&conn, head, body));
            if http2 {
                // Each stream has its own task.
                return Ok::<_, Infallible>(request.await);
            }
            let waker = conn.state.begin_request();
            Ok(poll_fn(|_| conn.state.poll_request(request.as_mut(), &waker)).await)
        }
    })
}

async fn serve_http2<I>(conn: Arc<Conn>, io: Watched<I>) -> ConnEnd
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let headers = u32::try_from(conn.server.config.limits.headers).unwrap_or(u32::MAX);
    let serving = http2::Builder::new(StreamExecutor)
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_header_list_size(headers)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .serve_connection(TokioIo::new(io), service(conn.clone(), true));
    let mut clock = Clock::new(&conn, true);
    match drive(pin!(serving), |serving| serving.graceful_shutdown(), &mut clock).await {
        Driven::Ended(ended) => Some(ended),
        Driven::Silent | Driven::Cut => None,
    }
}

async fn serve_http1<I>(conn: Arc<Conn>, mut io: Watched<I>) -> ConnEnd
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = conn.server.config.limits;
    let mut builder = http1::Builder::new();
    // `Watch` limits heads; hyper would set a timer for each request.
    builder.header_read_timeout(None).max_buf_size(limits.headers.max(MIN_BUFFER));
    if limits.header_count != HYPER_HEADERS {
        builder.max_headers(limits.header_count.min(MOST_HEADERS));
    }
    let mut clock = Clock::new(&conn, false);
    loop {
        // Boxed, so that it is freed while the connection is silent.
        let mut serving = Box::new(builder.serve_connection(TokioIo::new(io), service(conn.clone(), false)));
        let driven = drive(Pin::new(&mut *serving), |serving| serving.graceful_shutdown(), &mut clock).await;
        match driven {
            Driven::Ended(ended) => return Some(ended),
            Driven::Cut => return None,
            Driven::Silent => drop(conn.source.take_map()),
        }
        io = match taken_back(*serving) {
            Some(taken) => taken,
            None => return None,
        };
        match next_byte(&mut io, &mut clock).await {
            Driven::Ended(true) => clock.resume(),
            Driven::Ended(false) => {
                // It was silent for too long, or its client has closed it. Being silent no longer ends the step.
                clock.leave = true;
                let _shut = drive(pin!(io.shutdown()), |_| {}, &mut clock).await;
                return Some(Ok(()));
            }
            Driven::Silent | Driven::Cut => return None,
        }
    }
}

/// The stream of a silent connection. The buffers of hyper are freed.
fn taken_back<I, S>(serving: http1::Connection<TokioIo<Watched<I>>, S>) -> Option<Watched<I>>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    let parts = serving.into_parts();
    // Empty lines may be left, which mean nothing before a request (RFC 9112, section 2.2).
    if parts.read_buf.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
        // It cannot happen: `ConnState::is_silent` knows that every request was read and served.
        tracing::error!("a silent connection had bytes left");
        return None;
    }
    Some(parts.io.into_inner())
}

/// Waits for the next byte of a silent connection without hyper, whose state and buffers take more than 10 KiB. `false` if
/// none is to be waited for any more.
async fn next_byte<I>(io: &mut Watched<I>, clock: &mut Clock<'_>) -> Driven<bool>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| match clock.poll(cx) {
        Beat::Cut => Poll::Ready(Driven::Cut),
        Beat::Leave => Poll::Ready(Driven::Ended(false)),
        Beat::Keep | Beat::Silent => {
            io.poll_ahead(cx).map(|read| Driven::Ended(read.is_ok_and(|read| read > 0)))
        }
    })
    .await
}

/// The limit of headers that hyper has unless it is set. For a limit that is set, hyper allocates for each request.
const HYPER_HEADERS: usize = 100;

/// The most headers that hyper is set to: it panics beyond 24,576, for which a map of headers has no space.
const MOST_HEADERS: usize = 16_384;

/// The smallest buffer that hyper accepts.
const MIN_BUFFER: usize = 8192;

/// Whether the client speaks HTTP/2, by the first byte that differs from the preface. Keeps what it reads in `ahead`.
#[expect(
    clippy::indexing_slicing,
    reason = "no more is read than there is space, and `ahead` is shorter than the preface"
)]
async fn detect<I: AsyncRead + Unpin>(io: &mut I, ahead: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut space = [0; PREFACE.len()];
    while ahead.len() < PREFACE.len() && PREFACE.starts_with(ahead) {
        let read = io.read(&mut space[..PREFACE.len() - ahead.len()]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        ahead.extend_from_slice(&space[..read]);
    }
    Ok(ahead.starts_with(PREFACE))
}

/// Waits for a step that precedes all requests. `None` after `limit`, or when the server stops.
pub(super) async fn before_requests<T>(
    state: &ConnState,
    limit: Duration,
    step: impl Future<Output = T>,
) -> Option<T> {
    let mut limit = pin!(tokio::time::sleep(limit));
    let mut step = pin!(step);
    poll_fn(|cx| {
        state.register(cx.waker());
        if let Poll::Ready(done) = step.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        if state.phase() != ConnPhase::Serving {
            return Poll::Ready(None);
        }
        limit.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// What became of a step of a connection.
enum Driven<T> {
    Ended(T),
    /// HTTP/1 only: nothing is in progress, and was not for a while.
    Silent,
    Cut,
}

/// Drives a connection until it ends, is silent, or is cut. An HTTP/2 stream whose client takes nothing for as long as a
/// write may take is reset; the others go on.
async fn drive<C: Future>(
    mut conn: Pin<&mut C>,
    drain: impl Fn(Pin<&mut C>),
    clock: &mut Clock<'_>,
) -> Driven<C::Output> {
    let mut draining = false;
    poll_fn(|cx| {
        match clock.poll(cx) {
            Beat::Keep => {}
            Beat::Silent => return Poll::Ready(Driven::Silent),
            Beat::Leave if draining => {}
            Beat::Leave => {
                draining = true;
                drain(conn.as_mut());
            }
            Beat::Cut => return Poll::Ready(Driven::Cut),
        }
        conn.as_mut().poll(cx).map(Driven::Ended)
    })
    .await
}

/// What a connection has to do next.
enum Beat {
    Keep,
    Silent,
    /// Take no further request.
    Leave,
    Cut,
}

/// The time limits of a connection, and its phase.
struct Clock<'a> {
    state: &'a ConnState,
    watch: Watch,
    timer: Ticks,
    /// The ticks after which an HTTP/2 stream has stalled.
    stall: u32,
    leave: bool,
}

impl<'a> Clock<'a> {
    fn new(conn: &'a Conn, http2: bool) -> Clock<'a> {
        let timeouts = conn.server.config.timeouts;
        let watch = Watch::new(timeouts.headers, timeouts.idle, http2);
        let stall = timeouts.keep_alive.saturating_add(timeouts.write);
        let stall = stall.as_nanos().div_ceil(watch.every().as_nanos().max(1));
        let (timer, stall) = (Ticks::new(watch.every()), u32::try_from(stall).unwrap_or(u32::MAX));
        Clock { state: &conn.state, watch, timer, stall, leave: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Beat {
        let state = self.state;
        state.register(cx.waker());
        let mut beat = Beat::Keep;
        if self.timer.ticked(cx) {
            state.look_at_request();
            let cut = state.streams.tick(self.stall);
            if cut > 0 {
                tracing::debug!(cut, "streams were reset: the client read nothing of them");
            }
            match self.watch.tick(state.sample()) {
                Action::Keep => {}
                Action::Silent if state.is_silent() => beat = Beat::Silent,
                Action::Silent => {}
                Action::Idle => self.leave = true,
                Action::Cut => return Beat::Cut,
            }
            self.timer.start(self.watch.every());
            // Registers the waker. If it has ended already, the next poll finds out.
            let _again = self.timer.ticked(cx);
        }
        match state.phase() {
            ConnPhase::Serving => {}
            ConnPhase::Draining => self.leave = true,
            ConnPhase::Cut => return Beat::Cut,
        }
        if self.leave { Beat::Leave } else { beat }
    }

    /// The connection was silent, and is in use again.
    fn resume(&mut self) {
        self.timer.start(self.watch.resume());
    }
}

/// A timer that is started again and again. Polling it is cheap while it runs.
struct Ticks {
    timer: Pin<Box<Sleep>>,
    waker: Option<Waker>,
}

impl Ticks {
    fn new(time: Duration) -> Ticks {
        Ticks { timer: Box::pin(tokio::time::sleep(time)), waker: None }
    }

    fn start(&mut self, time: Duration) {
        self.timer.as_mut().reset(tokio::time::Instant::now() + time);
        self.waker = None;
    }

    fn ticked(&mut self, cx: &mut Context<'_>) -> bool {
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if known && !self.timer.is_elapsed() {
            return false;
        }
        self.waker = Some(cx.waker().clone());
        self.timer.as_mut().poll(cx).is_ready()
    }
}

/// Answers one request of this connection.
async fn answer(conn: &Conn, head: Head, body: Incoming) -> Response<Body> {
    let (in_flight, well_framed) = conn.state.begin();
    let (version, headers) = (head.parts().version, head.parts().headers.len());
    let answered = if well_framed {
        service::handle(&conn.server, head, body).await
    } else {
        service::close(gate::refuse(StatusCode::BAD_REQUEST, SMUGGLED), version)
    };
    if answered.unread {
        conn.state.unread.store(true, Ordering::Relaxed);
    }
    // The map of this request. hyper keeps that of an answer for the next request, which probably has as many headers. A
    // stream has a map already, and frees this one.
    let map = conn.source.take_map();
    let map = || map.unwrap_or_else(|| HeaderMap::with_capacity(headers));
    let mut response = answered.reply.into_response_with(map);
    let http2 = version >= Version::HTTP_2;
    if let Some(holder) = response.body().holder() {
        match streams::current() {
            Some(stream) if http2 => holder.cut_by(Cut::Task(stream)),
            _ => holder.cut_by(Cut::Connection(conn.state.clone())),
        }
    }
    if response.body().is_stream() {
        if http2 && let Some(yielded) = response.body_mut().counted() {
            conn.state.streams.watch(&yielded);
        }
        response = response.map(|body| body.guarded(in_flight));
    }
    response
}

const SMUGGLED: &str = "Content-Length and Transfer-Encoding exclude each other";
