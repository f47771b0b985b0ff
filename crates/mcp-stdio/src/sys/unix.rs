//! Unix: process groups, `waitid`, private copies of the standard streams.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;

use super::Exit;
use crate::thread_io::{ThreadReader, ThreadWriter};

/// The write end of a child's stdin.
pub(crate) type Input = pipe::Sender;
/// The read end of a child's stdout or stderr.
pub(crate) type Output = pipe::Receiver;

/// Our end of the pipe to a child, as an asynchronous one.
pub(crate) fn input(pipe: ChildStdin) -> io::Result<Input> {
    pipe::Sender::from_owned_fd(pipe.into())
}

/// Our end of the pipe from a child's stdout.
pub(crate) fn output(pipe: ChildStdout) -> io::Result<Output> {
    pipe::Receiver::from_owned_fd(pipe.into())
}

/// Our end of the pipe from a child's stderr.
pub(crate) fn errors(pipe: ChildStderr) -> io::Result<Output> {
    pipe::Receiver::from_owned_fd(pipe.into())
}

/// A child that leads a new process group. The caller must not signal it after [`Process::reap`].
pub(crate) struct Process(Pid);

impl Process {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Process, Child)> {
        let child = command.process_group(0).spawn()?;
        match i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            Some(pid) => Ok((Process(pid), child)),
            None => Err(io::Error::other("the system gave the child no id")),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.as_raw_nonzero().get().unsigned_abs()
    }

    /// Blocks until it has exited, and does not reap it. `None` if it was reaped elsewhere.
    pub(crate) fn wait(&self) -> Option<Exit> {
        loop {
            match rustix::process::waitid(WaitId::Pid(self.0), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {
                Ok(Some(status)) => {
                    return Some(Exit { code: status.exit_status(), signal: status.terminating_signal() });
                }
                Ok(None) | Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// Frees its id. Blocks until it has exited.
    pub(crate) fn reap(&self) {
        while let Err(Errno::INTR) = rustix::process::waitpid(Some(self.0), WaitOptions::empty()) {}
    }

    /// SIGTERM to the group.
    pub(crate) fn terminate(&self) {
        // A group without members that can be signalled is ended already.
        let _gone = rustix::process::kill_process_group(self.0, Signal::TERM);
    }

    /// SIGKILL to the group.
    pub(crate) fn kill(&self) {
        let _gone = rustix::process::kill_process_group(self.0, Signal::KILL);
    }
}

/// The program as it is to be started.
pub(crate) fn resolve(program: &std::ffi::OsStr, _path: Option<&std::ffi::OsStr>) -> std::ffi::OsString {
    program.to_owned()
}

/// Whether the error means that the file is not a program.
pub(crate) fn is_not_executable(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NOEXEC)
}

/// Whether the error says that file descriptors or buffers ran out, for now.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// The standard streams as the wire: private copies above 2 that children do not inherit. Descriptor 0
/// becomes the null device and descriptor 1 becomes stderr, so that neither a stray print nor a
/// grandchild can reach the link.
// T-35.
pub(crate) fn take_stdio() -> io::Result<(OwnedFd, OwnedFd)> {
    let input = fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(io::stdout(), 3)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    if rustix::stdio::dup2_stdout(io::stderr()).is_err() {
        // There is no stderr.
        rustix::stdio::dup2_stdout(&null)?;
    }
    Ok((input, output))
}

/// The path by which a pipe can be reopened. The new description is separate, so `O_NONBLOCK` on it does not affect
/// the processes that share the old one.
fn own_description(file: &File) -> Option<String> {
    let is_pipe = file.metadata().is_ok_and(|meta| meta.file_type().is_fifo());
    (cfg!(target_os = "linux") && is_pipe).then(|| format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Reads the wire: a pipe by the runtime where that is possible, all else by a thread.
pub(crate) fn stdio_reader(fd: OwnedFd) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    let file = File::from(fd);
    let own = own_description(&file).and_then(|path| pipe::OpenOptions::new().open_receiver(path).ok());
    Ok(match own {
        Some(pipe) => Box::new(pipe),
        None => Box::new(ThreadReader::spawn(Patient(file))?),
    })
}

/// Writes the wire, like [`stdio_reader`].
pub(crate) fn stdio_writer(fd: OwnedFd) -> io::Result<Box<dyn AsyncWrite + Send + Unpin>> {
    let file = File::from(fd);
    let own = own_description(&file).and_then(|path| pipe::OpenOptions::new().open_sender(path).ok());
    Ok(match own {
        Some(pipe) => Box::new(pipe),
        None => Box::new(ThreadWriter::spawn(Patient(file))?),
    })
}

/// A file that blocks even if another process has set `O_NONBLOCK` on the shared description.
struct Patient(File);

impl Patient {
    fn wait(&self, error: io::Error, flags: PollFlags) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                match poll(&mut [PollFd::from_borrowed_fd(self.0.as_fd(), flags)], None) {
                    Ok(_) | Err(Errno::INTR) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) => self.wait(error, PollFlags::IN)?,
                read => return read,
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) => self.wait(error, PollFlags::OUT)?,
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
