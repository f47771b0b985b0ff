//! The state that the handles and the driver of a client share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::error::{CloseReason, Error};
use crate::lock::Lock;
use crate::message::Notification;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::sleep_until;
use crate::runtime::unread::{Unread, UnreadLimits, notification_len};
use crate::session::client::{CallOptions, ClientConfig, KnownEra, Negotiated};
use crate::transport::Connect;

use super::Driver;
use super::command::{Command, Permit};
use super::state_watch::StateWatch;
use crate::client::input::InputHandler;
use crate::client::state::ClientState;

/// The greatest possible limit of messages in flight.
pub(crate) const MAX_IN_FLIGHT: usize = Semaphore::MAX_PERMITS;

/// Limits of a client's driver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientLimits {
    pub(crate) in_flight: usize,
    pub(crate) notification_queue: usize,
    pub(crate) unread_bytes: usize,
    pub(crate) inputs: usize,
    pub(crate) write_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> ClientLimits {
        ClientLimits {
            in_flight: 1024,
            notification_queue: 256,
            unread_bytes: 64 << 20,
            inputs: 64,
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// The state that the handles and the driver share.
pub(crate) struct ClientShared {
    pub(crate) commands: Mailbox<Command>,
    state: watch::Sender<ClientState>,
    pub(crate) limits: ClientLimits,
    pub(crate) config: ClientConfig,
    pub(super) input: Arc<dyn InputHandler>,
    /// The peer's era, as last detected.
    known_era: Lock<Option<KnownEra>>,
    permits: Arc<Semaphore>,
    /// The bounds of the queues of all readers.
    pub(crate) unread: UnreadLimits,
    readers: Lock<Vec<Arc<Unread<Notification>>>>,
}

impl ClientShared {
    /// A link is open.
    pub(crate) fn ready(&self, negotiated: Negotiated) {
        *self.known_era.lock() = Some(KnownEra { version: negotiated.version });
        self.state.send_replace(ClientState::Ready(negotiated));
    }

    /// The link is gone.
    pub(crate) fn disconnected(&self, reason: CloseReason) {
        self.state.send_replace(ClientState::Disconnected(reason));
    }

    /// Gives a notification to all readers.
    pub(crate) fn spread(&self, notification: &Notification) {
        let mut readers = self.readers.lock();
        readers.retain(|reader| !reader.is_closed());
        for reader in readers.iter() {
            reader.push(notification.clone(), notification_len(notification), &self.unread);
        }
    }

    /// Publishes the end, and refuses all commands from now on.
    pub(crate) fn end(&self, reason: &CloseReason) {
        self.state.send_replace(ClientState::Closed(reason.clone()));
        self.commands.close();
        while let Some(command) = self.commands.try_pop() {
            command.refuse(reason);
        }
        for reader in self.readers.lock().drain(..) {
            reader.close();
        }
    }

    /// The error of commands that come after the end.
    pub(crate) fn end_error(&self) -> Error {
        Error::Closed(self.end_reason())
    }

    fn end_reason(&self) -> CloseReason {
        self.state.borrow().closed().cloned().unwrap_or(CloseReason::Requested)
    }

    /// Sends a command to the driver. Refuses it if the driver has ended.
    pub(crate) fn command(&self, command: Command) {
        if let Err(command) = self.commands.push(command) {
            command.refuse(&self.end_reason());
        }
    }

    /// Adds a reader of notifications that belong to no call and no subscription.
    pub(crate) fn reader(&self) -> Arc<Unread<Notification>> {
        let queue = Arc::new(Unread::new());
        let mut readers = self.readers.lock();
        // Also removed here, because the next notification may be far off.
        readers.retain(|reader| !reader.is_closed());
        readers.push(queue.clone());
        drop(readers);
        if self.commands.is_closed() {
            queue.close();
        }
        queue
    }

    /// The peer's era, as last detected.
    pub(crate) fn known_era(&self) -> Option<KnownEra> {
        *self.known_era.lock()
    }

    pub(crate) fn state(&self) -> ClientState {
        self.state.borrow().clone()
    }

    /// Whether this is so of the state.
    pub(crate) fn is(&self, so: impl FnOnce(&ClientState) -> bool) -> bool {
        so(&self.state.borrow())
    }

    pub(crate) fn watch(&self) -> StateWatch {
        StateWatch(self.state.subscribe())
    }

    /// The messages in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.limits.in_flight.saturating_sub(self.permits.available_permits())
    }

    /// A permit for a message in flight, if one is free.
    pub(crate) fn try_permit(&self) -> Option<Permit> {
        self.permits.clone().try_acquire_owned().ok().map(Arc::new)
    }

    /// Waits for a permit for a message in flight, at most for the limits of the call. Cancel-safe.
    pub(crate) async fn permit(&self, issued: Instant, options: &CallOptions) -> Result<Permit, Error> {
        let idle = options.timeout.unwrap_or(self.config.call_timeout);
        let limit = idle.min(options.maximum.unwrap_or(self.config.call_maximum));
        let permit = self.permits.clone().acquire_owned();
        let mut state = self.watch();
        tokio::select! {
            permit = permit => permit.map(Arc::new).map_err(|_| self.end_error()),
            _ended = state.until(|_| false) => Err(self.end_error()),
            () = sleep_until(issued.checked_add(limit)) => {
                Err(Error::timed_out("no answer", limit))
            }
        }
    }
}

/// Starts the driver of a client.
///
/// # Errors
///
/// [`Error::Misuse`] outside a tokio runtime.
pub(crate) fn start(
    config: ClientConfig,
    limits: ClientLimits,
    input: Arc<dyn InputHandler>,
    connector: Box<dyn Connect>,
) -> Result<Arc<ClientShared>, Error> {
    let runtime = tokio::runtime::Handle::try_current()
        .map_err(|_| Error::Misuse("a client needs a tokio runtime".to_owned()))?;
    let shared = Arc::new(ClientShared {
        commands: Mailbox::new(),
        state: watch::Sender::new(ClientState::Connecting),
        limits,
        known_era: Lock::new(config.known_era),
        config,
        input,
        permits: Arc::new(Semaphore::new(limits.in_flight)),
        unread: UnreadLimits::new(
            "unread notifications and questions",
            limits.notification_queue,
            limits.unread_bytes,
        ),
        readers: Lock::default(),
    });
    // Created before the task starts: a runtime that shuts down may never poll that task.
    runtime.spawn(Driver::new(shared.clone()).run(connector));
    Ok(shared)
}
