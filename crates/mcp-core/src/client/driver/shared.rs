//! What the handles and the driver of a client share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::error::{CloseReason, Error};
use crate::message::Notification;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::sleep_until;
use crate::session::client::{CallOptions, ClientConfig, KnownEra, Negotiated};
use crate::transport::Connect;

use super::Driver;
use super::command::{Command, Permit};
use super::state_watch::StateWatch;
use crate::client::input::InputHandler;
use crate::client::state::ClientState;

/// The most that can be in flight.
pub(crate) const MAX_IN_FLIGHT: usize = Semaphore::MAX_PERMITS;

/// Limits of the driver of one client. All have a default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientLimits {
    pub(crate) in_flight: usize,
    pub(crate) notification_queue: usize,
    pub(crate) inputs: usize,
    pub(crate) write_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> ClientLimits {
        ClientLimits {
            in_flight: 1024,
            notification_queue: 256,
            inputs: 64,
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// What the handles and the driver share.
pub(crate) struct ClientShared {
    pub(crate) commands: Mailbox<Command>,
    state: watch::Sender<ClientState>,
    pub(crate) limits: ClientLimits,
    pub(crate) config: ClientConfig,
    pub(super) input: Arc<dyn InputHandler>,
    /// What was found out last of the peer's era.
    known_era: Mutex<Option<KnownEra>>,
    permits: Arc<Semaphore>,
    readers: Mutex<Vec<Arc<Mailbox<Notification>>>>,
}

impl ClientShared {
    /// A link is open.
    pub(crate) fn ready(&self, negotiated: Negotiated) {
        *self.known_era.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(KnownEra { version: negotiated.version });
        self.state.send_replace(ClientState::Ready(negotiated));
    }

    /// The link is gone.
    pub(crate) fn disconnected(&self, reason: CloseReason) {
        self.state.send_replace(ClientState::Disconnected(reason));
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

    /// Why it ended, as the error of what comes too late.
    pub(crate) fn end_error(&self) -> Error {
        Error::Closed(self.end_reason())
    }

    fn end_reason(&self) -> CloseReason {
        self.state.borrow().closed().cloned().unwrap_or(CloseReason::Requested)
    }

    /// Tells the driver; once that has ended, tells whoever waits for the command.
    pub(crate) fn command(&self, command: Command) {
        if let Err(command) = self.commands.push(command) {
            command.refuse(&self.end_reason());
        }
    }

    /// One more reader of notifications that belong to nothing else.
    pub(crate) fn reader(&self) -> Arc<Mailbox<Notification>> {
        let queue = Arc::new(Mailbox::new());
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are gone are forgotten here too: it may be long until there is something to spread.
        readers.retain(|reader| !reader.is_closed());
        readers.push(queue.clone());
        drop(readers);
        if self.commands.is_closed() {
            queue.close();
        }
        queue
    }

    /// What was found out last of the peer's era.
    pub(crate) fn known_era(&self) -> Option<KnownEra> {
        *self.known_era.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self) -> StateWatch {
        StateWatch(self.state.subscribe())
    }

    /// A place among the messages in flight, if there is one.
    pub(crate) fn try_permit(&self) -> Option<Permit> {
        self.permits.clone().try_acquire_owned().ok().map(Arc::new)
    }

    /// Waits for a place among the messages in flight, no longer than the call itself may take. Cancel-safe.
    pub(crate) async fn permit(&self, issued: Instant, options: &CallOptions) -> Result<Permit, Error> {
        let idle = options.timeout.unwrap_or(self.config.call_timeout);
        let limit = idle.min(options.maximum.unwrap_or(self.config.call_maximum));
        let permit = self.permits.clone().acquire_owned();
        let mut state = self.watch();
        tokio::select! {
            permit = permit => permit.map(Arc::new).map_err(|_| self.end_error()),
            _ended = state.until(|_| false) => Err(self.end_error()),
            () = sleep_until(issued.checked_add(limit)) => {
                Err(Error::TimedOut { what: "no answer", after: limit })
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
        known_era: Mutex::new(config.known_era),
        config,
        input,
        permits: Arc::new(Semaphore::new(limits.in_flight)),
        readers: Mutex::default(),
    });
    // Made here, and not in its task: a runtime that goes away may never give that task a turn.
    runtime.spawn(Driver::new(shared.clone()).run(connector));
    Ok(shared)
}
