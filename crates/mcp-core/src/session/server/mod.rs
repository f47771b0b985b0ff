//! The server's side of a session: both eras on one link, chosen per message.

mod config;
mod event;

use std::sync::Arc;
use std::time::Instant;

pub use config::ServerConfig;
pub use event::{Incoming, Reply, RequestContext, ServerEvent};

use crate::error::{CloseReason, Error};
use crate::message::{Method, RawJson};
use crate::session::{Change, ExchangeId, LogLevel, OutgoingId, Output};
use crate::transport::{Binding, Inbound};

/// The server's side of one link.
#[derive(Debug)]
pub struct ServerSession {}

#[allow(unused_variables, clippy::todo)]
impl ServerSession {
    /// A session on a fresh link.
    pub fn new(config: Arc<ServerConfig>, binding: Binding, now: Instant) -> ServerSession {
        todo!()
    }

    /// Something came in. A `SendError::Rejected` comes here too, as `Inbound::Lost` on its lane.
    pub fn handle_inbound(&mut self, now: Instant, inbound: Inbound) {
        todo!()
    }

    /// The instant of `Output::Wait` has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }

    /// Nothing more will come in. What was accepted is still answered: read-closed is not write-closed.
    /// When the last reply is out, `Output::Close` follows.
    pub fn handle_read_closed(&mut self, now: Instant) {
        todo!()
    }

    /// The link is gone: every exchange is cancelled, and nothing goes out any more.
    pub fn handle_closed(&mut self, now: Instant) {
        todo!()
    }

    /// The outcome of an exchange. Ignored if it had one.
    pub fn reply(&mut self, now: Instant, exchange: ExchangeId, reply: Reply) {
        todo!()
    }

    /// Progress of an exchange. Dropped if the client asked for none, if it does not increase, or after
    /// the outcome (ledger PROG-B-002, PROG-B-003).
    pub fn progress(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        progress: f64,
        total: Option<f64>,
        message: Option<&str>,
    ) {
        todo!()
    }

    /// A log message of an exchange: `notifications/message`. Dropped below the level the client asked
    /// for (ledger META-S-017).
    pub fn log(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        level: LogLevel,
        logger: Option<&str>,
        data: RawJson,
    ) {
        todo!()
    }

    /// Any other notification that belongs to an exchange.
    pub fn notify(&mut self, now: Instant, exchange: ExchangeId, method: Method, params: Option<RawJson>) {
        todo!()
    }

    /// Something changed: goes to every subscription that asked for it, and to a legacy client.
    pub fn publish(&mut self, now: Instant, change: &Change) {
        todo!()
    }

    /// A request to a legacy client. An error before the wire where the client cannot or may not be asked.
    pub fn request(
        &mut self,
        now: Instant,
        method: Method,
        params: Option<RawJson>,
    ) -> Result<OutgoingId, Error> {
        todo!()
    }

    /// Gives up a request to a legacy client.
    pub fn cancel_request(&mut self, now: Instant, outgoing: OutgoingId) {
        todo!()
    }

    /// Ends subscriptions in order, refuses new requests, and tells when everything accepted is done.
    pub fn drain(&mut self, now: Instant) {
        todo!()
    }

    /// Ends the session: what is not done gets no outcome.
    pub fn close(&mut self, now: Instant, reason: CloseReason) {
        todo!()
    }

    /// What to do next. See the single-mutation rule of [`crate::session`].
    pub fn poll_output(&mut self) -> Output<ServerEvent> {
        todo!()
    }
}
