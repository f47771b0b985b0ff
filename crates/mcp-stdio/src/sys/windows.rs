//! Windows: the direct child only, found by `PATHEXT`, without a console window.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Exit;
use crate::lock::Lock;
use crate::thread_io::{ThreadReader, ThreadWriter};

const CREATE_NO_WINDOW: u32 = 0x0800_0000;
const ERROR_BAD_EXE_FORMAT: i32 = 193;
const WSAEMFILE: i32 = 10024;
const WSAENOBUFS: i32 = 10055;

/// How often a child is asked whether it has exited: waiting and killing need the same exclusive handle.
const ASK: Duration = Duration::from_millis(20);

pub(crate) type Input = tokio::process::ChildStdin;
pub(crate) type Output = Box<dyn AsyncRead + Send + Unpin>;

pub(crate) fn input(pipe: ChildStdin) -> io::Result<Input> {
    tokio::process::ChildStdin::from_std(pipe)
}

pub(crate) fn output(pipe: ChildStdout) -> io::Result<Output> {
    Ok(Box::new(tokio::process::ChildStdout::from_std(pipe)?))
}

pub(crate) fn errors(pipe: ChildStderr) -> io::Result<Output> {
    Ok(Box::new(tokio::process::ChildStderr::from_std(pipe)?))
}

/// A child. While the handle is open, its id is not reused.
pub(crate) struct Process {
    child: Lock<Child>,
    id: u32,
}

impl Process {
    /// Starts it. The second value holds the pipes.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Process, Pipes)> {
        let mut child = command.creation_flags(CREATE_NO_WINDOW).spawn()?;
        let pipes =
            Pipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
        let id = child.id();
        Ok((Process { child: Lock::new(child), id }, pipes))
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock()
    }

    /// Blocks until it has exited.
    pub(crate) fn wait(&self) -> Option<Exit> {
        loop {
            match self.child().try_wait() {
                Ok(Some(status)) => return Some(Exit { code: status.code(), signal: None }),
                Ok(None) => {}
                Err(_) => return None,
            }
            std::thread::sleep(ASK);
        }
    }

    /// Nothing is left to be freed before the handle is dropped.
    pub(crate) fn reap(&self) {}

    /// There is no polite request that a process without a window would see.
    pub(crate) fn terminate(&self) {
        self.kill();
    }

    /// `TerminateProcess`.
    pub(crate) fn kill(&self) {
        let _gone = self.child().kill();
    }
}

/// The pipes to a child.
pub(crate) struct Pipes {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

/// The program with its extension: `npx` is `npx.cmd`. The standard library starts batch files with their
/// arguments quoted as `cmd.exe` needs it.
pub(crate) fn resolve(program: &OsStr, path: Option<&OsStr>) -> OsString {
    let given = Path::new(program);
    if given.extension().is_some() {
        return program.to_owned();
    }
    let bare = given.components().count() == 1;
    let directories: Vec<_> = match path {
        Some(path) if bare => std::env::split_paths(path).collect(),
        _ => vec![Path::new("").to_owned()],
    };
    for directory in directories {
        for extension in ["exe", "cmd", "bat"] {
            let file = directory.join(given).with_extension(extension);
            if file.is_file() {
                return file.into_os_string();
            }
        }
    }
    program.to_owned()
}

pub(crate) fn is_not_executable(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_BAD_EXE_FORMAT)
}

pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(WSAEMFILE | WSAENOBUFS))
}

/// Private copies of the standard handles. Redirecting the originals needs unsafe code, so a stray print
/// is not kept off the wire here.
pub(crate) fn take_stdio() -> io::Result<(OwnedHandle, OwnedHandle)> {
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((input, output))
}

pub(crate) fn stdio_reader(handle: OwnedHandle) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    Ok(Box::new(ThreadReader::spawn(File::from(handle))?))
}

pub(crate) fn stdio_writer(handle: OwnedHandle) -> io::Result<Box<dyn AsyncWrite + Send + Unpin>> {
    Ok(Box::new(ThreadWriter::spawn(File::from(handle))?))
}
