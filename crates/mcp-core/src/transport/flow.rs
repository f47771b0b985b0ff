//! What crosses the contract: outbound to the transport, inbound from it.

use crate::message::{Message, Refusal};

use super::{Envelope, Lane, Loss};

/// What a session gives a transport.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// A message on a lane.
    Message {
        /// The message.
        message: Message,
        /// Where it goes. On a client link a fresh lane each time.
        lane: Lane,
        /// Nothing more will be sent on this lane (promises 3 and 4). Ignored on [`Lane::SHARED`].
        last: bool,
        /// Who made an error reply: HTTP takes the status from it, streams ignore it.
        answered_by: AnsweredBy,
        /// What travels beside it.
        envelope: Envelope,
    },
    /// A lane ends here. Client: the request is abandoned. Server: this exchange gets no further answer.
    End {
        /// The lane that ends.
        lane: Lane,
        /// Why.
        why: EndReason,
    },
}

/// Who made a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AnsweredBy {
    /// The handler, or a client.
    #[default]
    Handler,
    /// The session, before any handler saw the request (ledger T-04).
    Protocol,
    /// The session, which takes no further request now: a limit is reached, or it drains. The request was not executed.
    Busy,
}

/// Why a lane ends without a (further) message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The client cancelled the request (ledger T-18).
    Cancelled,
    /// The request ran out of time.
    TimedOut,
    /// The session closes.
    Closing,
    /// The batch or the exchange held nothing that is answered.
    NoAnswer,
}

/// What a transport gives a session.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// A message.
    Message {
        /// The message.
        message: Message,
        /// Where it came from.
        lane: Lane,
        /// What the transport knows about it.
        envelope: Envelope,
    },
    /// Several messages in one array. The session judges whether that is legal here.
    Batch {
        /// Each message, or why it is none.
        items: Vec<Result<Message, Refusal>>,
        /// Never [`Lane::SHARED`]: the answers are collected on it until `last`.
        lane: Lane,
        /// What the transport knows about it.
        envelope: Envelope,
    },
    /// Input that is no legal message. The session decides whether it is answered.
    Refused {
        /// Where it came from.
        lane: Lane,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// The peer took a message that expects no answer. Ordered bindings never say so.
    Delivered {
        /// The lane that the message went out on.
        lane: Lane,
    },
    /// No answer will come on this lane.
    Lost {
        /// The lane.
        lane: Lane,
        /// Why.
        loss: Loss,
    },
    /// The peer hung up on this exchange.
    Ended {
        /// The lane.
        lane: Lane,
    },
}
