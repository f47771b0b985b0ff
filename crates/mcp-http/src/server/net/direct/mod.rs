//! Serves the usual requests of HTTP/1.1 without hyper, which copies more and has two buffers for each connection: those with a
//! complete head, and with a body of a known length or without one. hyper gets every other request, with the bytes that were
//! read of it, and the connection comes back after its answer.

mod answer;
mod body;
mod request;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::caller::Head;
use super::conn::{Beat, Clock, Conn, MIN_BUFFER, answer};
use super::io::Watched;
use crate::boxed;
use answer::{DateText, Writing};
use body::Inbox;
use request::{Parsed, Received};

pub(super) use body::RequestBody;

/// The most that is read at once, and the most that is kept of heads that are incomplete or pipelined.
const SPACE: usize = 16 * 1024;

/// Why a connection is not served here any more.
#[derive(Debug)]
pub(super) enum Left {
    /// The stream has a request for hyper, or the start of one.
    Hyper,
    /// Nothing more is to be sent: the connection is to be shut down.
    Over,
    /// The client hung up, or did not read.
    Failed(io::Error),
    Cut,
}

/// Serves requests as long as they are usual.
pub(super) async fn serve<I>(conn: &Arc<Conn>, io: &mut Watched<I>, clock: &mut Clock<'_>) -> Left
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let limit = conn.server.config.limits.headers.max(MIN_BUFFER);
    let mut direct = Direct {
        io,
        clock,
        limit,
        came: Bytes::new(),
        skipped: false,
        leave: false,
        over: false,
        date: DateText::default(),
    };
    loop {
        let Taken { parts, close, body, inbox } = match poll_fn(|cx| direct.poll_request(cx)).await {
            Ok(taken) => taken,
            Err(left) => return left,
        };
        // On the heap, so that a silent connection has no space for it.
        let mut answering = boxed(|| answer(conn, Head::new(parts, conn.source.clone()), body));
        let answered =
            poll_fn(|cx| direct.poll_with(cx, inbox.as_deref(), |_, cx| answering.as_mut().poll(cx))).await;
        drop(answering);
        let reply = match answered {
            Ok(reply) => reply,
            Err(left) => return left,
        };
        let close = close || direct.leave || direct.over || inbox.is_some_and(|inbox| !inbox.is_complete());
        let mut writing = Writing::new(reply, close, &mut direct.date);
        match poll_fn(|cx| direct.poll_with(cx, None, |io, cx| writing.poll(io, cx))).await {
            Ok(Ok(())) if writing.close => return Left::Over,
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Left::Failed(error),
            Err(left) => return left,
        }
    }
}

/// A request that is served here.
struct Taken {
    parts: Parts,
    /// The client asks to end the connection after the answer.
    close: bool,
    body: RequestBody,
    /// Where the body goes, if it has not come whole.
    inbox: Option<Arc<Inbox>>,
}

/// A connection without hyper.
struct Direct<'a, 'c, I> {
    io: &'a mut Watched<I>,
    clock: &'a mut Clock<'c>,
    /// The longest head.
    limit: usize,
    /// What was read behind the current request.
    came: Bytes,
    /// An empty line was skipped before the next request.
    skipped: bool,
    /// No further request is served.
    leave: bool,
    /// The client sends nothing more.
    over: bool,
    date: DateText,
}

impl<I> Direct<'_, '_, I>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    /// The next request.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Result<Taken, Left>> {
        loop {
            self.skip_line();
            if !self.came.is_empty() {
                match request::parse(&mut self.came, self.limit) {
                    Parsed::Request(received) => {
                        self.io.passed();
                        self.skipped = false;
                        return Poll::Ready(Ok(self.with_body(received)));
                    }
                    Parsed::Partial if self.came.len() < SPACE => {}
                    Parsed::Partial | Parsed::Other => return Poll::Ready(Err(self.for_hyper())),
                }
            }
            match self.poll_read(cx, SPACE) {
                Poll::Ready(Ok(read)) if read.is_empty() && self.came.is_empty() => {
                    return Poll::Ready(Err(Left::Over));
                }
                Poll::Ready(Ok(read)) if !read.is_empty() => {
                    self.came = match self.came.is_empty() {
                        true => read,
                        false => [&self.came[..], &read[..]].concat().into(),
                    };
                }
                // hyper has the time limits and the answers of incomplete heads.
                Poll::Ready(Ok(_)) => return Poll::Ready(Err(self.for_hyper())),
                Poll::Pending if !self.came.is_empty() => return Poll::Ready(Err(self.for_hyper())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Left::Failed(error))),
                Poll::Pending => {
                    return match self.clock.poll(cx) {
                        Beat::Keep => Poll::Pending,
                        Beat::Leave => Poll::Ready(Err(Left::Over)),
                        Beat::Cut => Poll::Ready(Err(Left::Cut)),
                    };
                }
            }
        }
    }

    /// Skips one empty line before a request (RFC 9112, section 2.2). hyper limits how many more there are.
    fn skip_line(&mut self) {
        if self.came.starts_with(b"\r\n") && !self.skipped {
            self.came.advance(2);
            self.skipped = true;
        }
    }

    fn for_hyper(&mut self) -> Left {
        self.io.put_back(std::mem::take(&mut self.came));
        Left::Hyper
    }

    /// Takes the body of a request whose head was taken.
    fn with_body(&mut self, Received { parts, length, close }: Received) -> Taken {
        let (body, inbox) = match usize::try_from(length) {
            Ok(length) if length == self.came.len() => {
                (RequestBody::Whole(std::mem::take(&mut self.came)), None)
            }
            Ok(length) if length < self.came.len() => (RequestBody::Whole(self.came.split_to(length)), None),
            _ => {
                let first = std::mem::take(&mut self.came);
                let left = length - first.len() as u64;
                let inbox = Inbox::new(first, left);
                (RequestBody::Arriving(inbox.clone()), Some(inbox))
            }
        };
        Taken { parts, close, body, inbox }
    }

    /// Polls a part of the work for a request. Meanwhile reads its body, and notices when the client hangs up.
    fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        inbox: Option<&Inbox>,
        mut work: impl FnMut(&mut Watched<I>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Left>> {
        loop {
            if let Poll::Ready(done) = work(self.io, cx) {
                return Poll::Ready(Ok(done));
            }
            match self.clock.poll(cx) {
                Beat::Keep => {}
                Beat::Leave => self.leave = true,
                Beat::Cut => return Poll::Ready(Err(Left::Cut)),
            }
            match inbox {
                _ if self.over => return Poll::Pending,
                Some(inbox) if inbox.wants() > 0 => {
                    let most = usize::try_from(inbox.wants()).unwrap_or(SPACE);
                    match ready!(self.poll_read(cx, most)) {
                        Ok(read) if !read.is_empty() => inbox.push(read),
                        Ok(_) | Err(_) => {
                            self.over = true;
                            inbox.cut();
                        }
                    }
                }
                Some(inbox) if !inbox.is_complete() => return Poll::Pending,
                // A client that hangs up is noticed as long as it has sent nothing behind its request.
                _ if !self.came.is_empty() => return Poll::Pending,
                _ => match ready!(self.poll_read(cx, SPACE)) {
                    Ok(read) if !read.is_empty() => self.came = read,
                    Ok(_) => return Poll::Ready(Err(Left::Failed(io::ErrorKind::UnexpectedEof.into()))),
                    Err(error) => return Poll::Ready(Err(Left::Failed(error))),
                },
            }
        }
    }

    /// Reads at most this many bytes; none at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Bytes>> {
        let mut space = [const { MaybeUninit::uninit() }; SPACE];
        let mut buf = ReadBuf::uninit(&mut space[..most.min(SPACE)]);
        ready!(self.io.poll_unfollowed(cx, &mut buf))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buf.filled())))
    }
}
