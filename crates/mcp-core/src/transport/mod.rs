//! The transport contract: what a binding owes the session, as one small trait and plain data.
//!
//! A transport frames and delivers messages, carries metadata, and signals cancellation and termination.
//! It retries nothing, knows no session ids and interprets no method. Everything that the bundled
//! transports can do, a third party's can: they use nothing else.
//!
//! # The promises
//!
//! The compliance kit (the crate `mcp-testkit`) has one function for each.
//!
//! 1. **Minting.** On a client link the session mints the lanes: a fresh one for every message, notifications
//!    and answers too. On a server link the transport mints them. A batch that a transport receives outside an
//!    exchange gets [`Lane::batch`], at either end. Byte streams use [`Lane::SHARED`] for everything else.
//! 2. **Correlation.** Delivery is by lane. A response on a lane of its own settles that lane: an absent
//!    or null id is accepted, another id is a violation. One on [`Lane::SHARED`], or sent back by a
//!    client, is matched by (link, direction, typed id). Inbound requests are keyed by (lane, id).
//! 3. **Life.** A lane ends by `last`, [`Outbound::End`], [`Inbound::Lost`] or [`Inbound::Ended`]. A lane
//!    that brought no request is released once `recv` has handed its message over.
//! 4. **Form.** The first [`Outbound`] on a lane decides: `last` means one body, otherwise a stream. The
//!    answers to a batch are collected until `last`.
//! 5. **Errors that carry a message.** A JSON-RPC error for an exchange is a [`Message`], whatever status
//!    it came with. Where the carrier itself refused, it is [`Inbound::Lost`].
//! 6. **Sending.** [`TransportSender::send`] waits neither for an answer nor for capacity that only a
//!    later send, or a `recv` at this end, frees. A message that has nowhere to go is rejected at once.
//! 7. **Order.** In order within a lane; nothing dropped silently, nothing twice. A binding that is
//!    `ordered` keeps the order of all lanes; any other says [`Inbound::Delivered`] for messages that
//!    expect no answer.
//! 8. **Closing.** [`TransportSender::close`] is idempotent and bounded in time. While it runs, the driver
//!    goes on receiving. Dropping a [`Connect::connect`] future leaks nothing.
//!
//! [`Message`]: crate::message::Message

mod binding;
pub mod budget;
mod chain;
mod connect;
mod envelope;
mod error;
mod flow;
pub mod framed;
mod glue;
mod identity;
pub mod lanes;
mod loss;
pub mod memory;
pub mod trace;

pub use binding::{AbandonBy, Binding};
pub use chain::ErrorChain;
pub use connect::{Accept, Connect};
pub use envelope::{Envelope, Lane};
pub use error::{CloseReport, ConnectError, SendError, TransportError};
pub use flow::{AnsweredBy, EndReason, Inbound, Outbound};
pub use identity::{Identity, Owner};
pub use loss::{Loss, LossKind};

/// The attribute that the contract's traits are implemented with. Here, so that a transport needs no
/// dependency of its own for it.
pub use async_trait::async_trait;

/// One live link to one peer.
///
/// It is split into two halves, because a peer that only reads and a peer that only writes would wait
/// for each other for ever.
pub trait Transport: Send + 'static {
    /// What kind of binding this is. Constant over the life of the link.
    fn binding(&self) -> Binding;

    /// The two halves. Each is owned and driven by one task at a time.
    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>);
}

/// The half that writes.
#[async_trait]
pub trait TransportSender: Send {
    /// Sends one message, or ends one lane (promises 3, 4, 6, 7).
    ///
    /// May buffer until [`flush`](TransportSender::flush). **Not cancel-safe**: a dropped future may have
    /// torn the frame, and then only [`close`](TransportSender::close) is left.
    ///
    /// # Errors
    ///
    /// [`SendError::Rejected`] concerns this lane alone; [`SendError::Fatal`] ends the link.
    async fn send(&mut self, out: Outbound) -> Result<(), SendError>;

    /// Passes everything that was sent to the carrier. The driver sends all queued messages, then flushes once.
    ///
    /// **Not cancel-safe**, like [`send`](TransportSender::send).
    ///
    /// # Errors
    ///
    /// An error ends the link and keeps its cause. What concerns one message alone, `send` reports.
    async fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Ends the link and reports how it ended (promise 8). Idempotent: a second call reports the same.
    ///
    /// **Cancel-safe**: a dropped future has changed nothing that a second call would not do.
    async fn close(&mut self) -> Result<CloseReport, TransportError>;
}

/// The half that reads.
#[async_trait]
pub trait TransportReceiver: Send {
    /// The next thing that happened. `Ok(None)` is a clean end, and stays the answer from then on.
    ///
    /// **Cancel-safe**: dropping the future loses nothing, not even half a frame. The driver drops it
    /// whenever something else is ready first.
    ///
    /// # Errors
    ///
    /// An error ends the link and keeps its cause.
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError>;
}
