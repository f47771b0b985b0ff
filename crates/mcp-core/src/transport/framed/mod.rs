//! An adapter for carriers that deliver whole frames in order: any [`Sink`] and [`Stream`] of messages or of texts.
//!
//! [`Framed`] makes a transport of a WebSocket, a message port or a pair of channels. Text frames are read by
//! [`message::decode`](crate::message::decode), so batches and refusals work. The carrier must bound the size of a
//! frame.
//!
//! Lanes do not reach the peer: all messages except batches travel on [`Lane::SHARED`], and requests of revision
//! 2026-07-28 are cancelled by message. A carrier whose frames may overtake each other needs
//! [`Laned`](super::lanes::Laned) instead.
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
use std::marker::PhantomData;

use futures::{Sink, Stream};

use crate::message::{Decoded, Refusal, Shape};

use super::glue::{Glue, Mapping, Received};
use super::{
    Binding, Envelope, Inbound, Lane, LossKind, Outbound, SendError, Transport, TransportReceiver,
    TransportSender,
};

use batches::{Batches, Put};
pub use frame::Frame;

/// A transport over a sink and a stream of frames. See the [module](self).
pub struct Framed<F: Frame>(Glue<Frames<F>>);

impl<F: Frame> Framed<F> {
    /// The client's end. `name` is for logs.
    pub fn client<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Framed<F>
    where
        S: Sink<F, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<F, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Framed(Glue::new(Binding::STREAM.named(name), Frames::new(false), sink, stream))
    }

    /// The server's end. `name` is for logs.
    pub fn server<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Framed<F>
    where
        S: Sink<F, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<F, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Framed(Glue::new(Binding::STREAM.named(name), Frames::new(true), sink, stream))
    }

    /// Declares that the carrier outlives the peer, as a message broker does, so that a close or a silence says
    /// nothing about the peer. Clears [`Binding::continuous`].
    #[must_use]
    pub fn discontinuous(mut self) -> Framed<F> {
        self.0.binding.continuous = false;
        self
    }

    /// Sets the envelope of every inbound message: the peer's address, a verified identity.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Framed<F> {
        self.0.envelope = envelope;
        self
    }

    /// Bounds how long [`TransportSender::close`] waits for the carrier: until this future ends. Without it, closing
    /// starts and is not waited for.
    #[must_use]
    pub fn close_within<T>(mut self, timer: impl Fn() -> T + Send + 'static) -> Framed<F>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.0.close_within(timer);
        self
    }

    /// Replaces the binding, for the in-memory pair.
    pub(super) fn with_binding(mut self, binding: Binding) -> Framed<F> {
        self.0.binding = binding;
        self
    }
}

impl<F: Frame> fmt::Debug for Framed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("binding", &self.0.binding).finish_non_exhaustive()
    }
}

impl<F: Frame> Transport for Framed<F> {
    fn binding(&self) -> Binding {
        self.0.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        self.0.split()
    }
}

/// An error: this end of the link was closed, so it cannot send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this end of the link was closed")]
pub struct EndClosed;

/// The mapping between frames and messages on a carrier without lanes.
struct Frames<F> {
    server: bool,
    batches: Batches,
    frame: PhantomData<fn() -> F>,
}

impl<F: Frame> Frames<F> {
    fn new(server: bool) -> Frames<F> {
        Frames { server, batches: Batches::default(), frame: PhantomData }
    }
}

impl<F: Frame> Mapping for Frames<F> {
    type Frame = F;

    fn outbound(&self, out: Outbound) -> Result<Option<F>, SendError> {
        let batch = match out {
            Outbound::Message { message, lane, last, .. } => match self.batches.put(lane, message, last) {
                Put::Kept => return Ok(None),
                Put::Complete(batch) => batch,
                Put::NoBatch(_) if self.server && !lane.is_shared() => {
                    return Err(SendError::rejected(LossKind::NoRoute, "unknown lane"));
                }
                Put::Refused(message) | Put::NoBatch(message) => return Ok(Some(F::from_message(message))),
            },
            // A batch without answers gets no reply, because an empty array is not legal.
            Outbound::End { lane, .. } => match self.batches.end(lane) {
                Some(batch) if !batch.is_empty() => batch,
                _ => return Ok(None),
            },
        };
        let no_batches = || SendError::rejected(LossKind::NoRoute, "this carrier does not support batches");
        F::from_batch(batch).map(Some).ok_or_else(no_batches)
    }

    fn inbound(&self, frame: F, envelope: &Envelope) -> Received {
        let refused = |refusal| Inbound::refused(refusal, Lane::SHARED);
        Received::Inbound(match frame.decode() {
            Decoded::One(Ok(message)) => {
                Inbound::message(message, Lane::SHARED).with_envelope(envelope.clone())
            }
            Decoded::One(Err(refusal)) => refused(refusal),
            Decoded::Batch(items) => match self.batches.open(&items) {
                Some(lane) => Inbound::batch(items, lane).with_envelope(envelope.clone()),
                None => {
                    let why = format_args!("too many batches in flight; the limit is {}", batches::MAX_OPEN);
                    refused(Refusal::invalid(None, Shape::Unknown, why))
                }
            },
        })
    }
}
