//! The link to a child process.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use mcp_core::transport::{
    Binding, CloseReport, Envelope, Inbound, Outbound, PeerEvidence, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, async_trait,
};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, timeout, timeout_at};

use crate::BoxFuture;
use crate::evidence::{self, Witness};
use crate::limits::Limits;
use crate::reader::LineReader;
use crate::reaper::{Life, Output, Reaper};
use crate::shutdown::{Shutdown, ShutdownTimeouts, Step};
use crate::skipped::SkippedLines;
use crate::stderr::Drain;
use crate::sys;
use crate::writer::LineWriter;

/// After the child has exited, its output counts as ended once nothing has come for this long: a grandchild may
/// hold the pipe open.
// FAULT C-3, C-15.
const QUIET: Duration = Duration::from_millis(200);

/// How long a close waits for a child that has closed its input or its output to exit on its own.
const DYING: Duration = Duration::from_millis(100);

/// How long a close waits for the reaping, and for the end of stdout and stderr, once the group is dead.
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
            output: reaper.watch_output(),
            dying: false,
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
            exit: ExitWait::new(&reaper),
            quiet: None,
            reaper,
        };
        (Box::new(sender), Box::new(receiver))
    }
}

struct ChildSender {
    writer: LineWriter<sys::Input>,
    reaper: Arc<Reaper>,
    life: watch::Receiver<Life>,
    output: watch::Receiver<Output>,
    /// The child broke the link off before it was closed.
    dying: bool,
    stderr: Option<Drain>,
    witness: Arc<Witness>,
    timeouts: ShutdownTimeouts,
    /// While it is being closed.
    shutdown: Option<Shutdown>,
    closed: Option<CloseReport>,
}

#[async_trait]
impl TransportSender for ChildSender {
    fn send<'s, 'f>(&'s mut self, out: Outbound) -> BoxFuture<'f, Result<(), SendError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.writer.send(out)
    }

    fn flush<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<(), TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.writer.flush()
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        if let Some(closed) = &self.closed {
            return Ok(closed.clone());
        }
        if self.shutdown.is_none() {
            self.dying |= self.writer.has_failed() || *self.output.borrow() == Output::Ended;
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
        let printed = self.printed(note.is_none()).await;
        closed.note = match (note, printed) {
            (Some(note), Some(printed)) => Some(format!("{note}; {printed}")),
            (note, printed) => note.or(printed),
        };
        self.writer.close_stream().await;
        self.stderr = None;
        Ok(self.closed.insert(closed).clone())
    }
}

impl ChildSender {
    /// Whether the child has exited before anything was done to end it.
    async fn exited_by_itself(&mut self) -> bool {
        if self.shutdown.is_none() && self.dying {
            let _exited = timeout(DYING, self.life.wait_for(|life| life.exit().is_some())).await;
        }
        self.shutdown.is_none() && self.life.borrow().exit().is_some()
    }

    /// What a child that ended by itself has printed to stdout, which may be the reason. The receiving half reads what is still
    /// in the pipe.
    async fn printed(&mut self, by_itself: bool) -> Option<String> {
        if !by_itself && !self.dying {
            return None;
        }
        let _ended = timeout(LAST_WORDS, self.output.wait_for(|output| *output != Output::Open)).await;
        self.witness.evidence().output()
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
    exit: ExitWait,
    /// Runs since the child has exited, and begins again with each message.
    quiet: Option<Pin<Box<Sleep>>>,
    reaper: Arc<Reaper>,
}

/// Waits for the exit of the child.
struct ExitWait {
    life: watch::Receiver<Life>,
    /// Kept across polls, so that its waker is registered once.
    exited: BoxFuture<'static, ()>,
    /// The waker that it was polled with.
    waker: Option<Waker>,
}

impl ExitWait {
    fn new(reaper: &Reaper) -> ExitWait {
        let mut life = reaper.watch();
        let exited = Box::pin(async move {
            let _exited = life.wait_for(|life| life.exit().is_some()).await;
        });
        ExitWait { life: reaper.watch(), exited, waker: None }
    }

    /// Ready once the child has exited. Cheap while it runs and the same task waits.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let same = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if same && matches!(self.life.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        // A change after this poll wakes the task, so nothing is missed until the version is looked at again.
        self.waker = Some(cx.waker().clone());
        self.exited.as_mut().poll(cx)
    }
}

#[async_trait]
impl TransportReceiver for ChildReceiver {
    // Written out, so that the boxed future holds a pointer and not a message.
    fn recv<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<Option<Inbound>, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(poll_fn(|cx| {
            let read = self.poll_read(cx);
            if matches!(read, Poll::Ready(Ok(None) | Err(_))) {
                self.reaper.note_output(Output::Ended);
            }
            read.map_err(TransportError::from)
        }))
    }
}

impl Drop for ChildReceiver {
    fn drop(&mut self) {
        self.reaper.note_output(Output::Abandoned);
    }
}

impl ChildReceiver {
    /// The next message; `None` at the end of the output. Takes nothing that it does not return.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Inbound>>> {
        let read = self.reader.poll_next(cx);
        if read.is_ready() {
            if let Some(quiet) = &mut self.quiet {
                quiet.as_mut().reset(Instant::now() + QUIET);
            }
            return read;
        }
        let quiet = match &mut self.quiet {
            Some(quiet) => quiet,
            none => {
                ready!(self.exit.poll(cx));
                none.insert(Box::pin(sleep(QUIET)))
            }
        };
        ready!(quiet.as_mut().poll(cx));
        self.reader.end();
        self.reader.poll_next(cx)
    }
}
