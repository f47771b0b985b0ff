//! The in-memory pair: two linked ends in one program, which behave like any given [`Binding`].
//!
//! Messages are moved, not encoded. The binding decides what the peer sees of lanes:
//!
//! - **A stream** (`ordered`, `abandon` by message): lanes do not reach the peer, as on a pipe. Both ends are
//!   [`Framed`]; the server receives and replies on [`Lane::SHARED`](super::Lane::SHARED), and an `End` sends nothing.
//! - **Exchanges** (every other): lanes reach the peer. Both ends are [`Laned`]; the client's `End` arrives as
//!   [`Inbound::Ended`](super::Inbound::Ended), the server's as [`Inbound::Lost`](super::Inbound::Lost). Unless the
//!   binding is `ordered`, a message that expects no answer is reported as
//!   [`Inbound::Delivered`](super::Inbound::Delivered) once the server's end has received it. With `one_exchange`,
//!   the first exchange is the only one, and nothing travels beside it.
//!
//! A link holds a bounded number of messages each way, and a send waits only for the peer to read. Reports of
//! delivery that the client does not read are kept: one number each.
//!
//! ```
//! use mcp_core::message::Request;
//! use mcp_core::transport::{Binding, Inbound, Lane, Outbound, Transport, memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (client, server) = memory::pair(Binding::STREAM);
//! let (mut requests, _replies) = Box::new(client).split();
//! let (_answers, mut incoming) = Box::new(server).split();
//!
//! let ping = Outbound::message(Request::new(1, "ping", None), Lane::numbered(1)).last(true);
//! requests.send(ping).await.unwrap();
//! let seen = incoming.recv().await.unwrap();
//! assert!(matches!(seen, Some(Inbound::Message { lane: Lane::SHARED, .. })));
//! # }
//! ```

mod listener;
mod pipe;
#[cfg(test)]
mod tests;

use std::fmt;

use futures::channel::mpsc;
use futures::{StreamExt, future, stream};

use crate::message::Message;

use super::framed::Framed;
use super::lanes::{LaneFrame, Laned};
use super::{AbandonBy, Binding, Envelope, Transport, TransportReceiver, TransportSender};

pub use listener::{Connector, Listener, connector};
pub use pipe::PeerGone;

/// How many messages a link holds each way, unless [`Pair::capacity`] sets another number.
pub const DEFAULT_CAPACITY: usize = 64;

/// A linked pair with the default capacity, the client's end first. The [module](self) says what the binding changes.
pub fn pair(binding: Binding) -> (End, End) {
    Pair::new(binding).link()
}

/// The settings of a pair.
#[derive(Clone, Debug)]
pub struct Pair {
    binding: Binding,
    capacity: usize,
    envelope: Envelope,
}

impl Pair {
    /// A pair that behaves like this binding.
    pub fn new(binding: Binding) -> Pair {
        Pair { binding, capacity: DEFAULT_CAPACITY, envelope: Envelope::default() }
    }

    /// Sets how many messages the link holds each way before a send waits. At least 1.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Pair {
        self.capacity = messages.max(1);
        self
    }

    /// Sets the envelope of every message that the server receives, with a verified identity for example.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Pair {
        self.envelope = envelope;
        self
    }

    /// Makes the two ends, the client's first.
    pub fn link(&self) -> (End, End) {
        let lanes_reach_the_peer =
            !self.binding.ordered || self.binding.abandon == AbandonBy::End || self.binding.one_exchange;
        if lanes_reach_the_peer { self.exchanges() } else { self.stream() }
    }

    fn stream(&self) -> (End, End) {
        let (up, requests) = pipe::pipe::<Message>(self.capacity);
        let (down, replies) = pipe::pipe(self.capacity);
        let client = Framed::client(self.binding.name, up, replies.map(Ok::<_, PeerGone>));
        let server = Framed::server(self.binding.name, down, requests.map(Ok::<_, PeerGone>));
        let server = server.envelope(self.envelope.clone());
        (End::new(client.with_binding(self.binding)), End::new(server.with_binding(self.binding)))
    }

    fn exchanges(&self) -> (End, End) {
        let (up, requests) = pipe::pipe::<LaneFrame<Message>>(self.capacity);
        let (down, replies) = pipe::pipe(self.capacity);
        let (taken, reports) = mpsc::unbounded();
        let requests = requests.inspect(move |frame| {
            if let LaneFrame::Message { lane, message, .. } = frame
                && !matches!(message, Message::Request(_))
            {
                // A client that is gone needs no report.
                let _gone = taken.unbounded_send(LaneFrame::Taken { lane: *lane });
            }
        });
        // The end of the replies is the end of the link, even if more reports could come.
        let replies = replies.chain(stream::once(future::ready(LaneFrame::Close)));
        let replies = stream::select(reports, replies);
        let client = Laned::client(self.binding.name, up, replies.map(Ok::<_, PeerGone>));
        let server = Laned::server(self.binding.name, down, requests.map(Ok::<_, PeerGone>));
        let server = server.envelope(self.envelope.clone());
        (End::new(client.with_binding(self.binding)), End::new(server.with_binding(self.binding)))
    }
}

/// One end of a pair.
pub struct End(Box<dyn Transport>);

impl End {
    fn new(inner: impl Transport) -> End {
        End(Box::new(inner))
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("binding", &self.binding()).finish_non_exhaustive()
    }
}

impl Transport for End {
    fn binding(&self) -> Binding {
        self.0.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        self.0.split()
    }
}
