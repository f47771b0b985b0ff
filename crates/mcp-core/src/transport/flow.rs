//! What crosses the contract: [`Outbound`] towards the peer, [`Inbound`] from it.

use crate::message::{Message, Refusal};

use super::{Envelope, Lane, Loss};

/// What a session gives a transport to send.
///
/// A variant that a later release adds is sent only to transports whose [`Binding`](super::Binding) asks for it,
/// so a `match` may end in `_ => Ok(())`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outbound {
    /// A message on a lane. Created by [`Outbound::message`].
    #[non_exhaustive]
    Message {
        /// The message.
        message: Message,
        /// The lane to send it on. On a client link, a fresh lane for each message.
        lane: Lane,
        /// Nothing more will be sent on this lane (promises 3 and 4). Without meaning on [`Lane::SHARED`].
        last: bool,
        /// Who made an error response. HTTP derives the status from it; streams ignore it.
        answered_by: AnsweredBy,
        /// What travels beside the message.
        envelope: Envelope,
    },
    /// Ends a lane. Created by [`Outbound::end`]. On a client link the request is abandoned; on a server link the
    /// exchange gets no further answer.
    #[non_exhaustive]
    End {
        /// The lane that ends.
        lane: Lane,
        /// Why it ends.
        reason: EndReason,
    },
}

impl Outbound {
    /// A message on this lane: not the last one, answered by the handler, with an empty envelope.
    ///
    /// ```
    /// use mcp_core::message::Request;
    /// use mcp_core::transport::{Lane, Outbound};
    ///
    /// let out = Outbound::message(Request::new(1, "ping", None), Lane::numbered(1)).last(true);
    /// assert_eq!(out.lane(), Lane::numbered(1));
    /// ```
    #[inline]
    pub fn message(message: impl Into<Message>, lane: Lane) -> Outbound {
        Outbound::Message {
            message: message.into(),
            lane,
            last: false,
            answered_by: AnsweredBy::Handler,
            envelope: Envelope::default(),
        }
    }

    /// The end of this lane.
    #[inline]
    pub fn end(lane: Lane, reason: EndReason) -> Outbound {
        Outbound::End { lane, reason }
    }

    /// Sets whether the message is the last one on its lane. Changes nothing on an end.
    #[inline]
    #[must_use]
    pub fn last(mut self, is_last: bool) -> Outbound {
        if let Outbound::Message { last, .. } = &mut self {
            *last = is_last;
        }
        self
    }

    /// Sets who made the response. Changes nothing on an end.
    #[inline]
    #[must_use]
    pub fn answered_by(mut self, by: AnsweredBy) -> Outbound {
        if let Outbound::Message { answered_by, .. } = &mut self {
            *answered_by = by;
        }
        self
    }

    /// Sets what travels beside the message. Changes nothing on an end.
    #[inline]
    #[must_use]
    pub fn with_envelope(mut self, new: Envelope) -> Outbound {
        if let Outbound::Message { envelope, .. } = &mut self {
            *envelope = new;
        }
        self
    }

    /// The lane that it concerns.
    #[inline]
    pub fn lane(&self) -> Lane {
        match self {
            Outbound::Message { lane, .. } | Outbound::End { lane, .. } => *lane,
        }
    }
}

/// Who made a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AnsweredBy {
    /// The server's handler, or a client.
    #[default]
    Handler,
    // Ledger T-04: a 400 for what the session refused, a 200 for what a handler said.
    /// The server's session, before any handler saw the request.
    Protocol,
    /// The session, which takes no further request now: a limit is reached, or it drains. The request was not executed.
    Busy,
}

/// Why a lane ends without a (further) message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    // Ledger T-18.
    /// The client cancelled the request.
    Cancelled,
    /// The request timed out.
    TimedOut,
    /// The session closes.
    Closing,
    /// The batch or the exchange contained nothing that is answered.
    NoAnswer,
}

/// What a transport gives a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Inbound {
    /// A message. Created by [`Inbound::message`].
    #[non_exhaustive]
    Message {
        /// The message.
        message: Message,
        /// The lane that it came on.
        lane: Lane,
        /// What the transport knows about it.
        envelope: Envelope,
    },
    /// Several messages in one array. The session decides whether the era allows it. Created by [`Inbound::batch`].
    #[non_exhaustive]
    Batch {
        /// Each element: a message, or why it is not one.
        items: Vec<Result<Message, Refusal>>,
        /// Never [`Lane::SHARED`]: the answers are collected on it until `last`.
        lane: Lane,
        /// What the transport knows about it.
        envelope: Envelope,
    },
    /// Input that is not a legal message. The session decides whether to answer it. Created by [`Inbound::refused`].
    #[non_exhaustive]
    Refused {
        /// The lane that it came on.
        lane: Lane,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// The peer took a message that expects no answer. Ordered bindings never report it. Created by
    /// [`Inbound::delivered`].
    #[non_exhaustive]
    Delivered {
        /// The lane that the message was sent on.
        lane: Lane,
    },
    /// No answer will come on this lane. Created by [`Inbound::lost`].
    #[non_exhaustive]
    Lost {
        /// The lane.
        lane: Lane,
        /// Why.
        loss: Loss,
    },
    /// The peer abandoned this exchange. Created by [`Inbound::ended`].
    #[non_exhaustive]
    Ended {
        /// The lane.
        lane: Lane,
    },
    /// Whether messages of a legacy server can come outside exchanges. Sent by a client's end whose
    /// [`Binding::server_stream`](super::Binding::server_stream) is set. Made by [`Inbound::server_stream`].
    #[non_exhaustive]
    ServerStream {
        /// What has become of the stream.
        state: ServerStream,
    },
}

/// The stream on which a legacy server's messages come that belong to no exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerStream {
    /// It is open.
    Open {
        /// It was open before, and messages may have been missed since.
        gap: bool,
    },
    /// The server has none, or it is given up: nothing comes outside exchanges.
    Unavailable,
}

impl Inbound {
    /// A message that came on this lane, with an empty envelope.
    #[inline]
    pub fn message(message: impl Into<Message>, lane: Lane) -> Inbound {
        Inbound::Message { message: message.into(), lane, envelope: Envelope::default() }
    }

    /// An array of messages that came on this lane, with an empty envelope. The lane is not [`Lane::SHARED`].
    #[inline]
    pub fn batch(items: Vec<Result<Message, Refusal>>, lane: Lane) -> Inbound {
        Inbound::Batch { items, lane, envelope: Envelope::default() }
    }

    /// Input on this lane that is not a legal message.
    #[inline]
    pub fn refused(refusal: Refusal, lane: Lane) -> Inbound {
        Inbound::Refused { lane, refusal }
    }

    /// The peer took the message that was sent on this lane.
    #[inline]
    pub fn delivered(lane: Lane) -> Inbound {
        Inbound::Delivered { lane }
    }

    /// No answer will come on this lane.
    #[inline]
    pub fn lost(lane: Lane, loss: Loss) -> Inbound {
        Inbound::Lost { lane, loss }
    }

    /// The peer gave up the exchange on this lane.
    #[inline]
    pub fn ended(lane: Lane) -> Inbound {
        Inbound::Ended { lane }
    }

    /// Whether a legacy server's own messages can come.
    #[inline]
    pub fn server_stream(state: ServerStream) -> Inbound {
        Inbound::ServerStream { state }
    }

    /// Sets what the transport knows about a message or a batch. Changes nothing on the other variants.
    #[inline]
    #[must_use]
    pub fn with_envelope(mut self, new: Envelope) -> Inbound {
        if let Inbound::Message { envelope, .. } | Inbound::Batch { envelope, .. } = &mut self {
            *envelope = new;
        }
        self
    }

    /// The lane that it concerns.
    #[inline]
    pub fn lane(&self) -> Lane {
        match self {
            Inbound::Message { lane, .. }
            | Inbound::Batch { lane, .. }
            | Inbound::Refused { lane, .. }
            | Inbound::Delivered { lane }
            | Inbound::Lost { lane, .. }
            | Inbound::Ended { lane } => *lane,
            Inbound::ServerStream { .. } => Lane::SHARED,
        }
    }
}
