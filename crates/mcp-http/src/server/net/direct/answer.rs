//! Writes an answer: its head, and its body with a length or in chunks.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes};
use hyper::StatusCode;
use hyper::body::Body as HttpBody;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderName, HeaderValue};
use tokio::io::AsyncWrite;

use super::super::super::body::Body;
use super::super::super::respond::Reply;

/// The usual length of a head.
const HEAD: usize = 256;
/// Texts up to this length are copied behind their heads: one buffer is cheaper to send than two.
const JOINED: usize = 4096;
/// As much of a stream is collected before it is written, if it is there.
const COLLECTED: usize = 16 * 1024;

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Writing {
    /// What is written next: the head, or a part of a stream.
    out: Vec<u8>,
    /// How much of it was written.
    written: usize,
    /// What is written after it, without being copied.
    piece: Bytes,
    /// A piece was the data of a chunk, whose end has to follow.
    chunk: bool,
    chunked: bool,
    body: Option<Body>,
    /// The connection ends with this answer.
    pub(super) close: bool,
}

impl Writing {
    /// This answer. `close`: the connection ends with it, whether the answer says so already or not.
    pub(super) fn new(reply: Reply, close: bool, date: &mut DateText) -> Writing {
        let text = match &reply {
            Reply::Empty(_) => Some(Bytes::new()),
            Reply::Json(_, text) => Some(text.clone()),
            Reply::Other(response) => response.body().text().cloned(),
        };
        let joined = text.as_ref().filter(|text| text.len() <= JOINED);
        let mut head =
            Head { out: Vec::with_capacity(HEAD + joined.map_or(0, Bytes::len)), close: false, dated: false };
        let length = match &reply {
            Reply::Empty(status) | Reply::Json(status, _) => {
                head.begin(*status);
                reply.usual_headers().for_each(|(name, value)| head.line(&name, &value));
                text.as_ref().map(|text| text.len() as u64)
            }
            Reply::Other(response) => {
                head.begin(response.status());
                response.headers().iter().for_each(|(name, value)| head.line(name, value));
                response.body().size_hint().exact()
            }
        };
        head.end(reply.status(), length, close, date);
        let Head { mut out, close, .. } = head;
        if let Some(text) = joined {
            out.extend_from_slice(text);
        }
        let body = match (reply, text) {
            (_, Some(text)) if text.len() <= JOINED => None,
            (Reply::Other(response), _) => Some(response.into_body()),
            (_, text) => text.map(Body::full),
        };
        Writing { out, written: 0, piece: Bytes::new(), chunk: false, chunked: length.is_none(), body, close }
    }

    /// Writes the answer to its end. Flushes what there is while a stream has nothing more.
    pub(super) fn poll<W>(&mut self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        loop {
            let waits = self.collect(cx);
            ready!(self.poll_write(Pin::new(io), cx))?;
            if waits || self.body.is_none() {
                ready!(Pin::new(io).poll_flush(cx))?;
                return if waits { Poll::Pending } else { Poll::Ready(Ok(())) };
            }
        }
    }

    /// Takes what the body has. Returns whether it has to be waited for.
    fn collect(&mut self, cx: &mut Context<'_>) -> bool {
        while self.piece.is_empty()
            && self.out.len() - self.written < COLLECTED
            && let Some(body) = &mut self.body
        {
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        self.add(data);
                    }
                }
                Poll::Ready(None) => {
                    self.body = None;
                    if self.chunked {
                        self.out.extend_from_slice(b"0\r\n\r\n");
                    }
                }
            }
        }
        false
    }

    fn add(&mut self, data: Bytes) {
        if self.chunked {
            // A vector takes everything.
            let _written = write!(self.out, "{:x}\r\n", data.len());
        }
        if data.len() <= JOINED {
            self.out.extend_from_slice(&data);
            if self.chunked {
                self.out.extend_from_slice(b"\r\n");
            }
        } else {
            (self.piece, self.chunk) = (data, self.chunked);
        }
    }

    fn poll_write<W: AsyncWrite>(
        &mut self,
        mut io: Pin<&mut W>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let first = &self.out[self.written..];
            let written = match (first.is_empty(), self.piece.is_empty()) {
                (true, true) if self.chunk => {
                    (self.chunk, self.written) = (false, 0);
                    self.out.clear();
                    self.out.extend_from_slice(b"\r\n");
                    continue;
                }
                (true, true) => break,
                (true, false) => ready!(io.as_mut().poll_write(cx, &self.piece))?,
                (false, true) => ready!(io.as_mut().poll_write(cx, first))?,
                (false, false) => {
                    let parts = [IoSlice::new(first), IoSlice::new(&self.piece)];
                    ready!(io.as_mut().poll_write_vectored(cx, &parts))?
                }
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_first = written.min(first.len());
            self.written += of_first;
            self.piece.advance(written - of_first);
        }
        // The memory of a stream that is silent is freed.
        (self.out, self.written) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

/// The head of an answer, as hyper writes it.
struct Head {
    out: Vec<u8>,
    /// The answer says that the connection ends with it.
    close: bool,
    dated: bool,
}

impl Head {
    fn begin(&mut self, status: StatusCode) {
        if status == StatusCode::OK {
            return self.out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        }
        let reason = status.canonical_reason().unwrap_or("<none>");
        for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    fn line(&mut self, name: &HeaderName, value: &HeaderValue) {
        match *name {
            // The length is that of the body.
            CONTENT_LENGTH => return,
            CONNECTION => self.close |= value.as_bytes().eq_ignore_ascii_case(b"close"),
            DATE => self.dated = true,
            _ => {}
        }
        self.write(name.as_str(), value.as_bytes());
    }

    fn write(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.out.extend_from_slice(part);
        }
    }

    /// The lines of the connection itself.
    fn end(&mut self, status: StatusCode, length: Option<u64>, close: bool, date: &mut DateText) {
        if close && !self.close {
            self.write("connection", b"close");
        }
        self.close |= close;
        match length {
            _ if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED => {}
            Some(length) => self.write("content-length", decimal(length, &mut [0; 20])),
            None => self.write("transfer-encoding", b"chunked"),
        }
        if !self.dated {
            self.write("date", date.now());
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

/// The digits of a number.
fn decimal(mut number: u64, space: &mut [u8; 20]) -> &[u8] {
    let mut start = space.len();
    loop {
        start -= 1;
        // A digit fits into a byte.
        space[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &space[start..];
        }
    }
}

/// The text of the last date, which is written once a second.
#[derive(Debug, Default)]
pub(super) struct DateText {
    /// Seconds since 1970.
    at: u64,
    text: Vec<u8>,
}

impl DateText {
    fn now(&mut self) -> &[u8] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.at != now || self.text.is_empty() {
            self.at = now;
            self.text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(now)).into_bytes();
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;

    use super::super::super::super::body::{Source, stream_of};
    use super::super::super::super::respond;
    use super::*;

    /// What is there at once, and then, after `None`, later.
    struct Chunks(VecDeque<Option<Bytes>>);

    impl Source for Chunks {
        fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
            match self.0.pop_front() {
                Some(Some(chunk)) => Poll::Ready(Some(chunk)),
                Some(None) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(None),
            }
        }
    }

    /// What is written through a pipe of this size, without the date.
    async fn written(reply: Reply, close: bool, size: usize) -> String {
        let (mut near, mut far) = tokio::io::duplex(size);
        let mut writing = Writing::new(reply, close, &mut DateText::default());
        let write = async move {
            poll_fn(|cx| writing.poll(&mut near, cx)).await.unwrap();
            writing.close
        };
        let mut text = String::new();
        let (closes, _) = tokio::join!(write, async { far.read_to_string(&mut text).await.unwrap() });
        assert_eq!(closes, text.contains("connection: close"));
        let date = text.find("date: ").unwrap();
        let end = date + text[date..].find("\r\n").unwrap() + 2;
        assert!(text[date..end].ends_with(" GMT\r\n"), "{text}");
        text.replace_range(date..end, "");
        text
    }

    #[tokio::test]
    async fn short_and_long_texts_have_their_length_however_slowly_they_are_read() {
        for (length, size) in
            [(2, 1), (2, 1000), (JOINED, 100), (JOINED + 1, 1), (100_000, 7), (100_000, 1 << 20)]
        {
            let text = "x".repeat(length);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            for (close, line) in [(false, ""), (true, "connection: close\r\n")] {
                let reply = respond::json(StatusCode::OK, text.clone());
                let expected = format!("{head}{line}content-length: {length}\r\n\r\n{text}");
                assert!(written(reply, close, size).await == expected, "{length}, {size}");
            }
        }
    }

    #[tokio::test]
    async fn a_status_and_headers_are_written() {
        let busy = respond::json(StatusCode::SERVICE_UNAVAILABLE, "{}");
        let expected = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
                        content-length: 2\r\n\r\n{}";
        assert_eq!(written(busy, false, 100).await, expected);
        let accepted = respond::empty(StatusCode::ACCEPTED);
        assert_eq!(written(accepted, false, 100).await, "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
        let none = respond::empty(StatusCode::NO_CONTENT)
            .with_header(HeaderName::from_static("x-a"), HeaderValue::from_static("b"))
            .with_header(CONNECTION, HeaderValue::from_static("close"));
        let expected = "HTTP/1.1 204 No Content\r\nx-a: b\r\nconnection: close\r\n\r\n";
        assert_eq!(written(none, false, 100).await, expected);
    }

    /// A chunk that is too long to be copied, between short ones that are there at once and later.
    #[tokio::test]
    async fn a_stream_has_chunks_however_slowly_it_is_read() {
        let long = "y".repeat(3 * COLLECTED);
        let chunks = ["a", "bc", &long, "d", "", "e"];
        for size in [1, 5, 1 << 20] {
            for pause in 0..=chunks.len() {
                let mut source: VecDeque<_> =
                    chunks.iter().map(|chunk| Some(Bytes::copy_from_slice(chunk.as_bytes()))).collect();
                source.insert(pause, None);
                let reply = respond::events(stream_of(Chunks(source), None));
                let text = written(reply, false, size).await;
                let (head, mut rest) = text.split_once("\r\n\r\n").unwrap();
                assert!(head.ends_with("\r\ntransfer-encoding: chunked"), "{head}");
                for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                    let expected = format!("{:x}\r\n{chunk}\r\n", chunk.len());
                    rest = rest.strip_prefix(&expected).unwrap();
                }
                assert_eq!(rest, "0\r\n\r\n");
            }
        }
    }
}
