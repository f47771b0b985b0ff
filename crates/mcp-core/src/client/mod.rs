//! Clients: [`Client`] makes calls, reads notifications and subscribes to changes.
//!
//! ```no_run
//! # use mcp_core::{Error, client::{CallOptions, Client}, message::RawJson, transport::Connect};
//! # async fn example(connector: impl Connect) -> Result<(), Error> {
//! let client = Client::builder("example", "1.0.0").connect(connector).await?;
//! for tool in client.list_tools().await? {
//!     println!("{}", tool.name);
//! }
//!
//! let result = client
//!     .call_tool("slow", serde_json::json!({ "steps": 5 }))
//!     .on_progress(|progress| println!("{} of {:?}", progress.progress, progress.total))
//!     .await?;
//! println!("{}", result.texts().collect::<String>());
//!
//! // Any method, as a handle with a stream of its notifications.
//! let params = RawJson::object([("name", RawJson::string("slow"))]);
//! let mut call = client.call("tools/call", Some(params), CallOptions::new().progress());
//! while let Some(notification) = call.next_notification().await {
//!     println!("{notification:?}");
//! }
//! println!("{}", call.await?.raw());
//!
//! client.close().await;
//! # Ok(())
//! # }
//! ```

mod builder;
mod call;
pub(crate) mod driver;
mod input;
mod listed;
mod listen;
mod notifications;
mod paging;
mod prepared;
mod question;
mod state;
mod typed;

#[cfg(test)]
#[cfg(feature = "server")]
mod tests;

use std::sync::Arc;

pub use crate::model::Skipped;
pub use builder::ClientBuilder;
pub use call::{Call, CallNotifications};
pub use listed::Listed;
pub use listen::{Subscription, SubscriptionEvent};
pub use notifications::Notifications;
pub use paging::PageLimits;
pub use prepared::{CallResult, PreparedCall};
pub use question::Question;

pub use crate::session::client::{
    CallOptions, ClientConfig, ClientFacts, EraMode, InputMode, KnownEra, Negotiated, PingPolicy, Reconnect,
};
pub use driver::StateWatch;
pub use input::{InputContext, InputHandler};
pub use state::ClientState;

use crate::error::{CloseReason, Error};
use crate::message::{Method, Payload, RawJson};
use crate::runtime;
use crate::session::SubscriptionFilter;
use crate::transport::Connect;
use driver::{CallSlot, ClientShared, Command, ListenSlot, NewCall};
use input::NoInput;

/// A client of one server. It has at most one link at a time and makes a new one when needed. Clones are cheap
/// and are the same client.
///
/// The client closes when [`Client::close`] is called, or when the last clone and the last [`Call`] and
/// [`Subscription`] are dropped.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// Closes the client when the last clone is dropped.
struct Handle {
    shared: Arc<ClientShared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ended_already = self.shared.commands.push(Command::Close);
    }
}

impl Client {
    /// Sets up a client with this name and version.
    pub fn builder(name: &str, version: &str) -> ClientBuilder {
        Client::with_info(RawJson::object([
            ("name", RawJson::string(name)),
            ("version", RawJson::string(version)),
        ]))
    }

    /// Sets up a client with this `Implementation` object.
    pub fn with_info(info: RawJson) -> ClientBuilder {
        ClientBuilder::new(ClientConfig::new(info))
    }

    /// Sets up a client with this configuration.
    pub fn with_config(config: ClientConfig) -> ClientBuilder {
        ClientBuilder::new(config)
    }

    fn spawn(builder: ClientBuilder, connector: Box<dyn Connect>) -> Result<Client, Error> {
        let ClientBuilder { config, limits, input } = builder;
        let shared = driver::start(config, limits, input.unwrap_or_else(|| Arc::new(NoInput)), connector)?;
        Ok(Client { handle: Arc::new(Handle { shared }) })
    }

    pub(crate) fn shared(&self) -> &Arc<ClientShared> {
        &self.handle.shared
    }

    /// Waits until the client is ready or closed. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] with the reason, also if the link is gone and no call has made a new one.
    pub async fn ready(&self) -> Result<Negotiated, Error> {
        let over = |state: &ClientState| !matches!(state, ClientState::Connecting);
        match self.watch().until(over).await {
            ClientState::Ready(negotiated) => Ok(negotiated),
            ClientState::Closed(reason) | ClientState::Disconnected(reason) => Err(Error::Closed(reason)),
            ClientState::Connecting => Err(self.shared().end_error()),
        }
    }

    /// Makes any call. Await it for its result, an object, or set its options first: see [`PreparedCall`].
    /// Dropping the future cancels the call on the server.
    pub fn request(&self, method: impl Into<Method>, params: Option<RawJson>) -> PreparedCall<Payload> {
        self.prepared(method, Ok(params))
    }

    /// A call with the default options, of which only the outcome will be read.
    fn outcome_of(&self, method: impl Into<Method>, params: Option<RawJson>) -> Call {
        self.new_call(method.into(), params, CallOptions::shared_default(), CallSlot::new(true))
    }

    /// Makes a call at once, and returns its handle. `params` is an object, if given; the session adds `_meta`.
    /// [`Client::request`] is shorter where only the result matters.
    pub fn call(&self, method: impl Into<Method>, params: Option<RawJson>, options: CallOptions) -> Call {
        self.forward(method, params.map(Payload::new), options)
    }

    /// Like [`Client::call`], with params that were received and are passed on: they are not searched again. On
    /// 2026-07-28 they are sent as they are if they already say what [`CallOptions::client`] and the other options do.
    ///
    /// ```
    /// # use mcp_core::{Error, client::{CallOptions, Client, ClientFacts}, server::Context};
    /// # async fn example(client: &Client, context: &Context) -> Result<(), Error> {
    /// let facts = ClientFacts::new(context.client_capabilities().clone());
    /// let options = CallOptions::new().client(facts);
    /// let result = client.forward(context.method().clone(), context.payload().cloned(), options).await?;
    /// # let _ = result;
    /// # Ok(())
    /// # }
    /// ```
    pub fn forward(&self, method: impl Into<Method>, params: Option<Payload>, options: CallOptions) -> Call {
        self.make_call(method.into(), params, options.into(), CallSlot::new(false))
    }

    fn new_call(
        &self,
        method: Method,
        params: Option<RawJson>,
        options: Arc<CallOptions>,
        slot: CallSlot,
    ) -> Call {
        self.make_call(method, params.map(Payload::new), options, slot)
    }

    fn make_call(
        &self,
        method: Method,
        params: Option<Payload>,
        options: Arc<CallOptions>,
        slot: CallSlot,
    ) -> Call {
        let slot = Arc::new(slot);
        let mut call =
            NewCall { issued: runtime::now(), method, params, options, slot: slot.clone(), permit: None };
        call.permit = self.shared().try_permit();
        if call.permit.is_some() {
            self.command(Command::Call(call));
            return Call::issued(self.clone(), slot);
        }
        let (shared, issued, options) = (self.shared().clone(), call.issued, call.options.clone());
        let permit = Box::pin(async move { shared.permit(issued, &options).await });
        Call::queued(self.clone(), slot, permit, call)
    }

    /// Sends a notification. Waits while [`ClientBuilder::max_in_flight`] calls and notifications are in
    /// flight, and returns when it is queued. Cancel-safe: if the future is dropped before it completes, nothing
    /// is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the client is closed; [`Error::TimedOut`] if the wait exceeds the limit of calls.
    pub async fn notify(&self, method: impl Into<Method>, params: Option<RawJson>) -> Result<(), Error> {
        let permit = self.shared().permit(runtime::now(), &CallOptions::default()).await?;
        let command = Command::Notify { method: method.into(), params, permit };
        self.shared().commands.push(command).map_err(|_| self.shared().end_error())
    }

    /// Subscribes to changes, in either era. [`SubscriptionEvent::Started`] reports which of them the server
    /// supports.
    pub fn listen(&self, filter: SubscriptionFilter) -> Subscription {
        let slot = Arc::new(ListenSlot::new());
        self.command(Command::Listen { filter, slot: slot.clone() });
        Subscription::new(self.clone(), slot)
    }

    /// The notifications that belong to no call and no subscription, from now on.
    pub fn notifications(&self) -> Notifications {
        Notifications { queue: self.shared().reader() }
    }

    /// Watches the state.
    pub fn watch(&self) -> StateWatch {
        self.shared().watch()
    }

    /// The current state.
    pub fn state(&self) -> ClientState {
        self.shared().state()
    }

    /// Whether the client is ready, as [`ClientState::is_ready`] of [`Client::state`], without a copy of it.
    pub fn is_ready(&self) -> bool {
        self.shared().is(ClientState::is_ready)
    }

    /// Whether the client is closed, which is final.
    pub fn is_closed(&self) -> bool {
        self.shared().is(|state| state.closed().is_some())
    }

    /// What was negotiated, while the client is ready.
    pub fn negotiated(&self) -> Option<Negotiated> {
        match self.state() {
            ClientState::Ready(negotiated) => Some(negotiated),
            _ => None,
        }
    }

    /// The server's era as it was last detected, for [`ClientBuilder::known_era`] of a later client.
    // ERA-C-010.
    pub fn known_era(&self) -> Option<KnownEra> {
        self.shared().known_era()
    }

    /// Closes the client and waits until its link is closed: for a child process, until it has exited. Calls in
    /// flight end with [`Error::Closed`]. Idempotent. If the future is dropped, closing continues.
    pub async fn close(&self) -> CloseReason {
        self.command(Command::Close);
        self.closed().await
    }

    /// Waits until the client is closed and returns why. Cancel-safe.
    pub async fn closed(&self) -> CloseReason {
        match self.watch().until(|_| false).await {
            ClientState::Closed(reason) => reason,
            _ => CloseReason::Requested,
        }
    }

    pub(crate) fn command(&self, command: Command) {
        self.shared().command(command);
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("state", &self.state()).finish_non_exhaustive()
    }
}
