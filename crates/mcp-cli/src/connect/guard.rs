//! No server outlives the program: a small process of ours kills those that are left if the program itself is
//! killed (SIGKILL), which nothing in the program can notice.
//!
//! It has the read end of a pipe whose other end only the program has. The program writes which process groups
//! it has started and ended; the end of the pipe is the end of the program.

use std::io::{self, BufRead, Write};
use std::process::{ChildStdin, Command, Stdio};

use mcp_core::transport::{Connect, ConnectError, Transport, async_trait};
use mcp_stdio::{ChildCommand, ChildMonitor};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::lock::Lock;

/// The word that makes this program the guard. Not one of the commands: people have no use for it.
pub(crate) const WORD: &str = "__guard";

/// The life of the guard: ends with the program that started it.
pub(crate) fn run(input: impl BufRead) {
    for group in left(input) {
        if let Some(group) = Pid::from_raw(group) {
            // It may have ended by itself.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The process groups that were started and not ended: lines `+ID` and `-ID`.
fn left(input: impl BufRead) -> Vec<i32> {
    let mut groups = Vec::new();
    for line in input.lines().map_while(Result::ok) {
        let Ok(number) = line.get(1..).unwrap_or("").parse::<i32>() else { continue };
        match line.as_bytes().first() {
            // 1 would be everybody's, and 0 our own.
            Some(b'+') if number > 1 => groups.push(number),
            Some(b'-') => groups.retain(|group| *group != number),
            _ => {}
        }
    }
    groups
}

/// Our end of the pipe to the one guard of this program. Without one (the guard could not be started) all works but the
/// guarding.
static PIPE: Lock<Option<ChildStdin>> = Lock::new(None);

/// Starts children under guard.
#[derive(Debug)]
pub(crate) struct Guarded {
    command: ChildCommand,
    monitor: ChildMonitor,
    /// The group of the newest child.
    group: Option<u32>,
}

impl Guarded {
    /// Will start this command, and have it guarded.
    pub(crate) fn new(command: ChildCommand) -> Guarded {
        Guarded { monitor: command.monitor(), command, group: None }
    }

    /// The newest child is gone, and its id may become another's.
    fn release(&mut self) {
        if let Some(group) = self.group.take() {
            tell('-', group);
        }
    }
}

#[async_trait]
impl Connect for Guarded {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.release();
        {
            let mut pipe = PIPE.lock();
            if pipe.is_none() {
                match spawn() {
                    Ok(own) => *pipe = own,
                    Err(error) => tracing::debug!(%error, "no guard could be started"),
                }
            }
        }
        let link = self.command.connect().await?;
        if let Some(group) = self.monitor.id() {
            self.group = Some(group);
            tell('+', group);
        }
        Ok(link)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.release();
    }
}

fn tell(sign: char, group: u32) {
    let mut pipe = PIPE.lock();
    let written = pipe.as_mut().map(|pipe| writeln!(pipe, "{sign}{group}"));
    if let Some(Err(error)) = written {
        tracing::debug!(%error, "the guard is gone");
        *pipe = None;
    }
}

/// In a separate process group, so that a Ctrl-C at the terminal leaves it alone.
fn spawn() -> io::Result<Option<ChildStdin>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(WORD).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command.spawn()?.stdin.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_started_and_not_ended_is_left() {
        assert_eq!(left(&b"+10\n+11\n-10\n+1\n+0\n+x\n+-5\n\n"[..]), [11]);
    }
}
