//! The transport contract: a few small traits and plain data.
//!
//! A transport frames and delivers messages, carries metadata, and signals cancellation and termination. It does not
//! retry, and knows neither sessions nor methods. The bundled transports use only this module, [`message`] and
//! [`codec`], so a third-party transport can do everything that they do.
//!
//! Few transports implement the traits themselves: [`framed`] and [`lanes`] have glue for frames, and the crate
//! `mcp-stdio` has it for byte streams. `docs/writing-a-transport.md` is a guide in seven steps.
//!
//! [`message`]: crate::message
//! [`codec`]: crate::codec
//!
//! # The promises
//!
//! The compliance kit, the crate `mcp-testkit`, checks each of them.
//!
//! 1. **Minting.** On a client link the session mints the lanes: a fresh one for every message, notifications
//!    and answers too. On a server link the transport mints them. A batch that a transport receives outside an
//!    exchange gets [`Lane::batch`], at either end. Byte streams use [`Lane::SHARED`] for everything else.
//! 2. **Correlation.** Delivery is by lane. A response on a lane other than [`Lane::SHARED`] settles that lane: an
//!    absent or null id is accepted, another id is a violation. A response on [`Lane::SHARED`], or one that a
//!    client sends, is matched by (link, direction, typed id). Inbound requests are keyed by (lane, id).
//! 3. **Life.** A lane ends by `last`, [`Outbound::End`], [`Inbound::Lost`] or [`Inbound::Ended`]. A lane that
//!    brought no request is released once `recv` has returned its message.
//! 4. **Form.** The first [`Outbound`] on a lane decides its form: `last` means one body, otherwise a stream. The
//!    answers to a batch are collected until `last`.
//! 5. **Errors that carry a message.** A JSON-RPC error for an exchange is a [`Message`], independent of its
//!    status in the carrier. A refusal by the carrier itself is [`Inbound::Lost`].
//! 6. **Sending.** [`TransportSender::send`] waits neither for an answer nor for capacity that only a later send,
//!    or a `recv` at this end, frees. A message without a route is rejected at once.
//! 7. **Order.** Messages keep their order within a lane; none is dropped silently, none is delivered twice. A
//!    binding that is `ordered` keeps the order across lanes. Any other reports [`Inbound::Delivered`] for messages
//!    that expect no answer.
//! 8. **Closing.** [`TransportSender::close`] is idempotent and bounded in time. The driver goes on receiving while
//!    it runs. Dropping a [`Connect::connect`] future leaks nothing.
//!
//! [`Message`]: crate::message::Message

mod binding;
pub mod budget;
mod chain;
mod connect;
mod envelope;
mod error;
mod evidence;
mod flow;
pub mod framed;
mod glue;
mod identity;
pub mod lanes;
mod loss;
pub mod memory;
mod peek;
pub mod trace;

pub use binding::{AbandonBy, Binding};
pub use chain::ErrorChain;
pub use connect::{Accept, Connect};
pub use envelope::{Envelope, Lane};
pub use error::{CloseReport, ConnectError, SendError, TransportError};
pub use evidence::PeerEvidence;
pub use flow::{AnsweredBy, EndReason, Inbound, Outbound, ServerStream};
pub use identity::{Identity, Owner};
pub use loss::{Loss, LossKind};
pub use peek::Peek;

/// The attribute for implementations of the contract's traits. Re-exported, so that a transport need not depend on the
/// crate.
pub use async_trait::async_trait;

/// One end of a live link to one peer.
///
/// It splits into two halves that are driven independently. With a single half, two peers that both write and do not read
/// would wait for each other forever.
pub trait Transport: Send + 'static {
    /// The properties of the binding. Constant over the life of the link.
    fn binding(&self) -> Binding;

    /// Splits the link into its two halves. Each half is owned and driven by one task at a time.
    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>);

    /// What the peer has shown beside its messages, for errors of time. A wrapper passes on that of the link inside.
    /// Default: nothing is known.
    fn evidence(&self) -> Option<PeerEvidence> {
        None
    }
}

/// The writing half of a link.
#[async_trait]
pub trait TransportSender: Send {
    /// Sends one message, or ends one lane (promises 3, 4, 6, 7).
    ///
    /// May buffer until [`flush`](TransportSender::flush). **Not cancel-safe**: a dropped future may have sent half a frame;
    /// after that, only [`close`](TransportSender::close) may be called.
    ///
    /// # Errors
    ///
    /// [`SendError::Rejected`] concerns only this lane; [`SendError::Fatal`] ends the link.
    async fn send(&mut self, out: Outbound) -> Result<(), SendError>;

    /// Passes everything that was sent to the carrier. The driver sends all queued messages, then flushes once.
    ///
    /// **Not cancel-safe**, like [`send`](TransportSender::send).
    ///
    /// # Errors
    ///
    /// An error ends the link and keeps its cause. Errors of a single message are reported by `send`.
    async fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Ends the link and reports how it ended (promise 8). Idempotent: a second call reports the same.
    ///
    /// **Cancel-safe**: after a dropped future, a second call continues.
    ///
    /// # Errors
    ///
    /// The link could not be ended regularly. An error keeps its cause.
    async fn close(&mut self) -> Result<CloseReport, TransportError>;
}

/// The reading half of a link.
#[async_trait]
pub trait TransportReceiver: Send {
    /// The next event. `Ok(None)` is a clean end; all later calls return it too.
    ///
    /// **Cancel-safe**: dropping the future loses nothing, not even half a frame. The driver drops it whenever something
    /// else is ready first.
    ///
    /// # Errors
    ///
    /// An error ends the link and keeps its cause.
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError>;
}
