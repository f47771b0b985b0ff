//! The link to a child process.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use mcp_core::transport::{
    Binding, CloseReport, Envelope, Inbound, Outbound, PeerEvidence, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, async_trait,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::evidence::{self, Witness};
use crate::limits::Limits;
use crate::reader::LineReader;
use crate::reaper::{Life, Reaper};
use crate::shutdown::{Shutdown, ShutdownTimeouts, Step};
use crate::skipped::SkippedLines;
use crate::stderr::Drain;
use crate::sys;
use crate::writer::LineWriter;

/// After the child has exited, its output counts as ended once nothing has come for this long: a grandchild may
/// hold the pipe open.
// FAULT C-3, C-15.
const QUIET: Duration = Duration::from_millis(200);

/// How long a close waits for a child that has closed its output to exit on its own.
const DYING: Duration = Duration::from_millis(100);

/// How long a close waits for the reaping and for the end of stderr, once the group is dead.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A link to a server that runs as a child process. Created by [`ChildCommand`](crate::ChildCommand).
///
/// Dropping it, or both its halves, kills the child's whole process group immediately, also outside a runtime. To let
/// the child exit on its own, close the sending half.
pub struct ChildTransport {
    pub(crate) reaper: Reaper,
    pub(crate) input: sys::Input,
    pub(crate) output: sys::Output,
    pub(crate) stderr: Option<Drain>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: ShutdownTimeouts,
}

impl ChildTransport {
    /// The process id; on Unix also that of its process group.
    pub fn id(&self) -> u32 {
        self.reaper.id()
    }
}

impl Transport for ChildTransport {
    fn binding(&self) -> Binding {
        Binding::STREAM.named("stdio")
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        Some(evidence::of(&self.witness))
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let reaper = Arc::new(self.reaper);
        let sender = ChildSender {
            writer: LineWriter::new(self.input),
            life: reaper.watch(),
            reaper: Arc::clone(&reaper),
            stderr: self.stderr,
            witness: Arc::clone(&self.witness),
            timeouts: self.timeouts,
            shutdown: None,
            closed: None,
        };
        let receiver = ChildReceiver {
            reader: LineReader::new(self.output, self.limits, Envelope::default())
                .explaining(SkippedLines::new(self.witness)),
            life: reaper.watch(),
            quiet_until: None,
            reaper,
        };
        (Box::new(sender), Box::new(receiver))
    }
}

struct ChildSender {
    writer: LineWriter<sys::Input>,
    reaper: Arc<Reaper>,
    life: watch::Receiver<Life>,
    stderr: Option<Drain>,
    witness: Arc<Witness>,
    timeouts: ShutdownTimeouts,
    /// While it is being closed.
    shutdown: Option<Shutdown>,
    closed: Option<CloseReport>,
}

#[async_trait]
impl TransportSender for ChildSender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        self.writer.send(out).await
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.writer.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        if let Some(closed) = &self.closed {
            return Ok(closed.clone());
        }
        let note = if self.exited_by_itself().await { None } else { Some(self.end().await) };
        // Not only in the reaper's thread: the program may end right after this, before that thread runs.
        self.reaper.kill();
        self.reaper.release();
        let mut closed = CloseReport::default();
        if self.life.borrow().exit().is_some() {
            let _reaped =
                timeout(LAST_WORDS, self.life.wait_for(|life| matches!(life, Life::Reaped(_)))).await;
        }
        if let Some(exit) = self.life.borrow().exit() {
            closed.exit = exit.code;
            closed.signal = exit.signal;
        }
        if let Some(stderr) = &mut self.stderr {
            let _ended = timeout(LAST_WORDS, stderr.ended()).await;
            closed.stderr_tail = stderr.tail();
        }
        // A child that ends by itself may have printed the reason to stdout.
        closed.note = note.or_else(|| self.witness.evidence().output());
        self.writer.close_stream().await;
        self.stderr = None;
        Ok(self.closed.insert(closed).clone())
    }
}

impl ChildSender {
    /// Whether the child has exited before anything was done to end it.
    async fn exited_by_itself(&mut self) -> bool {
        if self.shutdown.is_none() && self.reaper.output_ended() {
            let _exited = timeout(DYING, self.life.wait_for(|life| life.exit().is_some())).await;
        }
        self.shutdown.is_none() && self.life.borrow().exit().is_some()
    }

    /// Ends the child: closes its input, then SIGTERM, then SIGKILL. Returns a text that says what was necessary.
    async fn end(&mut self) -> String {
        // A dropped close may have left it open; idempotent.
        self.writer.close_stream().await;
        let timeouts = self.timeouts;
        let shutdown =
            self.shutdown.get_or_insert_with(|| Shutdown::new(timeouts, Instant::now().into_std()));
        loop {
            let exited = self.life.borrow().exit().is_some();
            match shutdown.step(Instant::now().into_std(), exited) {
                Step::Wait(until) => {
                    let exit = self.life.wait_for(|life| life.exit().is_some());
                    match until {
                        Some(until) => drop(timeout_at(until.into(), exit).await),
                        None => drop(exit.await),
                    }
                }
                Step::Terminate => self.reaper.terminate(),
                Step::Kill => self.reaper.kill(),
                Step::Done(note) => return note,
            }
        }
    }
}

struct ChildReceiver {
    reader: LineReader<sys::Output>,
    life: watch::Receiver<Life>,
    /// Set once the child has exited.
    quiet_until: Option<Instant>,
    reaper: Arc<Reaper>,
}

#[async_trait]
impl TransportReceiver for ChildReceiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let read = self.read().await;
        if !matches!(read, Ok(Some(_))) {
            self.reaper.note_output_end();
        }
        Ok(read?)
    }
}

impl ChildReceiver {
    /// The next message; `None` at the end of the output. Cancel-safe.
    async fn read(&mut self) -> io::Result<Option<Inbound>> {
        if self.quiet_until.is_none() {
            let exited = self.life.wait_for(|life| life.exit().is_some());
            match first(self.reader.next(), exited).await {
                Some(read) => return read,
                None => self.quiet_until = Some(Instant::now() + QUIET),
            }
        }
        let until = *self.quiet_until.get_or_insert_with(|| Instant::now() + QUIET);
        if let Ok(read) = timeout_at(until, self.reader.next()).await {
            self.quiet_until = Some(Instant::now() + QUIET);
            return read;
        }
        self.reader.end();
        self.reader.next().await
    }
}

/// The first future's output, or `None` if the second is ready while the first is not.
async fn first<T>(wanted: impl Future<Output = T>, other: impl Future) -> Option<T> {
    let (mut wanted, mut other) = (pin!(wanted), pin!(other));
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => other.as_mut().poll(context).map(|_| None),
    })
    .await
}
