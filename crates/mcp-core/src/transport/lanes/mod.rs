//! An adapter and bookkeeping for carriers whose frames name a lane: publish/subscribe, datagrams, multiplexed
//! connections.
//!
//! [`Laned`] makes a transport of a carrier that sends the number of a lane beside each message: a
//! [`Sink`](futures::Sink) and a [`Stream`](futures::Stream) of [`LaneFrame`]s. Lanes may overtake each other, and a
//! frame that ends a lane cancels its request. A transport that implements the trait itself can use the bookkeeping
//! alone: [`Lanes`].
//!
//! # Requirements on the carrier
//!
//! - The frames of one lane arrive in order.
//! - The link ends with [`LaneFrame::Close`], or with the end of the stream.
//! - A [`LaneFrame::Taken`] reaches the client for every message that it sent and that is not a request. It may also
//!   be sent for requests, where it has no effect. [`Laned`] cannot send it, because its receiving half has no sink.
//!   Any of these satisfies the requirement:
//!   - The server's stream sends `Taken` when it is polled for the frame after the message.
//!   - The client's carrier generates `Taken` when the peer's carrier acknowledges the message, if that carrier
//!     delivers nothing that is sent later before it.
//!   - The carrier keeps the order of all lanes. Then declare [`Laned::ordered`]; `Taken` is not needed.
//!
//! Until the client's session learns that a message was taken, it holds back the messages that must not overtake it:
//! the first call of a legacy session waits for `notifications/initialized`.
//!
//! ```
//! use futures::{StreamExt, channel::mpsc};
//! use mcp_core::message::Message;
//! use mcp_core::transport::Transport;
//! use mcp_core::transport::lanes::{LaneFrame, Laned};
//!
//! // Two channels stand for a carrier. They keep the order of all lanes.
//! let (up, requests) = mpsc::channel::<LaneFrame<Message>>(8);
//! let (down, replies) = mpsc::channel::<LaneFrame<Message>>(8);
//! let client = Laned::client("topics", up, replies.map(Ok::<_, std::io::Error>)).ordered();
//! let server = Laned::server("topics", down, requests.map(Ok::<_, std::io::Error>)).ordered();
//! assert!(client.binding().ordered && server.binding().ordered);
//! ```

mod laned;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::task::{Context, Waker};

use crate::lock::Lock;
use crate::message::{Decoded, Message, Refusal, Shape};

pub use laned::Laned;

use super::{Envelope, Inbound, Lane, Loss, LossKind, Outbound, SendError};

/// One frame. Both ends use the lane numbers that the client's session assigned.
///
/// Exhaustive on purpose: a carrier has to encode every frame, so a new kind of frame has to be a compile error.
#[derive(Clone, Debug)]
pub enum LaneFrame<M> {
    /// A message, as the carrier holds it.
    Message {
        /// Its lane, which may be [`Lane::SHARED`] on the way to the client.
        lane: Lane,
        /// The message.
        message: M,
        /// Whether the lane ends with this message. Only servers set it: requests wait for their answer.
        last: bool,
    },
    /// The exchange is over, without a (further) answer.
    End {
        /// Its lane.
        lane: Lane,
    },
    /// The peer has passed the message on this lane to its session, or will do so before anything that is sent from
    /// now on. The client must receive it for every message that is not a request; the [module](self) says which part
    /// sends it.
    Taken {
        /// Its lane.
        lane: Lane,
    },
    /// The last frame of this end. A carrier that signals its own end to the peer need not send it. A carrier whose
    /// lanes overtake each other delivers it after all other frames.
    Close,
}

impl<M> LaneFrame<M> {
    /// Converts the message of the frame, for instance by encoding or decoding it.
    pub fn map<N>(self, change: impl FnOnce(M) -> N) -> LaneFrame<N> {
        match self {
            LaneFrame::Message { lane, message, last } => {
                LaneFrame::Message { lane, message: change(message), last }
            }
            LaneFrame::End { lane } => LaneFrame::End { lane },
            LaneFrame::Taken { lane } => LaneFrame::Taken { lane },
            LaneFrame::Close => LaneFrame::Close,
        }
    }

    /// The lane of the frame; [`Lane::SHARED`] for [`LaneFrame::Close`].
    pub fn lane(&self) -> Lane {
        match self {
            LaneFrame::Message { lane, .. } | LaneFrame::End { lane } | LaneFrame::Taken { lane } => *lane,
            LaneFrame::Close => Lane::SHARED,
        }
    }
}

/// Returns the single message of a decoded text. A batch is refused, because its answers would share one lane.
///
/// # Errors
///
/// The reason for refusing the text, for [`Inbound::Refused`].
pub fn single(decoded: Decoded) -> Result<Message, Refusal> {
    match decoded {
        Decoded::One(message) => message,
        Decoded::Batch(_) => {
            Err(Refusal::invalid(None, Shape::Unknown, format_args!("this carrier does not accept batches")))
        }
    }
}

/// The open lanes of one end, shared by its two halves. Ignores a request on a lane that is already open.
///
/// ```
/// use mcp_core::message::Request;
/// use mcp_core::transport::lanes::{LaneFrame, Lanes};
/// use mcp_core::transport::{Envelope, Inbound, Lane, Outbound};
///
/// let (client, server, lane) = (Lanes::client(), Lanes::server(), Lane::numbered(7));
/// let out = Outbound::message(Request::new(1, "ping", None), lane).last(true);
/// // The carrier gets a frame, and delivers it to the other end.
/// let frame = client.outbound(out).unwrap().unwrap();
/// let seen = server.inbound(frame.map(|message| Ok(message)), Envelope::default());
/// assert!(matches!(seen, Some(Inbound::Message { lane, .. }) if lane.number() == 7));
/// // The client abandons the request.
/// let seen = server.inbound(LaneFrame::End { lane }, Envelope::default());
/// assert!(matches!(seen, Some(Inbound::Ended { .. })));
/// ```
#[derive(Debug)]
pub struct Lanes {
    client: bool,
    /// Whether messages that expect no answer need no `Taken`.
    ordered: bool,
    /// Whether the first exchange is the only one, and the link carries nothing else.
    one_exchange: bool,
    books: Lock<Books>,
}

#[derive(Debug, Default)]
struct Books {
    open: HashMap<Lane, Waits>,
    /// Whether the client has sent a message.
    used: bool,
    /// Wakes the receiver of a link with one exchange.
    waker: Option<Waker>,
}

/// What an open lane waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waits {
    Answer,
    Taken,
}

impl Lanes {
    /// The lanes of a client's end.
    pub fn client() -> Lanes {
        Lanes { client: true, ordered: false, one_exchange: false, books: Lock::default() }
    }

    /// The lanes of a server's end.
    pub fn server() -> Lanes {
        Lanes { client: false, ..Lanes::client() }
    }

    /// Returns the frame to send, or `None` for the end of a lane that is already over.
    ///
    /// # Errors
    ///
    /// [`SendError::Rejected`] with [`LossKind::NoRoute`] if the lane is over or cannot be used.
    pub fn outbound(&self, out: Outbound) -> Result<Option<LaneFrame<Message>>, SendError> {
        let mut books = self.books.lock();
        let (message, lane, last) = match out {
            Outbound::Message { message, lane, last, .. } => (message, lane, last),
            Outbound::End { lane, .. } => {
                return Ok(books.end(lane).then_some(LaneFrame::End { lane }));
            }
        };
        let routed = match self.client {
            true if lane.is_shared() || (self.one_exchange && books.used) => false,
            true => {
                books.used = true;
                // Recorded before it is sent, because the answer may arrive before the send returns.
                match message {
                    Message::Request(_) => drop(books.open.insert(lane, Waits::Answer)),
                    _ if self.ordered => {}
                    _ => drop(books.open.insert(lane, Waits::Taken)),
                }
                true
            }
            false if lane.is_shared() => !self.one_exchange,
            false if last => books.end(lane),
            false => books.open.contains_key(&lane),
        };
        if !routed {
            return Err(SendError::rejected(LossKind::NoRoute, "the exchange is unknown or over"));
        }
        Ok(Some(LaneFrame::Message { lane, message, last: last && !self.client && !lane.is_shared() }))
    }

    /// Returns what a frame means to the session, or `None` if its lane is over or the frame is not valid here.
    pub fn inbound(&self, frame: LaneFrame<Result<Message, Refusal>>, envelope: Envelope) -> Option<Inbound> {
        let mut books = self.books.lock();
        let (lane, message, last) = match frame {
            LaneFrame::Message { lane, message, last } => (lane, message, last),
            LaneFrame::Close => return None,
            LaneFrame::Taken { lane } => {
                let waits = books.open.get(&lane) == Some(&Waits::Taken);
                return (waits && books.end(lane)).then_some(Inbound::delivered(lane));
            }
            LaneFrame::End { lane } if !books.end(lane) => return None,
            LaneFrame::End { lane } if self.client => {
                let why = "the server ended the exchange without an answer";
                return Some(Inbound::lost(lane, Loss::new(LossKind::Cut, why)));
            }
            LaneFrame::End { lane } => return Some(Inbound::ended(lane)),
        };
        let answered = match &message {
            Ok(message) => matches!(message, Message::Request(_)),
            Err(refusal) => refusal.is_answerable(),
        };
        let known = match self.client {
            true if lane.is_shared() => true,
            true if last => books.end(lane),
            true => books.open.contains_key(&lane),
            false if lane.is_shared() => false,
            false if answered => {
                !books.open.contains_key(&lane) && books.open.insert(lane, Waits::Answer).is_none()
            }
            false => true,
        };
        books.used |= known && !self.client;
        known.then(|| match message {
            Ok(message) => Inbound::message(message, lane).with_envelope(envelope),
            Err(refusal) => Inbound::refused(refusal, lane),
        })
    }

    /// Whether the only exchange of a server's link is over. Registers the waker if not.
    fn poll_over(&self, cx: &mut Context<'_>) -> bool {
        if !self.one_exchange || self.client {
            return false;
        }
        let mut books = self.books.lock();
        books.waker = Some(cx.waker().clone());
        books.used && books.open.is_empty()
    }
}

impl Books {
    /// Ends a lane; `false` if it was not open.
    fn end(&mut self, lane: Lane) -> bool {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        self.open.remove(&lane).is_some()
    }
}
