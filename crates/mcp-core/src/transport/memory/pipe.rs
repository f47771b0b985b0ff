//! One direction of a link: a bounded channel as a sink and a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Sink;
use futures::channel::mpsc;

/// The other end of the pair was dropped, or this end was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the in-memory link is gone")]
pub struct PeerGone;

/// A channel that holds this many frames, at least one.
pub(super) fn pipe<T>(capacity: usize) -> (Pipe<T>, mpsc::Receiver<T>) {
    // The channel adds one slot for its sender, and panics on capacities that it cannot count.
    let (sender, receiver) = mpsc::channel(capacity.saturating_sub(1).min(u32::MAX as usize / 8));
    (Pipe(sender), receiver)
}

/// The writing side. Unlike the channel's own sink it needs no capacity to be flushed.
pub(super) struct Pipe<T>(mpsc::Sender<T>);

impl<T> Sink<T> for Pipe<T> {
    type Error = PeerGone;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PeerGone>> {
        self.0.poll_ready(cx).map_err(|_| PeerGone)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: T) -> Result<(), PeerGone> {
        self.0.start_send(frame).map_err(|_| PeerGone)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), PeerGone>> {
        Poll::Ready(Ok(()))
    }

    /// The peer reads what the channel holds, then a clean end.
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), PeerGone>> {
        self.0.close_channel();
        Poll::Ready(Ok(()))
    }
}
