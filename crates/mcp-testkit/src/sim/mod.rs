//! Two sessions, a virtual clock and a simulated link: no async, no sleep, the same in every run.
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
//! sim.weather().delay = Duration::from_millis(20);
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

/// What a simulated handler says to a request.
#[derive(Clone, Debug)]
pub enum Served {
    /// At once.
    Now(Result<Reply, ErrorObject>),
    /// After this long.
    After(Duration, Result<Reply, ErrorObject>),
    /// Not unless the test does it.
    Never,
}

type Handler = Box<dyn FnMut(&Incoming) -> Served>;

/// A client session and a server, on one simulated link after the other.
pub struct Sim {
    start: Instant,
    now: Instant,
    client: ClientSession,
    client_wait: Option<Instant>,
    server_config: Arc<ServerConfig>,
    binding: Binding,
    weather: LinkConditions,
    links: Vec<Link>,
    /// When the next link comes about.
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
    /// Two sessions that are about to connect. Requests are answered with an empty result until
    /// [`Sim::serve`] says otherwise.
    pub fn new(client: ClientConfig, server: ServerConfig, binding: Binding) -> Sim {
        // The one reading of a real clock: everything else is counted from here.
        let start = Instant::now();
        let mut sim = Sim {
            start,
            now: start,
            client: ClientSession::new(start, client),
            client_wait: None,
            server_config: Arc::new(server),
            binding,
            weather: LinkConditions::default(),
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
    pub fn weather(&mut self) -> &mut LinkConditions {
        &mut self.weather
    }

    /// How requests are answered from now on.
    pub fn serve(&mut self, handler: impl FnMut(&Incoming) -> Served + 'static) {
        self.handler = Box::new(handler);
    }

    /// The next tries to connect fail like this, in this order.
    pub fn refuse(&mut self, error: ConnectError) {
        self.refusals.push_back(error);
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.start)
    }

    /// Tells the client session something, and carries out what it wants.
    pub fn client<T>(&mut self, tell: impl FnOnce(&mut ClientSession, Instant) -> T) -> T {
        let told = tell(&mut self.client, self.now);
        self.drain_client();
        told
    }

    /// Tells the server session of the newest link something; `None` if there was no link yet.
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
    /// If the params are no JSON.
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

    /// What the client told, and when, since the start.
    pub fn client_events(&self) -> &[(Duration, ClientEvent)] {
        &self.client_events
    }

    /// What the server told, and when, since the start.
    pub fn server_events(&self) -> &[(Duration, ServerEvent)] {
        &self.server_events
    }

    /// What was on the wire.
    pub fn log(&self) -> &[Line] {
        &self.log
    }

    /// The same as text, a line each.
    pub fn log_text(&self) -> String {
        self.log.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The link fails, now, for both sides.
    pub fn cut(&mut self) {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        self.end_link(Some(error.into()), CloseReport::default());
    }

    /// The server's end is gone, in order: it exited, or hung up.
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

    /// Goes on until nothing is under way: no message, no late reply, no connect. Time runs as far as it
    /// must; what only waits for a deadline still waits.
    ///
    /// # Panics
    ///
    /// If it does not come to rest.
    pub fn run_until_idle(&mut self) {
        for _ in 0..MAX_STEPS {
            // Deadlines on the way to what moves next expire.
            let (Some(_), Some(at)) = (self.next_movement(), self.next_instant()) else { return };
            self.step(at);
        }
        panic!("no rest after {MAX_STEPS} steps; the last lines:\n{}", self.tail());
    }

    /// Lets this much time pass, with all that happens in it.
    ///
    /// # Panics
    ///
    /// If more happens than can.
    pub fn advance(&mut self, time: Duration) {
        let until = self.now + time;
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

/// No test comes near; a loop of two sessions gets there at once.
const MAX_STEPS: usize = 1_000_000;
