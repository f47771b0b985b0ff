//! Two sessions over a simulated link with a virtual clock: no async, no sleep, the same in every run.
//!
//! ```
//! use std::time::Duration;
//! use mcp_core::message::RawJson;
//! use mcp_core::session::client::ClientConfig;
//! use mcp_core::session::server::ServerConfig;
//! use mcp_testkit::sim::Sim;
//! use mcp_core::transport::Binding;
//!
//! let info = || RawJson::parse(r#"{"name":"n","version":"1"}"#).unwrap();
//! let tools = RawJson::parse(r#"{"tools":{}}"#).unwrap();
//! let mut sim = Sim::new(ClientConfig::new(info()), ServerConfig::new(info(), tools), Binding::STREAM);
//! sim.conditions().delay = Duration::from_millis(20);
//! let call = sim.call("tools/list", None);
//! sim.run_until_idle();
//! assert!(sim.outcome(call).unwrap().is_ok(), "{}", sim.log_text());
//! assert_eq!(sim.elapsed(), Duration::from_millis(40 + 40)); // The probe, the call.
//! ```

mod drive;
mod lanes;
mod link;
mod log;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_core::Error;
use mcp_core::message::{ErrorObject, Payload, RawJson};
use mcp_core::session::client::{CallOptions, ClientConfig, ClientEvent, ClientSession};
use mcp_core::session::server::{Incoming, Reply, ServerConfig, ServerEvent, ServerSession};
use mcp_core::session::{CallId, ExchangeId};
use mcp_core::transport::{Binding, CloseReport, ConnectError, TransportError};

use link::Link;
pub use link::LinkConditions;
pub use log::{Line, Side};

/// How a simulated handler answers a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Served {
    /// At once.
    Now(Result<Reply, ErrorObject>),
    /// After this long.
    After(Duration, Result<Reply, ErrorObject>),
    /// Not by itself; the test answers it.
    Never,
}

type Handler = Box<dyn FnMut(&Incoming) -> Served>;

/// A client session and a server, connected by one simulated link at a time.
pub struct Sim {
    start: Instant,
    now: Instant,
    client: ClientSession,
    client_wait: Option<Instant>,
    server_config: Arc<ServerConfig>,
    binding: Binding,
    conditions: LinkConditions,
    links: Vec<Link>,
    /// When the next link is connected.
    dial: Option<Instant>,
    refusals: VecDeque<ConnectError>,
    handler: Handler,
    late: Vec<Late>,
    client_events: Vec<(Duration, ClientEvent)>,
    server_events: Vec<(Duration, ServerEvent)>,
    log: Vec<Line>,
}

/// A reply that a handler will give.
struct Late {
    at: Instant,
    link: usize,
    exchange: ExchangeId,
    reply: Result<Reply, ErrorObject>,
}

impl Sim {
    /// Two sessions that are about to connect. Requests are answered with an empty result unless [`Sim::serve`] sets
    /// another handler.
    pub fn new(client: ClientConfig, server: ServerConfig, binding: Binding) -> Sim {
        // The only read of the real clock; all times are relative to it.
        let start = Instant::now();
        let mut sim = Sim {
            start,
            now: start,
            client: ClientSession::new(start, client),
            client_wait: None,
            server_config: Arc::new(server),
            binding,
            conditions: LinkConditions::default(),
            links: Vec::new(),
            dial: None,
            refusals: VecDeque::new(),
            handler: Box::new(|_| Served::Now(Ok(Reply::Result(RawJson::EMPTY_OBJECT)))),
            late: Vec::new(),
            client_events: Vec::new(),
            server_events: Vec::new(),
            log: Vec::new(),
        };
        sim.drain_client();
        sim
    }

    /// How the link behaves from now on.
    pub fn conditions(&mut self) -> &mut LinkConditions {
        &mut self.conditions
    }

    /// Sets how requests are answered from now on.
    pub fn serve(&mut self, handler: impl FnMut(&Incoming) -> Served + 'static) {
        self.handler = Box::new(handler);
    }

    /// Makes the next attempts to connect fail with these errors, in this order.
    pub fn refuse(&mut self, error: ConnectError) {
        self.refusals.push_back(error);
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The virtual time since the start.
    pub fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.start)
    }

    /// Calls the client session, and executes its outputs.
    pub fn client<T>(&mut self, tell: impl FnOnce(&mut ClientSession, Instant) -> T) -> T {
        let told = tell(&mut self.client, self.now);
        self.drain_client();
        told
    }

    /// Calls the server session of the newest link, and executes its outputs; `None` if there was no link yet.
    pub fn server<T>(&mut self, tell: impl FnOnce(&mut ServerSession, Instant) -> T) -> Option<T> {
        let index = self.links.len().checked_sub(1)?;
        let told = tell(&mut self.links[index].server, self.now);
        self.drain_server(index);
        Some(told)
    }

    /// Makes a call with the default options.
    ///
    /// # Panics
    ///
    /// If the params are not JSON.
    pub fn call(&mut self, method: &'static str, params: Option<&str>) -> CallId {
        let params = params.map(|text| match RawJson::parse(text.to_owned()) {
            Ok(params) => params,
            Err(error) => panic!("{text}: {error}"),
        });
        self.client(|client, now| client.call(now, now, method.into(), params, CallOptions::default(), ()))
    }

    /// The outcome of a call, if it has one.
    pub fn outcome(&self, call: CallId) -> Option<Result<&Payload, &Error>> {
        self.client_events.iter().find_map(|(_, event)| match event {
            ClientEvent::CallDone { call: done, outcome, .. } if *done == call => Some(outcome.as_ref()),
            _ => None,
        })
    }

    /// The events of the client, with their time since the start.
    pub fn client_events(&self) -> &[(Duration, ClientEvent)] {
        &self.client_events
    }

    /// The events of the server, with their time since the start.
    pub fn server_events(&self) -> &[(Duration, ServerEvent)] {
        &self.server_events
    }

    /// The log of the wire.
    pub fn log(&self) -> &[Line] {
        &self.log
    }

    /// The log of the wire as text, one line each.
    pub fn log_text(&self) -> String {
        self.log.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Makes the link fail now, for both sides.
    pub fn cut(&mut self) {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        self.end_link(Some(error.into()), CloseReport::default());
    }

    /// Ends the server's side regularly: the process exited, or the connection was closed.
    pub fn server_exits(&mut self, closed: CloseReport) {
        self.end_link(None, closed);
    }

    fn end_link(&mut self, error: Option<TransportError>, closed: CloseReport) {
        let Some(index) = self.links.len().checked_sub(1) else { return };
        let link = &mut self.links[index];
        let told = std::mem::replace(&mut link.client_open, false);
        link.server_open = false;
        link.flights.clear();
        link.server.handle_closed(self.now, None, CloseReport::default());
        self.drain_server(index);
        if told {
            self.client.handle_closed(self.now, error, closed);
            self.drain_client();
        }
    }

    /// Runs until nothing is in flight: no message, no delayed reply, no connect. The clock advances as far as needed.
    /// What only waits for a deadline goes on waiting.
    ///
    /// # Panics
    ///
    /// If the sessions do not become idle.
    pub fn run_until_idle(&mut self) {
        for _ in 0..MAX_STEPS {
            // Deadlines before the next arrival expire.
            let (Some(_), Some(at)) = (self.next_movement(), self.next_instant()) else { return };
            self.step(at);
        }
        panic!("no rest after {MAX_STEPS} steps; the last lines:\n{}", self.tail());
    }

    /// Advances the clock by this time, at most 100 years, and executes everything that happens in it.
    ///
    /// # Panics
    ///
    /// If the sessions loop.
    pub fn advance(&mut self, time: Duration) {
        let until = crate::after(self.now, time);
        for _ in 0..MAX_STEPS {
            match self.next_instant() {
                Some(at) if at <= until => self.step(at),
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("more than {MAX_STEPS} steps in {time:?}; the last lines:\n{}", self.tail());
    }

    fn tail(&self) -> String {
        let lines = &self.log[self.log.len().saturating_sub(20)..];
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Far more than any test needs; two sessions in a loop exceed it at once.
const MAX_STEPS: usize = 1_000_000;
