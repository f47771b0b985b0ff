//! How a client is set up.

use std::sync::Arc;
use std::time::Duration;

use super::driver::{ClientLimits, MAX_IN_FLIGHT};
use super::input::InputHandler;
use crate::error::Error;
use crate::message::{ProtocolVersion, RawJson};
use crate::session::client::{ClientConfig, EraMode, KnownEra, PingPolicy, Reconnect};
use crate::transport::Connect;

use super::Client;

/// Sets up a [`Client`].
#[must_use = "nothing happens before `connect` or `start`"]
pub struct ClientBuilder {
    pub(super) config: ClientConfig,
    pub(super) limits: ClientLimits,
    /// `None`: every request for input is refused.
    pub(super) input: Option<Arc<dyn InputHandler>>,
}

impl ClientBuilder {
    pub(super) fn new(config: ClientConfig) -> ClientBuilder {
        ClientBuilder { config, limits: ClientLimits::default(), input: None }
    }

    /// Declares a capability: `"elicitation"`, `"sampling"` or `"roots"`, with its settings, an object. Declare
    /// only what the input handler can answer.
    pub fn capability(mut self, name: &str, settings: impl Into<RawJson>) -> ClientBuilder {
        self.config.capabilities = self.config.capabilities.with_members(&[(name, &settings.into())]);
        self
    }

    /// Sets the handler of the server's requests for input. Default: each is answered with `-32601`.
    pub fn input_handler(mut self, handler: impl InputHandler) -> ClientBuilder {
        self.input = Some(Arc::new(handler));
        self
    }

    /// Sets the era in which links are opened. Default: detected.
    pub fn era(mut self, era: EraMode) -> ClientBuilder {
        self.config.era = era;
        self
    }

    /// Sets the revisions that this client speaks, newest first. Default: all.
    pub fn versions(mut self, versions: impl Into<Vec<ProtocolVersion>>) -> ClientBuilder {
        self.config.versions = versions.into();
        self
    }

    /// Sets the server's era, if an earlier client detected it: see [`Client::known_era`].
    // ERA-C-010.
    pub fn known_era(mut self, known_era: KnownEra) -> ClientBuilder {
        self.config.known_era = Some(known_era);
        self
    }

    /// Sets what the client does when a link ends. Default: [`Reconnect::OnDemand`].
    pub fn reconnect(mut self, reconnect: Reconnect) -> ClientBuilder {
        self.config.reconnect = reconnect;
        self
    }

    /// Limits the time from the first attempt to connect until the client is ready. Default 60 s.
    pub fn start_timeout(mut self, limit: Duration) -> ClientBuilder {
        self.config.start_timeout = limit;
        self
    }

    /// Limits how long a call waits for an answer, unless its [`CallOptions`](super::CallOptions) set another limit.
    /// Default 60 s.
    pub fn call_timeout(mut self, limit: Duration) -> ClientBuilder {
        self.config.call_timeout = limit;
        self
    }

    /// Enables keep-alive by `ping` on legacy links. Default: off.
    pub fn ping(mut self, policy: PingPolicy) -> ClientBuilder {
        self.config.ping = Some(policy);
        self
    }

    /// Changes any other setting of the session.
    pub fn configure(mut self, change: impl FnOnce(&mut ClientConfig)) -> ClientBuilder {
        change(&mut self.config);
        self
    }

    /// Limits how many calls and notifications may be in flight; further ones wait. Default 1,024, at least 1.
    pub fn max_in_flight(mut self, calls: usize) -> ClientBuilder {
        self.limits.in_flight = calls.clamp(1, MAX_IN_FLIGHT);
        self
    }

    /// Limits how many notifications wait for one reader; further ones replace the oldest. Default 256, at least 1.
    pub fn notification_queue(mut self, items: usize) -> ClientBuilder {
        self.limits.notification_queue = items.max(1);
        self
    }

    /// How many bytes of notifications and of requests for input may wait to be read, for all readers of the client
    /// together; one reader leaves some of them to others. Beyond that the oldest notifications of the reader that
    /// gets another one are dropped and counted, and requests for input are answered with an error. Default 64 MiB.
    /// Nothing is kept for [`Client::request`] and the typed calls, which have no reader of notifications.
    pub fn unread_bytes(mut self, bytes: usize) -> ClientBuilder {
        self.limits.unread_bytes = bytes;
        self
    }

    /// How many requests for input are handled concurrently; further ones are answered with an error.
    /// Default 64.
    pub fn max_inputs(mut self, inputs: usize) -> ClientBuilder {
        self.limits.inputs = inputs;
        self
    }

    /// How long the server may leave one message unread before the link counts as failed. Default 60 s.
    pub fn write_timeout(mut self, limit: Duration) -> ClientBuilder {
        self.limits.write_timeout = limit;
        self
    }

    /// Starts the client and returns at once. Calls wait until it is ready.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] outside a tokio runtime, or if a capability for input is declared without an
    /// [`input_handler`](ClientBuilder::input_handler).
    pub fn start(self, connector: impl Connect) -> Result<Client, Error> {
        self.check_input()?;
        Client::spawn(self, Box::new(connector))
    }

    /// A capability and its handler belong together: servers use what is declared.
    fn check_input(&self) -> Result<(), Error> {
        let mut inputs = ["elicitation", "sampling", "roots"].into_iter();
        let declared = inputs.find(|name| self.config.capabilities.member(name).is_some());
        match (declared, &self.input) {
            (Some(name), None) => Err(Error::Misuse(format!(
                "the capability {name:?} is declared, but nothing answers it: set an `input_handler`"
            ))),
            (None, Some(_)) => {
                tracing::warn!(
                    "an input handler is set, but no capability for it is declared: servers do not ask"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Starts the client and waits until it is ready. Dropping the future closes the client.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] with the reason if it did not become ready; [`Error::Misuse`] outside a tokio runtime.
    pub async fn connect(self, connector: impl Connect) -> Result<Client, Error> {
        let client = self.start(connector)?;
        client.ready().await?;
        Ok(client)
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
