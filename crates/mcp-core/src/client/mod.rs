//! The client's handle: calls, notifications, subscriptions, and an end with a reason.
//!
//! ```no_run
//! # use mcp_core::{Error, client::Client, message::RawJson, transport::Connect};
//! # async fn example(connector: impl Connect) -> Result<(), Error> {
//! let client = Client::builder("example", "1.0.0").connect(connector).await?;
//! let tools = client.request("tools/list", None).await?;
//! println!("{}", tools.raw());
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
mod state;
mod typed;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use builder::ClientBuilder;
pub use call::{Call, CallNotifications};
pub use listed::{Listed, Skipped};
pub use listen::{Subscription, SubscriptionEvent};
pub use notifications::Notifications;
pub use paging::PageLimits;

pub use crate::session::client::{
    CallOptions, ClientConfig, EraMode, KnownEra, Negotiated, PingPolicy, Reconnect,
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

/// A client of one server, over any number of links, one at a time. Cloning it is cheap; all clones are
/// the same client.
///
/// It closes when [`Client::close`] is called, or when the last clone and the last [`Call`] and
/// [`Subscription`] made by it are dropped.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// Closes the client when the last clone goes.
struct Handle {
    shared: Arc<ClientShared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ended_already = self.shared.commands.push(Command::Close);
    }
}

impl Client {
    /// Sets up a client that calls itself by this name and version.
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
        let shared = driver::start(config, limits, input, connector)?;
        Ok(Client { handle: Arc::new(Handle { shared }) })
    }

    fn shared(&self) -> &Arc<ClientShared> {
        &self.handle.shared
    }

    /// Waits until the client is ready for the first time, or closed. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] with the reason; also if the link is gone again, and no call has made a new one.
    pub async fn ready(&self) -> Result<Negotiated, Error> {
        let over = |state: &ClientState| !matches!(state, ClientState::Connecting);
        match self.watch().until(over).await {
            ClientState::Ready(negotiated) => Ok(negotiated),
            ClientState::Closed(reason) | ClientState::Disconnected(reason) => Err(Error::Closed(reason)),
            ClientState::Connecting => Err(self.shared().end_error()),
        }
    }

    /// Makes a call and waits for its result, an object. The same as awaiting [`Client::call`] with the
    /// default options. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// Those of [`Call`]: see [`Error`].
    pub async fn request(
        &self,
        method: impl Into<Method>,
        params: Option<RawJson>,
    ) -> Result<Payload, Error> {
        self.call(method, params, CallOptions::default()).await
    }

    /// Makes a call. `params` is an object where present; the session adds `_meta`.
    pub fn call(&self, method: impl Into<Method>, params: Option<RawJson>, options: CallOptions) -> Call {
        let slot = Arc::new(CallSlot::new());
        let mut call = NewCall {
            issued: runtime::now(),
            method: method.into(),
            params,
            options,
            slot: slot.clone(),
            permit: None,
        };
        call.permit = self.shared().try_permit();
        if call.permit.is_some() {
            self.command(Command::Call(call));
            return Call::issued(self.clone(), slot);
        }
        let (shared, issued, options) = (self.shared().clone(), call.issued, call.options.clone());
        let permit = Box::pin(async move { shared.permit(issued, &options).await });
        Call::queued(self.clone(), slot, permit, call)
    }

    /// Sends a notification. Returns when it is queued; waits while too much is in flight. Cancel-safe:
    /// dropped before it returns, nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub async fn notify(&self, method: impl Into<Method>, params: Option<RawJson>) -> Result<(), Error> {
        let permit = self.shared().permit(runtime::now(), &CallOptions::default()).await?;
        let command = Command::Notify { method: method.into(), params, permit };
        self.shared().commands.push(command).map_err(|_| self.shared().end_error())
    }

    /// Subscribes to changes, in either era. [`SubscriptionEvent::Started`] says what the server honours.
    pub fn listen(&self, filter: SubscriptionFilter) -> Subscription {
        let slot = Arc::new(ListenSlot::new());
        self.command(Command::Listen { filter, slot: slot.clone() });
        Subscription::new(self.clone(), slot)
    }

    /// Reads the notifications that belong to no call and no subscription, from now on.
    pub fn notifications(&self) -> Notifications {
        Notifications { queue: self.shared().reader() }
    }

    /// The state, to be looked at and waited on.
    pub fn watch(&self) -> StateWatch {
        self.shared().watch()
    }

    /// The state now.
    pub fn state(&self) -> ClientState {
        self.watch().now()
    }

    /// What was agreed on, while the client is ready.
    pub fn negotiated(&self) -> Option<Negotiated> {
        match self.state() {
            ClientState::Ready(negotiated) => Some(negotiated),
            _ => None,
        }
    }

    /// What was found out last of the server's era, to be given to a later client (ledger ERA-C-010).
    pub fn known_era(&self) -> Option<KnownEra> {
        self.shared().known_era()
    }

    /// Ends the client and waits until its link is closed: for a child process, until it is gone. Calls in
    /// flight end with [`Error::Closed`]. Idempotent. Dropped, the end goes on without you.
    pub async fn close(&self) -> CloseReason {
        self.command(Command::Close);
        self.closed().await
    }

    /// Waits until the client has ended, and says why. Cancel-safe.
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
