//! The owner of a child process: sees its exit, ends its group, reaps it, with or without a runtime.
//!
//! Each child has a thread that waits for its exit without reaping it. Until the reaping the process id,
//! and with it the group id, cannot be given to another process; so the order is always: exit, kill what is
//! left of the group, reap. The thread needs no runtime, so nothing is left behind when that is gone.
// FAULT C-17, C-49.

use std::io;
use std::sync::{Arc, Condvar, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use crate::lock::{Lock, wait_timeout_while};
use crate::sys::{Exit, Process};

/// How long an exited child's group may live on while the link is not closed: a grandchild may still be
/// writing the last reply.
const LINGER: Duration = Duration::from_secs(2);

/// The stack of a waiting thread. It calls three system calls.
const STACK: usize = 128 * 1024;

/// How far a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// It has exited; others of its group may live.
    Exited(Exit),
    /// The group is gone and nothing is left of it.
    Reaped(Exit),
}

impl Life {
    pub(crate) fn exit(self) -> Option<Exit> {
        match self {
            Life::Running => None,
            Life::Exited(exit) | Life::Reaped(exit) => Some(exit),
        }
    }
}

/// How far the reading of a process's output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// More may come.
    Open,
    /// All was read: the process has closed it, and is probably exiting.
    Ended,
    /// The reader was dropped.
    Abandoned,
}

struct Shared {
    process: Process,
    state: Lock<State>,
    released: Condvar,
    life: watch::Sender<Life>,
    output: watch::Sender<Output>,
}

#[derive(Default)]
struct State {
    released: bool,
    reaped: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The life of the thread.
    fn keep(&self) {
        let exit = self.process.wait();
        let Some(exit) = exit else {
            // Other code has reaped it, so its id may already belong to another process.
            self.state().reaped = true;
            self.life.send_replace(Life::Reaped(Exit::default()));
            return;
        };
        self.life.send_replace(Life::Exited(exit));
        let state = self.state();
        let mut state = wait_timeout_while(&self.released, state, LINGER, |state| !state.released);
        self.process.kill();
        self.process.reap();
        state.reaped = true;
        self.life.send_replace(Life::Reaped(exit));
    }
}

/// Owns a process. Dropping it kills the process group in any state; the thread reaps the process.
pub(crate) struct Reaper(Arc<Shared>);

impl Reaper {
    /// Takes ownership of a process. If no thread can be started, the process is ended.
    pub(crate) fn new(process: Process) -> io::Result<Reaper> {
        let shared = Arc::new(Shared {
            process,
            state: Lock::default(),
            released: Condvar::new(),
            life: watch::Sender::new(Life::Running),
            output: watch::Sender::new(Output::Open),
        });
        let kept = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("mcp-child".into()).stack_size(STACK);
        match thread.spawn(move || kept.keep()) {
            Ok(_) => Ok(Reaper(shared)),
            Err(error) => {
                shared.process.kill();
                shared.process.reap();
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.process.id()
    }

    /// To watch its life.
    pub(crate) fn watch(&self) -> watch::Receiver<Life> {
        self.0.life.subscribe()
    }

    /// Notes how the reading of the output has come to its end. The first note counts.
    pub(crate) fn note_output(&self, output: Output) {
        self.0.output.send_if_modified(|known| {
            let first = *known == Output::Open;
            if first {
                *known = output;
            }
            first
        });
    }

    /// To watch the reading of its output.
    pub(crate) fn watch_output(&self) -> watch::Receiver<Output> {
        self.0.output.subscribe()
    }

    /// Asks the group to end.
    pub(crate) fn terminate(&self) {
        if !self.0.state().reaped {
            self.0.process.terminate();
        }
    }

    /// Ends the group.
    pub(crate) fn kill(&self) {
        if !self.0.state().reaped {
            self.0.process.kill();
        }
    }

    /// Once the process has exited, the rest of its group may be killed and the process reaped.
    pub(crate) fn release(&self) {
        self.0.state().released = true;
        self.0.released.notify_all();
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.kill();
        self.release();
    }
}
