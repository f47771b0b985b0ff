//! The in-memory pair: two linked ends in one program, which behave like any [`Binding`] that is asked for.
//!
//! Messages are moved, not encoded. What the peer sees of lanes depends on the binding:
//!
//! - **A stream** (`ordered`, `abandon` by message): lanes do not reach the peer, as on a pipe. The server
//!   receives on [`Lane::SHARED`] and replies on it; an `End` says nothing to anybody.
//! - **Exchanges** (any other): each message of the client opens an exchange, and the server end mints a
//!   lane for it. Replies travel back on the client's lane; `last` ends it; the client's `End` arrives as
//!   [`Inbound::Ended`], the server's as [`Inbound::Lost`]. Unless `ordered`, a message that expects no
//!   answer is reported [`Inbound::Delivered`] when the server end has handed it over. With
//!   `one_exchange`, the first exchange is the only one, and nothing travels beside it.
//!
//! [`Inbound::Ended`]: super::Inbound::Ended
//! [`Inbound::Lost`]: super::Inbound::Lost
//! [`Inbound::Delivered`]: super::Inbound::Delivered
//!
//! A link holds a bounded number of messages each way, and a send waits only for the peer to read. What
//! a client that never receives has been told of deliveries is kept: one number a message.
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

mod client;
mod listener;
pub(crate) mod routes;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::channel::mpsc;
use futures::future;

use crate::message::Message;

use super::{
    AbandonBy, Binding, Envelope, Lane, LossKind, SendError, Transport, TransportReceiver, TransportSender,
};

pub use listener::{Connector, Listener, connector};

use routes::{ClientLanes, ServerLanes};

/// How many messages a link holds each way, unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 64;

/// A linked pair with the default capacity. See the [module](self) for what the binding changes.
pub fn pair(binding: Binding) -> (ClientEnd, ServerEnd) {
    Pair::new(binding).link()
}

/// How a pair is made, for those whom [`pair`] is not enough.
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

    /// How many messages the link holds each way before a send waits. At least 1.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Pair {
        self.capacity = messages.max(1);
        self
    }

    /// What the server end knows about every message: a verified identity, for example.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Pair {
        self.envelope = envelope;
        self
    }

    /// Makes the two ends.
    pub fn link(&self) -> (ClientEnd, ServerEnd) {
        // The channel adds one place for each sender.
        let (up, up_end) = mpsc::channel(self.capacity - 1);
        let (down, down_end) = mpsc::channel(self.capacity - 1);
        let (deliver, delivered) = mpsc::unbounded();
        let client_lanes = Arc::new(ClientLanes::default());
        let server_lanes = Arc::new(ServerLanes::default());
        let mode = Mode::of(self.binding);
        let client = ClientEnd {
            binding: self.binding,
            sender: client::Sender::new(Pipe::new(up), mode, client_lanes.clone()),
            receiver: client::Receiver::new(down_end, delivered, client_lanes),
        };
        let server = ServerEnd {
            binding: self.binding,
            sender: server::Sender::new(Pipe::new(down), mode, server_lanes.clone()),
            receiver: server::Receiver::new(up_end, deliver, mode, server_lanes, self.envelope.clone()),
        };
        (client, server)
    }
}

/// The client's end of a pair.
#[derive(Debug)]
pub struct ClientEnd {
    binding: Binding,
    sender: client::Sender,
    receiver: client::Receiver,
}

/// The server's end of a pair.
#[derive(Debug)]
pub struct ServerEnd {
    binding: Binding,
    sender: server::Sender,
    receiver: server::Receiver,
}

impl Transport for ClientEnd {
    fn binding(&self) -> Binding {
        self.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(self.sender), Box::new(self.receiver))
    }
}

impl Transport for ServerEnd {
    fn binding(&self) -> Binding {
        self.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(self.sender), Box::new(self.receiver))
    }
}

/// The other end of the pair was dropped, or this end was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the in-memory link is gone")]
pub struct PeerGone;

/// What a binding means for lanes.
#[derive(Clone, Copy, Debug)]
struct Mode {
    /// Lanes reach the peer.
    exchanges: bool,
    /// Messages that expect no answer are reported delivered.
    reports: bool,
    /// One exchange is all there is.
    once: bool,
}

impl Mode {
    fn of(binding: Binding) -> Mode {
        let exchanges = !binding.ordered || binding.abandon == AbandonBy::End || binding.one_exchange;
        Mode { exchanges, reports: !binding.ordered, once: binding.one_exchange }
    }
}

/// What travels. Lanes are the client's numbers.
#[derive(Debug)]
enum Frame {
    Message { message: Message, lane: Lane, last: bool },
    End { lane: Lane },
}

/// The writing side of one direction.
#[derive(Debug)]
struct Pipe(Option<mpsc::Sender<Frame>>);

impl Pipe {
    fn new(sender: mpsc::Sender<Frame>) -> Pipe {
        Pipe(Some(sender))
    }

    /// Waits for a place, and for nothing else.
    async fn put(&mut self, frame: Frame) -> Result<(), SendError> {
        let gone = || SendError::fatal(PeerGone);
        let pipe = self.0.as_mut().ok_or_else(gone)?;
        future::poll_fn(|cx| pipe.poll_ready(cx)).await.map_err(|_| gone())?;
        pipe.start_send(frame).map_err(|_| gone())
    }

    /// Nothing more comes: the peer reads what is under way, then a clean end.
    fn close(&mut self) {
        if let Some(mut pipe) = self.0.take() {
            pipe.close_channel();
        }
    }
}

fn no_route(why: &'static str) -> SendError {
    SendError::rejected(LossKind::NoRoute, why)
}
