//! Glue and books for carriers whose frames name a lane: publish/subscribe, datagrams, multiplexed connections.
//!
//! Whoever carries the number of a lane beside each message, by a [`Sink`](futures::Sink) and a
//! [`Stream`](futures::Stream) of [`LaneFrame`]s, becomes a transport by [`Laned`] without another line. Lanes may
//! overtake each other; frames of one lane may not. Requests are given up by a frame that ends their lane, where
//! nothing overtakes it. Whoever implements the trait itself asks [`Lanes`] what a frame means.
//!
//! ```
//! use futures::{StreamExt, channel::mpsc};
//! use mcp_core::message::Message;
//! use mcp_core::transport::Transport;
//! use mcp_core::transport::lanes::{LaneFrame, Laned};
//!
//! // Two channels stand for a carrier. Something on the way has to say that a message was taken.
//! let (up, requests) = mpsc::channel::<LaneFrame<Message>>(8);
//! let (down, replies) = mpsc::channel::<LaneFrame<Message>>(8);
//! let client = Laned::client("topics", up, replies.map(Ok::<_, std::io::Error>));
//! let server = Laned::server("topics", down, requests.map(Ok::<_, std::io::Error>));
//! assert!(!client.binding().ordered && !server.binding().ordered);
//! ```

mod glue;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::{Decoded, Message, Refusal, Shape};

pub use glue::Laned;

use super::{Envelope, Inbound, Lane, Loss, LossKind, Outbound, SendError};

/// What travels. Both ends use the lanes of the client's session.
#[derive(Clone, Debug)]
pub enum LaneFrame<M> {
    /// A message, as the carrier holds it.
    Message {
        /// Its lane, which may be [`Lane::SHARED`] on the way to the client.
        lane: Lane,
        /// The message.
        message: M,
        /// The lane is over with it. From a client it says nothing: requests wait for their answer.
        last: bool,
    },
    /// The exchange is over, without a (further) answer.
    End {
        /// Its lane.
        lane: Lane,
    },
    /// The peer has handed a message that expects no answer to its session, or will do so before anything that
    /// is sent from now on.
    Taken {
        /// Its lane.
        lane: Lane,
    },
    /// The last frame of this end. A carrier whose own end is told to the peer needs not send it; one that
    /// lets lanes overtake each other hands it over when nothing is under way any more.
    Close,
}

impl<M> LaneFrame<M> {
    /// The frame with its message encoded or decoded.
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

    /// The lane it is about; the shared one for the last frame.
    pub fn lane(&self) -> Lane {
        match self {
            LaneFrame::Message { lane, .. } | LaneFrame::End { lane } | LaneFrame::Taken { lane } => *lane,
            LaneFrame::Close => Lane::SHARED,
        }
    }
}

/// The one message in a text that was decoded. A batch is refused: its answers would share one lane.
pub fn single(decoded: Decoded) -> Result<Message, Refusal> {
    match decoded {
        Decoded::One(message) => message,
        Decoded::Batch(_) => {
            Err(Refusal::invalid(None, Shape::Unknown, format_args!("this carrier takes no batches")))
        }
    }
}

/// The open lanes of one end, shared by its two halves. A peer that sends a request on a lane that is open is not
/// heard.
///
/// ```
/// use mcp_core::message::Request;
/// use mcp_core::transport::lanes::{LaneFrame, Lanes};
/// use mcp_core::transport::{Envelope, Inbound, Lane, AnsweredBy, Outbound};
///
/// let (client, server) = (Lanes::client(), Lanes::server());
/// let (message, lane, envelope) = (Request::new(1, "ping", None), Lane::numbered(7), Envelope::default());
/// let out = Outbound::message(message, lane).last(true).with_envelope(envelope);
/// // The carrier gets a frame, and brings it to the other end.
/// let frame = client.outbound(out).unwrap().unwrap();
/// let seen = server.inbound(frame.map(|message| Ok(message)), Envelope::default());
/// assert!(matches!(seen, Some(Inbound::Message { lane, .. }) if lane.number() == 7));
/// // The client gives up.
/// let seen = server.inbound(LaneFrame::End { lane }, Envelope::default());
/// assert!(matches!(seen, Some(Inbound::Ended { .. })));
/// ```
#[derive(Debug)]
pub struct Lanes {
    client: bool,
    open: Mutex<HashMap<Lane, Waits>>,
}

/// What an open lane waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waits {
    Answer,
    Taken,
}

impl Lanes {
    /// The books of a client's end.
    pub fn client() -> Arc<Lanes> {
        Arc::new(Lanes { client: true, open: Mutex::default() })
    }

    /// The books of a server's end.
    pub fn server() -> Arc<Lanes> {
        Arc::new(Lanes { client: false, open: Mutex::default() })
    }

    /// A panic while the lock is held leaves plain data behind, so the lock stays usable.
    fn open(&self) -> MutexGuard<'_, HashMap<Lane, Waits>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be sent; nothing for the end of a lane that is over already.
    ///
    /// # Errors
    ///
    /// [`SendError::Rejected`] with [`LossKind::NoRoute`] if the lane is over, or leads nowhere.
    pub fn outbound(&self, out: Outbound) -> Result<Option<LaneFrame<Message>>, SendError> {
        let mut open = self.open();
        let (message, lane, last) = match out {
            Outbound::Message { message, lane, last, .. } => (message, lane, last),
            Outbound::End { lane, .. } => return Ok(open.remove(&lane).map(|_| LaneFrame::End { lane })),
        };
        let asks = matches!(message, Message::Request(_));
        let routed = match self.client {
            // Noted before it is sent: the answer may be there first.
            true if !lane.is_shared() => {
                open.insert(lane, if asks { Waits::Answer } else { Waits::Taken });
                true
            }
            true => false,
            false if last && !lane.is_shared() => open.remove(&lane).is_some(),
            false => lane.is_shared() || open.contains_key(&lane),
        };
        if !routed {
            let loss = Loss::new(LossKind::NoRoute, "there is no such exchange, or it is over");
            return Err(SendError::Rejected(loss));
        }
        Ok(Some(LaneFrame::Message { lane, message, last: last && !self.client && !lane.is_shared() }))
    }

    /// What a frame is to the session; nothing if its lane is over, or if it makes no sense here.
    pub fn inbound(&self, frame: LaneFrame<Result<Message, Refusal>>, envelope: Envelope) -> Option<Inbound> {
        let mut open = self.open();
        let (lane, message, last) = match frame {
            LaneFrame::Message { lane, message, last } => (lane, message, last),
            LaneFrame::Close => return None,
            LaneFrame::Taken { lane } => {
                let waits = open.get(&lane) == Some(&Waits::Taken);
                return (waits && open.remove(&lane).is_some()).then_some(Inbound::delivered(lane));
            }
            LaneFrame::End { lane } => {
                open.remove(&lane)?;
                let loss = || Loss::new(LossKind::Cut, "the server ended the exchange without an answer");
                let lost = self.client.then(|| Inbound::lost(lane, loss()));
                return Some(lost.unwrap_or(Inbound::ended(lane)));
            }
        };
        let answered = match &message {
            Ok(message) => matches!(message, Message::Request(_)),
            Err(refusal) => refusal.is_answerable(),
        };
        let heard = match self.client {
            true if lane.is_shared() => true,
            true if last => open.remove(&lane).is_some(),
            true => open.contains_key(&lane),
            false if lane.is_shared() => false,
            false if answered => !open.contains_key(&lane) && open.insert(lane, Waits::Answer).is_none(),
            false => true,
        };
        heard.then(|| match message {
            Ok(message) => Inbound::message(message, lane).with_envelope(envelope),
            Err(refusal) => Inbound::refused(refusal, lane),
        })
    }
}
