//! A server over HTTP/1.1 that follows a script byte by byte, and records what it receives.
//!
//! Over TCP, or in memory for tests in which time stands still. It knows no MCP but the ids of requests, checks nothing,
//! and breaks connections on request: [`FaultServer::break_at`] cuts a conversation behind any byte.

mod memory;
mod play;
mod script;
mod seen;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use memory::MemoryDial;
pub use script::{Break, On, Rule, Step, result_of};
pub use seen::{Record, Seen};

use memory::Far;
use play::Connection;

/// A server that is up until it is dropped.
#[derive(Debug)]
pub struct FaultServer {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    origin: String,
    dial: Option<MemoryDial>,
}

impl FaultServer {
    /// Listens on a port of loopback.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn tcp(script: impl Into<Vec<Rule>>) -> io::Result<FaultServer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::new(script.into()));
        let task = tokio::spawn(listen(listener, shared.clone()));
        Ok(FaultServer { shared, task, origin, dial: None })
    }

    /// Takes connections from [`FaultServer::dial`].
    pub fn memory(script: impl Into<Vec<Rule>>) -> FaultServer {
        let (sender, incoming) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(script.into()));
        let task = tokio::spawn(take(incoming, shared.clone()));
        FaultServer { shared, task, origin: "http://fault.test".into(), dial: Some(MemoryDial(sender)) }
    }

    /// `http://127.0.0.1:PORT`, or a name for what is in memory.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The endpoint, at a path that no client would guess.
    pub fn url(&self) -> String {
        format!("{}/fault/mcp", self.origin)
    }

    /// Opens connections to a server in memory; `None` over TCP.
    pub fn dial(&self) -> Option<MemoryDial> {
        self.dial.clone()
    }

    /// Breaks the connection on which the `n`-th byte is sent, right behind it; 0 is before the first. The bytes of all
    /// connections count together. From then on the server does what its script says.
    pub fn break_at(&self, n: u64, how: Break) {
        *self.shared.fault() = Some((n, how));
    }

    /// Ends every [`Step::Hold`] that is waited in.
    pub fn release(&self) {
        self.shared.released.send_modify(|count| *count += 1);
    }

    /// What was seen and done until now.
    pub fn record(&self) -> Record {
        self.shared.record.borrow().clone()
    }

    /// Waits until this holds.
    pub async fn until(&self, holds: impl FnMut(&Record) -> bool) -> Record {
        let mut watch = self.shared.record.subscribe();
        let record = watch.wait_for(holds).await.map(|record| record.clone());
        // The sender lives as long as this server.
        record.unwrap_or_default()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The id of a request, and its progress token, as they were written.
type Marks = (String, String);

/// What all connections of a server share.
#[derive(Debug)]
struct Shared {
    script: Mutex<Vec<Rule>>,
    fault: Mutex<Option<(u64, Break)>>,
    /// Id and progress token of the request of JSON-RPC that came last.
    last: Mutex<Marks>,
    record: watch::Sender<Record>,
    released: watch::Sender<u64>,
}

impl Shared {
    fn new(script: Vec<Rule>) -> Shared {
        Shared {
            script: Mutex::new(script),
            fault: Mutex::default(),
            last: Mutex::default(),
            record: watch::Sender::default(),
            released: watch::Sender::default(),
        }
    }

    fn fault(&self) -> MutexGuard<'_, Option<(u64, Break)>> {
        lock(&self.fault)
    }

    fn note(&self, change: impl FnOnce(&mut Record)) {
        self.record.send_modify(change);
    }

    fn gate(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }

    /// The steps of the first rule that fits and is not used up.
    fn steps_for(&self, fits: impl Fn(&On) -> bool) -> Option<Vec<Step>> {
        let mut script = lock(&self.script);
        let rule = script.iter_mut().find(|rule| rule.times != Some(0) && fits(&rule.on))?;
        rule.times = rule.times.map(|left| left - 1);
        Some(rule.steps.clone())
    }

    /// Keeps a request; what `$ID` and `$TOKEN` are in its answer.
    fn note_request(&self, seen: Seen) -> Marks {
        let body = seen.json();
        let mut last = lock(&self.last);
        if body["method"].is_string() && !body["id"].is_null() {
            let token = &body["params"]["_meta"]["progressToken"];
            *last = (body["id"].to_string(), token.to_string());
        }
        self.note(|record| record.requests.push(seen));
        last.clone()
    }

    /// How many of the next bytes may be sent, and how the connection is broken after them.
    fn allow(&self, length: usize) -> (usize, Option<Break>) {
        let mut fault = self.fault();
        let Some((left, how)) = fault.as_mut() else { return (length, None) };
        let how = *how;
        if *left > length as u64 {
            *left -= length as u64;
            return (length, None);
        }
        let allowed = usize::try_from(*left).unwrap_or(length);
        *fault = None;
        (allowed, Some(how))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes with what stands for parts of the request.
fn filled(bytes: &[u8], (id, token): &Marks) -> Vec<u8> {
    replaced(&replaced(bytes, b"$ID", id.as_bytes()), b"$TOKEN", token.as_bytes())
}

fn replaced(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        whole.extend_from_slice(&rest[..at]);
        whole.extend_from_slice(by);
        rest = &rest[at + what.len()..];
    }
    whole.extend_from_slice(rest);
    whole
}

/// A byte stream that can be reset.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {
    fn reset(&self);
}

impl Wire for TcpStream {
    fn reset(&self) {
        // Without it the close that follows is an orderly one; no test passes then that needs a reset.
        let _not_set = self.set_zero_linger();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _sends_late = stream.set_nodelay(true);
        connections.spawn(serve(stream, shared.clone()));
    }
}

async fn take(mut incoming: mpsc::UnboundedReceiver<Far>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Some(far) = incoming.recv().await {
        connections.spawn(serve(far, shared.clone()));
    }
}

async fn serve(mut wire: impl Wire, shared: Arc<Shared>) {
    let mut number = 0;
    shared.note(|record| {
        record.opened += 1;
        record.open += 1;
        record.most_open = record.most_open.max(record.open);
        number = record.opened;
    });
    let connection = Connection {
        wire: &mut wire,
        shared: &shared,
        number,
        marks: Marks::default(),
        read: Vec::new(),
        broken: false,
    };
    let ended = connection.run().await;
    if ended.by_reset {
        wire.reset();
    }
    drop(wire);
    shared.note(|record| {
        record.open -= 1;
        record.broken |= ended.broken;
    });
}
