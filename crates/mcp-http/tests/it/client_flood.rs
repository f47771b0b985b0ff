//! Servers that flood a call's stream: the call ends in time, and other tasks of the runtime go on (FAULT F-A1).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::CallOptions;
use mcp_core::message::RawJson;
use mcp_core::transport::async_trait;
use mcp_http::HttpClient;
use mcp_http::net::{Dial, Io};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client_peer::{URL, builder, discovered};

/// Answers `server/discover`, and a call by a stream of this part without end, always ready to be read.
struct Flood {
    part: &'static [u8],
    read: Arc<AtomicUsize>,
}

struct FloodIo {
    part: &'static [u8],
    read: Arc<AtomicUsize>,
    asked: String,
    said: Vec<u8>,
    floods: bool,
    waker: Option<Waker>,
}

#[async_trait]
impl Dial for Flood {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(FloodIo {
            part: self.part,
            read: self.read.clone(),
            asked: String::new(),
            said: Vec::new(),
            floods: false,
            waker: None,
        }))
    }
}

impl AsyncRead for FloodIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.said.is_empty() {
            let now = self.said.len().min(buf.remaining());
            buf.put_slice(&self.said[..now]);
            self.said.drain(..now);
            return Poll::Ready(Ok(()));
        }
        if !self.floods {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let many = (8 << 10).min(buf.remaining()) / self.part.len();
        buf.put_slice(&self.part.repeat(many));
        let read = self.read.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        // The call fails in another way than by its time, and so does the test.
        if read > 64 << 20 {
            Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()))
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

impl AsyncWrite for FloodIo {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let text = String::from_utf8_lossy(data).into_owned();
        self.asked.push_str(&text);
        if let Some((_, rest)) = self.asked.split_once("\"id\":")
            && self.asked.ends_with('}')
        {
            let id = rest.chars().take_while(char::is_ascii_digit).collect::<String>();
            if self.asked.contains("tools/call") {
                self.said = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
                self.floods = true;
            } else {
                let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, discovered());
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
                self.said = format!("{head}: {}\r\n\r\n{body}", body.len()).into_bytes();
            }
            self.asked.clear();
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_flooded_call_ends_in_time() {
    for part in [
        &b"id: 1\ndata:\n\n"[..],
        b": comment\n\n",
        b"\n",
        b"retry: 1\n\n",
        b"event: other\ndata: x\n\n",
        b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n",
    ] {
        let read = Arc::new(AtomicUsize::new(0));
        let http = HttpClient::over(URL, Flood { part, read: read.clone() }).unwrap();
        let client = builder().start(http).unwrap();
        client.ready().await.unwrap();
        let mut options = CallOptions::default();
        options.timeout = Some(Duration::from_secs(2));
        options.maximum = Some(Duration::from_secs(3));
        let params = RawJson::object([("name", RawJson::string("a"))]);
        let call = tokio::spawn(client.call("tools/call", Some(params), options));
        // Few steps: in each, the client reads as much as its polls allow.
        for _ in 0..4 {
            read.store(0, Ordering::Relaxed);
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(call.is_finished(), "{:?}", String::from_utf8_lossy(part));
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{:?}: {error:?}", String::from_utf8_lossy(part));
    }
}
