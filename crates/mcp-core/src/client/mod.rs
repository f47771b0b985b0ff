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
pub(crate) mod command;
mod input;
mod listen;
mod paging;
mod state;
mod typed;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use builder::ClientBuilder;
pub use call::{Call, CallNotifications};
pub use input::{InputContext, InputHandler};
pub use listen::{Listen, ListenItem};
pub use paging::PageLimits;
pub use state::{ClientState, Notifications};

pub use crate::session::client::{
    CallOptions, ClientConfig, EraMode, Negotiated, PingPolicy, Reconnect, Verdict,
};

pub(crate) use builder::ClientLimits;
pub(crate) use call::CallSlot;
pub(crate) use listen::ListenSlot;

use crate::driver;
use crate::driver::mailbox::Mailbox;
use crate::error::{CloseReason, Error};
use crate::message::{Method, Notification, Payload, RawJson};
use crate::session::SubscriptionFilter;
use crate::transport::Connect;
use command::{Command, NewCall};

/// A client of one server, over any number of links, one at a time. Cloning it is cheap; all clones are
/// the same client.
///
/// It closes when [`Client::close`] is called, or when the last clone and the last [`Call`] and
/// [`Listen`] made by it are dropped.
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

/// What the handles and the driver share.
#[derive(Debug)]
pub(crate) struct ClientShared {
    pub(crate) commands: Mailbox<Command>,
    pub(crate) state: watch::Sender<ClientState>,
    pub(crate) limits: ClientLimits,
    pub(crate) config: ClientConfig,
    /// What was found out last of the peer's era.
    verdict: Mutex<Option<Verdict>>,
    permits: Arc<Semaphore>,
    readers: Mutex<Vec<Arc<Mailbox<Notification>>>>,
}

impl ClientShared {
    /// A link is open.
    pub(crate) fn ready(&self, negotiated: Negotiated) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Verdict { version: negotiated.version });
        self.state.send_replace(ClientState::Ready(negotiated));
    }

    /// Gives a notification to everybody who reads them.
    pub(crate) fn spread(&self, notification: &Notification) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| !reader.is_closed());
        for reader in readers.iter() {
            reader.push_lossy(notification.clone(), self.limits.notification_queue);
        }
    }

    /// The end: nothing is taken any more, and everybody is told.
    pub(crate) fn end(&self, reason: &CloseReason) {
        self.state.send_replace(ClientState::Closed(reason.clone()));
        self.commands.close();
        while let Some(command) = self.commands.try_pop() {
            command.refuse(reason);
        }
        for reader in self.readers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            reader.close();
        }
    }

    fn closed(&self) -> Option<CloseReason> {
        self.state.borrow().closed().cloned()
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
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| Error::Misuse("a client needs a tokio runtime".to_owned()))?;
        let shared = Arc::new(ClientShared {
            commands: Mailbox::new(),
            state: watch::Sender::new(ClientState::Connecting),
            limits: builder.limits,
            verdict: Mutex::new(builder.config.verdict),
            config: builder.config,
            permits: Arc::new(Semaphore::new(builder.limits.in_flight)),
            readers: Mutex::default(),
        });
        runtime.spawn(driver::client::run(shared.clone(), connector, builder.input));
        Ok(Client { handle: Arc::new(Handle { shared }) })
    }

    fn shared(&self) -> &Arc<ClientShared> {
        &self.handle.shared
    }

    /// Waits until the client is ready for the first time, or closed. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] with the reason.
    pub async fn ready(&self) -> Result<Negotiated, Error> {
        let mut state = self.watch();
        loop {
            match &*state.borrow_and_update() {
                ClientState::Ready(negotiated) => return Ok(negotiated.clone()),
                ClientState::Closed(reason) | ClientState::Disconnected(reason) => {
                    return Err(Error::Closed(reason.clone()));
                }
                ClientState::Connecting => {}
            }
            if state.changed().await.is_err() {
                return Err(Error::Closed(CloseReason::Requested));
            }
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
            issued: driver::now(),
            method: method.into(),
            params,
            options,
            slot: slot.clone(),
            permit: None,
        };
        match self.shared().permits.clone().try_acquire_owned() {
            Ok(permit) => {
                call.permit = Some(Arc::new(permit));
                self.command(Command::Call(call));
                Call::issued(self.clone(), slot)
            }
            Err(_) => {
                let permit = Box::pin(self.clone().permit(call.issued, call.options.clone()));
                Call::queued(self.clone(), slot, permit, call)
            }
        }
    }

    /// Waits for a place among the calls in flight, no longer than the call itself may take.
    async fn permit(
        self,
        issued: std::time::Instant,
        options: CallOptions,
    ) -> Result<OwnedSemaphorePermit, Error> {
        let shared = self.shared();
        let idle = options.timeout.unwrap_or(shared.config.call_timeout);
        let limit = idle.min(options.maximum.unwrap_or(shared.config.call_maximum));
        let permit = shared.permits.clone().acquire_owned();
        let mut state = self.watch();
        tokio::select! {
            permit = permit => permit.map_err(|_| self.end()),
            _closed = state.wait_for(|state| state.closed().is_some()) => Err(self.end()),
            () = driver::sleep_until(issued.checked_add(limit)) => {
                Err(Error::TimedOut { what: "no answer", after: limit })
            }
        }
    }

    fn end(&self) -> Error {
        Error::Closed(self.shared().closed().unwrap_or(CloseReason::Requested))
    }

    /// Sends a notification. Returns when it is queued; waits while too much is in flight. Cancel-safe:
    /// dropped before it returns, nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub async fn notify(&self, method: impl Into<Method>, params: Option<RawJson>) -> Result<(), Error> {
        let issued = driver::now();
        let permit = self.clone().permit(issued, CallOptions::default()).await?;
        let command = Command::Notify { method: method.into(), params, permit: Arc::new(permit) };
        self.shared().commands.push(command).map_err(|_| self.end())
    }

    /// Subscribes to changes, in either era. [`ListenItem::Started`] says what the server honours.
    pub fn listen(&self, filter: SubscriptionFilter) -> Listen {
        let slot = Arc::new(ListenSlot::new());
        self.command(Command::Listen { filter, slot: slot.clone() });
        Listen::new(self.clone(), slot)
    }

    /// Reads the notifications that belong to no call and no subscription, from now on.
    pub fn notifications(&self) -> Notifications {
        let queue = Arc::new(Mailbox::new());
        let mut readers = self.shared().readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.push(queue.clone());
        drop(readers);
        if self.shared().commands.is_closed() {
            queue.close();
        }
        Notifications { queue }
    }

    /// The state, to be looked at and waited on.
    pub fn watch(&self) -> watch::Receiver<ClientState> {
        self.shared().state.subscribe()
    }

    /// The state now.
    pub fn state(&self) -> ClientState {
        self.shared().state.borrow().clone()
    }

    /// What was agreed on, while the client is ready.
    pub fn negotiated(&self) -> Option<Negotiated> {
        match self.state() {
            ClientState::Ready(negotiated) => Some(negotiated),
            _ => None,
        }
    }

    /// What was found out last of the server's era, to be given to a later client (ledger ERA-C-010).
    pub fn verdict(&self) -> Option<Verdict> {
        *self.shared().verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the client and waits until its link is closed: for a child process, until it is gone. Calls in
    /// flight end with [`Error::Closed`]. Idempotent. Dropped, the end goes on without you.
    pub async fn close(&self) -> CloseReason {
        self.command(Command::Close);
        self.closed().await
    }

    /// Waits until the client has ended, and says why. Cancel-safe.
    pub async fn closed(&self) -> CloseReason {
        let mut state = self.watch();
        match state.wait_for(|state| state.closed().is_some()).await {
            Ok(state) => state.closed().cloned().unwrap_or(CloseReason::Requested),
            Err(_) => CloseReason::Requested,
        }
    }

    /// Tells the driver; once that has ended, tells whoever waits for the command.
    pub(crate) fn command(&self, command: Command) {
        if let Err(command) = self.shared().commands.push(command) {
            command.refuse(&self.shared().closed().unwrap_or(CloseReason::Requested));
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("state", &*self.shared().state.borrow()).finish_non_exhaustive()
    }
}
