//! Links whose futures are dropped, and links that end at a given point.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use futures::future::{self, poll_fn};

use mcp_core::transport::{
    Binding, CloseReport, Inbound, Outbound, PeerEvidence, SendError, Transport, TransportError,
    TransportReceiver, TransportSender,
};

/// Drops the inner `recv` future after one to four polls, again and again. The sequence is pseudo-random, so that no
/// traffic falls in step with it, and the same in every run. A cancel-safe receiver loses nothing; others lose requests
/// under load.
pub struct Dropping<T>(T);

impl<T> Dropping<T> {
    /// Wraps a link or a receiver.
    pub fn new(inner: T) -> Dropping<T> {
        Dropping(inner)
    }
}

impl<T: Transport> Transport for Dropping<T> {
    fn binding(&self) -> Binding {
        self.0.binding()
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        self.0.evidence()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, receiver) = Box::new(self.0).split();
        (sender, Box::new(DroppingReceiver::new(receiver)))
    }
}

/// The receiver of [`Dropping`].
pub(crate) struct DroppingReceiver {
    inner: Box<dyn TransportReceiver>,
    random: u32,
}

impl DroppingReceiver {
    pub(crate) fn new(inner: Box<dyn TransportReceiver>) -> DroppingReceiver {
        DroppingReceiver { inner, random: 0x2545_F491 }
    }
}

#[async_trait]
impl TransportReceiver for DroppingReceiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        loop {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let polls = self.random % 4 + 1;
            let mut future = self.inner.recv();
            for _ in 0..polls {
                // Polled once, and again only after it has woken the task.
                let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
                if let Poll::Ready(received) = polled {
                    return received;
                }
                woken().await;
            }
        }
    }
}

/// Waits until something wakes this task. The future that was polled before has registered the waker.
async fn woken() {
    let mut asked = false;
    poll_fn(|_| if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// A link that ends after a number of messages, sent and received ones together. After that, sends fail, and `recv` finds
/// a clean end or an error.
pub struct Cut {
    inner: Box<dyn Transport>,
    messages: usize,
    clean: bool,
}

impl Cut {
    /// Ends cleanly.
    pub fn clean(inner: impl Transport, messages: usize) -> Cut {
        Cut { inner: Box::new(inner), messages, clean: true }
    }

    /// Ends with an error of the kind `ConnectionReset`.
    pub fn reset(inner: impl Transport, messages: usize) -> Cut {
        Cut { inner: Box::new(inner), messages, clean: false }
    }
}

impl Transport for Cut {
    fn binding(&self) -> Binding {
        self.inner.binding()
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        self.inner.evidence()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, receiver) = self.inner.split();
        let fuse = Arc::new(Fuse {
            left: AtomicUsize::new(self.messages),
            clean: self.clean,
            blown: tokio::sync::Notify::new(),
        });
        let sender = CutSender { inner: sender, fuse: fuse.clone() };
        (Box::new(sender), Box::new(CutReceiver { inner: receiver, fuse }))
    }
}

struct Fuse {
    left: AtomicUsize,
    clean: bool,
    blown: tokio::sync::Notify,
}

impl Fuse {
    /// Counts one message; `false` if none was left.
    fn take(&self) -> bool {
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if taken == Ok(1) {
            self.blown.notify_one();
        }
        taken.is_ok()
    }

    fn is_blown(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    fn error(&self) -> TransportError {
        std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()
    }
}

struct CutSender {
    inner: Box<dyn TransportSender>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl TransportSender for CutSender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        if !self.fuse.take() {
            return Err(SendError::Fatal(self.fuse.error()));
        }
        self.inner.send(out).await
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.inner.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.inner.close().await
    }
}

struct CutReceiver {
    inner: Box<dyn TransportReceiver>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl TransportReceiver for CutReceiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        if !self.fuse.is_blown() {
            let blown = std::pin::pin!(self.fuse.blown.notified());
            if let future::Either::Left((received, _)) = future::select(self.inner.recv(), blown).await {
                self.fuse.take();
                return received;
            }
        }
        // Later calls get the same.
        if self.fuse.clean { Ok(None) } else { Err(self.fuse.error()) }
    }
}
