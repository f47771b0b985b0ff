//! The request that a handler serves, and what it can do while it serves it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::message::{ErrorObject, Method, Payload, ProtocolVersion, RawJson, RequestId};
use crate::model::misfit;
use crate::runtime::signal::Signal;
use crate::session::server::{Incoming, RequestContext};
use crate::session::{Change, ExchangeId, LogLevel};
use crate::transport::{Envelope, Identity, Owner};

use crate::server::driver::command::{Command, ExchangeNotification};
use crate::server::driver::server::ServerShared;
use crate::server::driver::shared::LinkShared;

/// The request that a handler serves, and what the handler can do while it serves it: report progress, log,
/// ask the client, notice cancellation.
///
/// Cheap to clone. A clone may outlive the request: its notifications are then dropped, but it keeps the
/// buffer that the request came in.
#[derive(Clone)]
pub struct Context {
    exchange: Arc<Exchange>,
}

/// What the driver and the handler of one request share.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Arc<Incoming>,
    pub(crate) cancelled: Signal,
    pub(crate) link: Arc<LinkShared>,
    /// Weak, because a handler that keeps a context would otherwise keep itself alive.
    pub(crate) server: Weak<ServerShared>,
    /// How many questions this run of the handler has asked.
    pub(crate) questions: AtomicU32,
    /// Whether one of them had no answer yet, so that the handler has to return its error.
    pub(crate) unanswered: AtomicBool,
}

impl Exchange {
    /// The session's identifier for it.
    pub(crate) fn id(&self) -> ExchangeId {
        self.request.exchange
    }
}

impl Context {
    pub(crate) fn new(exchange: Arc<Exchange>) -> Context {
        Context { exchange }
    }

    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.exchange.request.method
    }

    /// The params of the request as they came, `_meta` included.
    pub fn params(&self) -> Option<&RawJson> {
        self.payload().map(Payload::raw)
    }

    /// The same, with the positions of the members that the protocol reads: what is looked up or passed on is not
    /// searched again.
    pub fn payload(&self) -> Option<&Payload> {
        self.exchange.request.params.as_ref()
    }

    /// Reports progress to the client. `progress` must increase: a value that does not is dropped. All values are
    /// dropped if the client did not request progress.
    ///
    /// Waits while too many notifications of the link are unwritten. Cancel-safe: if the future is dropped
    /// before it completes, nothing is sent.
    // PROG-B-002.
    pub async fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        if self.request_context().progress_token.is_some() {
            self.send_notification(ExchangeNotification::Progress {
                progress,
                total,
                message: message.map(str::to_owned),
            })
            .await;
        }
    }

    /// Sends a log message, if the client wants this level and the server declares that it logs: see
    /// [`Router::logging`](crate::server::Router::logging). A missing declaration is reported as a warning. Waits like
    /// [`Context::progress`].
    // META-S-017.
    pub async fn log(&self, level: LogLevel, logger: Option<&str>, data: RawJson) {
        if let Some(server) = self.exchange.server.upgrade()
            && server.config.capabilities.member("logging").is_none()
        {
            tracing::warn!(
                "a handler logs, but the capability `logging` is not declared: clients may receive nothing"
            );
        }
        self.send_notification(ExchangeNotification::Log { level, logger: logger.map(str::to_owned), data })
            .await;
    }

    /// Sends any other notification that belongs to the request. Waits like [`Context::progress`].
    pub async fn notify(&self, method: impl Into<Method>, params: Option<RawJson>) {
        self.send_notification(ExchangeNotification::Other { method: method.into(), params }).await;
    }

    async fn send_notification(&self, notification: ExchangeNotification) {
        let slot = self.exchange.link.notification_slot(notification.len()).await;
        self.exchange.link.command(Command::Notify { exchange: self.exchange.id(), notification, slot });
    }

    /// Sends a request to a legacy client: `sampling/createMessage`, `elicitation/create`, `roots/list` or
    /// `ping`. It travels with the request that is served. Prefer [`Reply::InputRequired`](crate::server::Reply::InputRequired), which works in both
    /// eras. Dropping the future cancels the request.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`], without sending anything, if the client does not accept such requests: all clients
    /// of 2026-07-28. Otherwise the errors of a call.
    pub async fn request(
        &self,
        method: impl Into<Method>,
        params: Option<RawJson>,
    ) -> Result<Payload, Error> {
        self.exchange.link.request(Some(self.exchange.id()), method.into(), params).await
    }

    /// Waits until the client has cancelled the request or is gone. Cancel-safe.
    pub async fn cancelled(&self) {
        self.exchange.cancelled.wait().await;
    }

    /// Whether the client has cancelled the request or is gone.
    pub fn is_cancelled(&self) -> bool {
        self.exchange.cancelled.is_raised()
    }

    /// Waits until the server starts to shut down: see [`Server::drain`](crate::server::Server::drain).
    /// Finish soon. Cancel-safe.
    pub async fn stopping(&self) {
        self.exchange.link.stopping.wait().await;
    }

    /// Whether the server is shutting down.
    pub fn is_stopping(&self) -> bool {
        self.exchange.link.stopping.is_raised()
    }

    /// Announces a change to every subscriber on every link, as
    /// [`Server::publish`](crate::server::Server::publish) does. Returns at once.
    pub fn publish(&self, change: Change) {
        if let Some(server) = self.exchange.server.upgrade() {
            super::warn_undeclared(&server.config.capabilities, &change);
            server.publish(change, None);
        }
    }

    /// Announces a change to the subscribers of this owner only, as
    /// [`Server::publish_to`](crate::server::Server::publish_to) does. The owner of the caller is
    /// [`Context::owner`]. Returns at once.
    pub fn publish_to(&self, audience: &Owner, change: Change) {
        if let Some(server) = self.exchange.server.upgrade() {
            super::warn_undeclared(&server.config.capabilities, &change);
            server.publish(change, Some(audience.clone()));
        }
    }

    /// The number of this question among those of this run of the handler.
    pub(super) fn next_question(&self) -> u32 {
        self.exchange.questions.fetch_add(1, Ordering::Relaxed)
    }

    /// A question without an answer was raised.
    pub(super) fn note_unanswered(&self) {
        self.exchange.unanswered.store(true, Ordering::Relaxed);
    }

    fn request_context(&self) -> &RequestContext {
        &self.exchange.request.context
    }

    /// The request's id on the wire. For logs only: clients may use the same id again.
    pub fn request_id(&self) -> &RequestId {
        &self.request_context().request_id
    }

    /// The protocol revision of the request.
    pub fn version(&self) -> ProtocolVersion {
        self.request_context().version
    }

    /// What the transport knows about the request: HTTP parts, a verified identity.
    pub fn envelope(&self) -> &Envelope {
        &self.request_context().envelope
    }

    /// The verified caller: set by an HTTP server's authentication or a middleware before it, by the credentials of a
    /// Unix socket's peer, or by another transport. `None` if the transport does not verify its peers. State that is
    /// kept for the caller belongs to [`Identity::owner`], not to the whole identity.
    ///
    /// ```
    /// # use mcp_core::{message::ErrorObject, server::Context};
    /// fn may_write(context: &Context) -> Result<(), ErrorObject> {
    ///     match context.identity() {
    ///         Some(caller) if caller.has_scope("write") => Ok(()),
    ///         _ => Err(ErrorObject::invalid_params("this needs the scope `write`")),
    ///     }
    /// }
    /// ```
    pub fn identity(&self) -> Option<&Identity> {
        self.envelope().get()
    }

    /// The owner of what this caller makes: [`Identity::owner`] of [`Context::identity`], or [`Owner::anonymous`], which all
    /// callers without an identity share. The key for private data, and the audience of its changes:
    ///
    /// ```
    /// # use mcp_core::{server::Context, session::Change};
    /// fn changed(context: &Context, uri: String) {
    ///     context.publish_to(&context.owner(), Change::Resource { uri });
    /// }
    /// ```
    pub fn owner(&self) -> Owner {
        Owner::of_envelope(self.envelope())
    }

    /// Who the client says it is. Untrusted.
    // META-B-010.
    pub fn client_info(&self) -> Option<&RawJson> {
        self.request_context().client_info.as_ref()
    }

    /// The client's capabilities: an object.
    pub fn client_capabilities(&self) -> &RawJson {
        &self.request_context().client_capabilities
    }

    /// The least severe level of log messages that the client wants. `None` if it wants none.
    pub fn log_level(&self) -> Option<LogLevel> {
        self.request_context().log_level
    }

    /// The answers to an earlier [`InputRequired`](crate::session::InputRequired): an object, by key.
    /// Untrusted.
    pub fn input_responses(&self) -> Option<&RawJson> {
        self.request_context().input_responses.as_ref()
    }

    /// The answer with this key among [`Context::input_responses`], read as a `T`. If it is `None`, request the input
    /// again.
    ///
    /// ```
    /// # use mcp_core::{message::ErrorObject, model::{ElicitAction, ElicitResult}, server::Context};
    /// fn agreed(context: &Context) -> Result<bool, ErrorObject> {
    ///     let answer: Option<ElicitResult> = context.answer("sure")?;
    ///     Ok(answer.is_some_and(|answer| answer.action == ElicitAction::Accept))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `-32602` if the answer does not fit the type.
    // MRTR-S-016.
    pub fn answer<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ErrorObject> {
        let Some(answer) = self.input_responses().and_then(|answers| answers.member(key)) else {
            return Ok(None);
        };
        answer.deserialize().map(Some).map_err(|error| {
            ErrorObject::invalid_params(format!("Invalid input response {key:?}: {}", misfit(&error)))
        })
    }

    /// The `state` of that [`InputRequired`](crate::session::InputRequired). On 2026-07-28 it came back from
    /// the client, which may have changed it. With the feature `seal`, `Context::unseal` verifies it.
    // MRTR-S-007.
    pub fn request_state(&self) -> Option<&str> {
        self.request_context().request_state.as_deref()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("method", self.method()).finish_non_exhaustive()
    }
}
