//! Peers that always have more to say: each poll does a bounded amount of work, and time limits hold (FAULT F-A1).

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::TimeoutStep;

/// Says its head after a request, then its part without end. It is always ready and knows no budget.
#[derive(Clone)]
struct Endless {
    head: &'static [u8],
    part: &'static [u8],
    read: Arc<AtomicUsize>,
}

struct EndlessIo {
    script: Endless,
    asked: bool,
    waker: Option<Waker>,
}

/// So much in one poll is without bound.
const UNBOUNDED: usize = 64 << 20;

impl AsyncRead for EndlessIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.asked {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        buf.put_slice(std::mem::take(&mut self.script.head));
        while buf.remaining() >= self.script.part.len() {
            buf.put_slice(self.script.part);
        }
        let read = self.script.read.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        assert!(read < UNBOUNDED, "one poll reads without bound");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for EndlessIo {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
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

#[async_trait]
impl Dial for Endless {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(EndlessIo { script: self.clone(), asked: false, waker: None }))
    }
}

fn against(head: &'static [u8], part: &'static [u8]) -> (Net, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let dial = Endless { head, part, read: Arc::clone(&read) };
    let config = settings(|c| c.net.timeouts.total = Some(Duration::from_secs(3)));
    (over(&ENDPOINT.parse::<Uri>().unwrap(), &config, dial), read)
}

/// A reader of an endless body yields, is woken for the rest, and is ended by the total limit.
#[tokio::test(start_paused = true)]
async fn one_poll_of_an_endless_body_is_bounded() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (head, part) in [
        (CHUNKED, &b"3\r\n:\n\n\r\n"[..]),
        (CHUNKED, b"1\r\n\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"id: 1\ndata:\n\n"),
    ] {
        let (net, read) = against(head, part);
        let mut answer = net.send(post("a")).await.unwrap();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let mut reading = pin!(async {
            loop {
                if let Err(error) = answer.body.chunk().await {
                    break error;
                }
            }
        });
        for _ in 0..10 {
            read.store(0, Ordering::Relaxed);
            wakes.0.store(0, Ordering::Relaxed);
            assert!(reading.as_mut().poll(&mut cx).is_pending());
            assert!(read.load(Ordering::Relaxed) <= 2 << 20, "{} bytes", read.load(Ordering::Relaxed));
            assert!(wakes.0.load(Ordering::Relaxed) > 0, "nothing wakes the reader for the rest");
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        let Poll::Ready(error) = reading.as_mut().poll(&mut cx) else { panic!("time does not end it") };
        assert!(matches!(error, HttpError::TimedOut { step: TimeoutStep::Total, .. }), "{error}");
    }
}

/// Interim responses are skipped, and count as headers: without end, they are too large.
#[tokio::test(start_paused = true)]
async fn endless_interim_responses_are_too_large() {
    for part in [&b"HTTP/1.1 100 Continue\r\n\r\n"[..], b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"] {
        let (net, read) = against(b"", part);
        let error = read_error(&net).await;
        assert!(matches!(error, HttpError::TooLarge { limit_name: "response headers", .. }), "{error}");
        assert!(read.load(Ordering::Relaxed) <= 2 << 20);
        assert_eq!(net.open_connections(), 0);
    }
}

async fn read_error(net: &Net) -> HttpError {
    read(net, post("a")).await.unwrap_err()
}

/// One interim response is nothing special.
#[tokio::test]
async fn an_interim_response_is_skipped() {
    let (net, mut server) = scripted(&Settings::default());
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await;
        peer.say(&ok("done")).await;
        peer
    };
    assert_eq!(tokio::join!(read(&net, post("a")), server).0.unwrap(), "done");
}
