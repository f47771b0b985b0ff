//! tokio lets a task do only so much in one turn; what it puts off must not be forgotten.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::{poll_proceed, unconstrained};

use super::*;

/// A stream that knows of no budget, as a transport of the user's own may be.
struct Eager(DuplexStream);

impl AsyncRead for Eager {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pin!(unconstrained(poll_fn(|cx| Pin::new(&mut self.0).poll_read(cx, buf)))).poll(cx)
    }
}

impl AsyncWrite for Eager {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        pin!(unconstrained(poll_fn(|cx| Pin::new(&mut self.0).poll_write(cx, data)))).poll(cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct DialEager(mpsc::UnboundedSender<DuplexStream>);

#[async_trait]
impl Dial for DialEager {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.0.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(Box::new(Eager(ours)))
    }
}

/// What tokio lets a task do in one turn.
const WHOLE: usize = 128;

/// Leaves this much of the budget of this turn of the task.
fn leave(budget: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in budget..WHOLE {
        match poll_proceed(&mut cx) {
            Poll::Ready(step) => step.made_progress(),
            Poll::Pending => return,
        }
    }
}

/// FAULT C-39: the answer is here, and the task has done almost all it may in this turn. Either the call ends now or
/// it is woken; otherwise it would hang until its timeout, as nothing more comes over the connection.
#[tokio::test]
async fn an_answer_is_not_forgotten_by_a_task_that_has_done_much() {
    for budget in 0..8 {
        // A new turn, with a whole budget.
        tokio::task::yield_now().await;
        let (dials, accepted) = mpsc::unbounded_channel();
        let mut server = Server(accepted);
        let url = ENDPOINT.parse::<Uri>().expect("a URL");
        let net = over(&url, &Settings::default(), DialEager(dials));
        let woken = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut call = pin!(read(&net, post("a")));
        assert!(call.as_mut().poll(&mut cx).is_pending());
        let mut peer = server.accept().await;
        peer.request().await;
        // More than fits between the connection and its reader: nothing is read before the head was taken.
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer.say("5\r\nhello\r\n5\r\n, you\r\n1\r\n!\r\n0\r\n\r\n").await;
        let mut left = budget;
        loop {
            assert!(woken.0.swap(0, Ordering::Relaxed) > 0, "with {budget} left, the answer is forgotten");
            let turn = poll_fn(|_| {
                leave(left);
                Poll::Ready(call.as_mut().poll(&mut cx))
            });
            if let Poll::Ready(result) = turn.await {
                assert_eq!(result.expect("an answer"), "hello, you!");
                break;
            }
            // Only the first turn is short. What it put off is woken after it.
            left = WHOLE;
            tokio::task::yield_now().await;
        }
    }
}
