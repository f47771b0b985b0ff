//! The client's side of a session: era detection, calls, input, subscriptions.

mod config;
mod event;

use std::time::Instant;

pub use config::{CallOptions, ClientConfig, EraMode, PingPolicy, Reconnect, Verdict};
pub use event::{ClientEvent, Negotiated};

use crate::error::CloseReason;
use crate::message::{ErrorObject, Method, RawJson};
use crate::session::{CallId, InputId, ListenId, Output, SubscriptionFilter};
use crate::transport::{Binding, Closed, ConnectError, Inbound, TransportError};

/// The client's side of a session, over any number of links, one at a time.
#[derive(Debug)]
pub struct ClientSession {}

#[allow(unused_variables, clippy::todo)]
impl ClientSession {
    /// A session without a link. Its first output is `Redial`.
    pub fn new(config: ClientConfig, now: Instant) -> ClientSession {
        todo!()
    }

    /// A link is there.
    pub fn handle_connected(&mut self, now: Instant, binding: Binding) {
        todo!()
    }

    /// There is no link.
    pub fn handle_connect_failed(&mut self, now: Instant, error: ConnectError) {
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

    /// The link has ended: `error` if not cleanly, `closed` with what is known.
    pub fn handle_closed(&mut self, now: Instant, error: Option<TransportError>, closed: Closed) {
        todo!()
    }

    /// Makes a call. Its outcome is `ClientEvent::CallDone`. `issued` is when the application asked: the
    /// deadlines run from there, so they cover the queue before the session.
    pub fn call(
        &mut self,
        now: Instant,
        issued: Instant,
        method: Method,
        params: Option<RawJson>,
        options: CallOptions,
    ) -> CallId {
        todo!()
    }

    /// Sends a notification.
    pub fn notify(&mut self, now: Instant, method: Method, params: Option<RawJson>) {
        todo!()
    }

    /// Subscribes, in either era.
    pub fn listen(&mut self, now: Instant, filter: SubscriptionFilter) -> ListenId {
        todo!()
    }

    /// Ends a subscription.
    pub fn unlisten(&mut self, now: Instant, listen: ListenId) {
        todo!()
    }

    /// Cancels a call. Ignored if it is done.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        todo!()
    }

    /// Answers a question of the server.
    pub fn answer_input(&mut self, now: Instant, input: InputId, answer: Result<RawJson, ErrorObject>) {
        todo!()
    }

    /// Ends the session.
    pub fn close(&mut self, now: Instant) {
        todo!()
    }

    /// What was agreed on, while a link is open.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        todo!()
    }

    /// Why the session ended, once it has.
    pub fn closed(&self) -> Option<&CloseReason> {
        todo!()
    }

    /// What to do next. See the single-mutation rule of [`crate::session`].
    pub fn poll_output(&mut self) -> Output<ClientEvent> {
        todo!()
    }
}
