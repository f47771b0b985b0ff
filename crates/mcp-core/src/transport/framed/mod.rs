//! Glue for carriers that already have frames: any [`Sink`] and [`Stream`] of messages or of texts.
//!
//! A WebSocket, a message port, a channel: whatever delivers whole frames in order becomes a transport
//! without another line. Frames of text are read by [`message::decode`](crate::message::decode), so
//! batches and refusals work; the carrier itself has to bound the size of a frame.
//!
//! Lanes do not reach the peer: all but batches travel on [`Lane::SHARED`](super::Lane::SHARED), and an
//! `End` says nothing, so requests of 2026-07-28 are given up by message. A carrier whose frames may overtake each
//! other needs lanes that reach the peer: see [`lanes`](super::lanes).
//!
//! ```
//! use futures::channel::mpsc;
//! use mcp_core::message::{Message, Notification};
//! use mcp_core::transport::{Transport, framed::Framed};
//!
//! // Two channels of texts stand for a socket.
//! let (up, requests) = mpsc::channel::<String>(8);
//! let (down, replies) = mpsc::channel::<String>(8);
//! # use futures::StreamExt;
//! let client = Framed::client("channel", up, replies.map(Ok::<_, std::io::Error>));
//! let server = Framed::server("channel", down, requests.map(Ok::<_, std::io::Error>));
//! assert_eq!(client.binding().name, "channel");
//! # let _ = server;
//! ```

mod batches;
mod frame;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::future::{self, BoxFuture, Either};
use futures::{Sink, SinkExt, Stream, StreamExt, TryStreamExt};

use crate::message::{Decoded, Message, Refusal, Shape};

use super::{
    Binding, CloseReport, Envelope, Inbound, Lane, LossKind, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender,
};

use batches::{Batches, Put};
pub use frame::Frame;

type Frames<F> = Pin<Box<dyn Stream<Item = Result<F, TransportError>> + Send>>;
type Carrier<F> = Pin<Box<dyn Sink<F, Error = TransportError> + Send>>;
type Timer = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// A transport over a sink and a stream of frames. See the [module](self).
pub struct Framed<F> {
    binding: Binding,
    server: bool,
    sink: Carrier<F>,
    stream: Frames<F>,
    envelope: Envelope,
    close_timer: Option<Timer>,
}

impl<F: Frame> Framed<F> {
    /// The client's end. `name` is for logs.
    pub fn client<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Framed<F>
    where
        S: Sink<F, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<F, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Framed {
            binding: Binding::STREAM.named(name),
            server: false,
            sink: Box::pin(sink.sink_map_err(|error| TransportError::new(error))),
            stream: Box::pin(stream.map_err(|error| TransportError::new(error))),
            envelope: Envelope::default(),
            close_timer: None,
        }
    }

    /// The server's end. `name` is for logs.
    pub fn server<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Framed<F>
    where
        S: Sink<F, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<F, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Framed { server: true, ..Framed::client(name, sink, stream) }
    }

    /// A close or a silence says nothing about the peer: there is something between that lives longer.
    #[must_use]
    pub fn discontinuous(mut self) -> Framed<F> {
        self.binding.continuous = false;
        self
    }

    /// What is known about every message that comes in: the peer's address, a verified identity.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Framed<F> {
        self.envelope = envelope;
        self
    }

    /// How long closing may wait for the carrier: until this future ends. Without one, closing is begun
    /// and not waited for.
    #[must_use]
    pub fn close_within<T>(mut self, timer: impl Fn() -> T + Send + 'static) -> Framed<F>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.close_timer = Some(Box::new(move || Box::pin(timer())));
        self
    }
}

impl<F> fmt::Debug for Framed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("binding", &self.binding).finish_non_exhaustive()
    }
}

impl<F: Frame> Transport for Framed<F> {
    fn binding(&self) -> Binding {
        self.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let batches = Arc::<Batches>::default();
        let sender = Sender {
            sink: Some(self.sink),
            server: self.server,
            batches: batches.clone(),
            close_timer: self.close_timer,
        };
        let receiver = Receiver { stream: Some(self.stream), batches, envelope: self.envelope };
        (Box::new(sender), Box::new(receiver))
    }
}

/// This end was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this end of the link was closed")]
pub struct EndClosed;

struct Sender<F> {
    sink: Option<Carrier<F>>,
    server: bool,
    batches: Arc<Batches>,
    close_timer: Option<Timer>,
}

impl<F: Frame> Sender<F> {
    fn sink(&mut self) -> Result<&mut Carrier<F>, TransportError> {
        self.sink.as_mut().ok_or_else(|| TransportError::new(EndClosed))
    }

    async fn feed(&mut self, frame: F) -> Result<(), SendError> {
        Ok(self.sink()?.feed(frame).await?)
    }

    async fn feed_batch(&mut self, messages: Vec<Message>) -> Result<(), SendError> {
        match F::from_batch(messages) {
            Some(frame) => self.feed(frame).await,
            None => Err(SendError::rejected(LossKind::NoRoute, "this carrier has no batches")),
        }
    }
}

#[async_trait]
impl<F: Frame> TransportSender for Sender<F> {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        let (message, lane, last) = match out {
            Outbound::Message { message, lane, last, .. } => (message, lane, last),
            Outbound::End { lane, .. } => {
                // An array is never empty: a batch that is owed nothing is answered by nothing.
                return match self.batches.end(lane) {
                    Some(collected) if !collected.is_empty() => self.feed_batch(collected).await,
                    _ => Ok(()),
                };
            }
        };
        match self.batches.put(lane, message, last) {
            Put::Kept => Ok(()),
            Put::Complete(messages) => self.feed_batch(messages).await,
            Put::NoBatch(_) if self.server && !lane.is_shared() => {
                Err(SendError::rejected(LossKind::NoRoute, "there is no such lane"))
            }
            Put::Refused(message) | Put::NoBatch(message) => self.feed(F::from_message(message)).await,
        }
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.sink()?.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        if let Some(sink) = &mut self.sink {
            let timer = match &self.close_timer {
                Some(timer) => timer(),
                None => Box::pin(future::ready(())),
            };
            // The carrier is polled first, so that closing is begun whatever the timer says.
            let closed = match future::select(sink.close(), timer).await {
                Either::Left((closed, _)) => closed,
                Either::Right(_) => Ok(()),
            };
            self.sink = None;
            closed?;
        }
        Ok(CloseReport::default())
    }
}

struct Receiver<F> {
    stream: Option<Frames<F>>,
    batches: Arc<Batches>,
    envelope: Envelope,
}

impl<F: Frame> Receiver<F> {
    /// Takes nothing that it does not return in the same poll: that is what makes `recv` cancel-safe.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Inbound>, TransportError>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(None)) };
        match stream.poll_next_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Ok(Some(self.judge(frame.decode())))),
            Poll::Ready(end) => {
                self.stream = None;
                Poll::Ready(end.transpose().map(|_| None))
            }
        }
    }

    fn judge(&self, decoded: Decoded) -> Inbound {
        let envelope = self.envelope.clone();
        let refused = |refusal| Inbound::refused(refusal, Lane::SHARED);
        match decoded {
            Decoded::One(Ok(message)) => Inbound::message(message, Lane::SHARED).with_envelope(envelope),
            Decoded::One(Err(refusal)) => refused(refusal),
            Decoded::Batch(items) => match self.batches.open(&items) {
                Some(lane) => Inbound::batch(items, lane).with_envelope(envelope),
                None => {
                    let why = format_args!("too many batches in flight; the limit is {}", batches::MAX_OPEN);
                    refused(Refusal::invalid(None, Shape::Unknown, why))
                }
            },
        }
    }
}

#[async_trait]
impl<F: Frame> TransportReceiver for Receiver<F> {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        future::poll_fn(|cx| self.poll_next(cx)).await
    }
}
