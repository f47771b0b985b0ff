//! Starting a server as a child process.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use mcp_core::transport::{Connect, ConnectError, Transport, async_trait};

use crate::child::ChildTransport;
use crate::diagnose;
use crate::env::child_env;
use crate::error::StdioError;
use crate::evidence::{ChildMonitor, Witness};
use crate::limits::Limits;
use crate::reaper::Reaper;
use crate::shutdown::ShutdownTimeouts;
use crate::stderr::{Drain, StderrHub, StderrLines, StderrMode};
use crate::sys;

/// A command that starts a server, once for each link.
///
/// The program is started directly, never by a shell, in a new process group. It sees a short list of our
/// environment variables (user, `PATH`, locale, proxies, certificates) and those that are passed or set here. A
/// Ctrl-C at our terminal does not reach it; closing the link ends it.
///
/// `Debug` shows neither arguments nor values, which may be secrets.
///
/// ```no_run
/// use mcp_core::transport::Connect;
/// use mcp_stdio::ChildCommand;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut command = ChildCommand::new("uvx").args(["mcp-server-git"]).env("LOG_LEVEL", "info");
/// let link = command.connect().await?;
/// # Ok(())
/// # }
/// ```
pub struct ChildCommand {
    program: OsString,
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    passed: Vec<OsString>,
    set: BTreeMap<OsString, OsString>,
    mode: StderrMode,
    hub: StderrHub,
    timeouts: ShutdownTimeouts,
    limits: Limits,
    monitor: ChildMonitor,
}

impl ChildCommand {
    /// A command for this program: a path, or a name that is looked up in `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> ChildCommand {
        ChildCommand {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            cwd: None,
            passed: Vec::new(),
            set: BTreeMap::new(),
            mode: StderrMode::default(),
            hub: StderrHub::default(),
            timeouts: ShutdownTimeouts::default(),
            limits: Limits::default(),
            monitor: ChildMonitor::default(),
        }
    }

    /// The same command once more, for a program that starts several of it. Its children have their own
    /// [`ChildCommand::stderr_lines`] and [`ChildCommand::monitor`].
    ///
    /// ```
    /// use mcp_stdio::ChildCommand;
    ///
    /// let server = ChildCommand::new("my-server").arg("--stdio");
    /// let one_more = server.another();
    /// assert_eq!(one_more.to_command().get_args().count(), 1);
    /// ```
    #[must_use]
    pub fn another(&self) -> ChildCommand {
        ChildCommand {
            program: self.program.clone(),
            args: self.args.clone(),
            cwd: self.cwd.clone(),
            passed: self.passed.clone(),
            set: self.set.clone(),
            mode: self.mode,
            hub: StderrHub::default(),
            timeouts: self.timeouts,
            limits: self.limits,
            monitor: ChildMonitor::default(),
        }
    }

    /// Adds an argument. It is passed unchanged.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> ChildCommand {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> ChildCommand {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets the directory in which the program starts. Default: ours.
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<PathBuf>) -> ChildCommand {
        self.cwd = Some(directory.into());
        self
    }

    /// Sets an environment variable; replaces an inherited one.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> ChildCommand {
        self.set.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Passes our variable of this name to the child, if it is set when the child is started. Shell functions
    /// (values that start with `()`) are never passed.
    #[must_use]
    pub fn pass_env(mut self, name: impl AsRef<OsStr>) -> ChildCommand {
        self.passed.push(name.as_ref().to_owned());
        self
    }

    /// Sets where its stderr goes. Default: [`StderrMode::Capture`].
    #[must_use]
    pub fn stderr(mut self, mode: StderrMode) -> ChildCommand {
        self.mode = mode;
        self
    }

    /// Sets how long each step of ending it may take.
    #[must_use]
    pub fn shutdown_timeouts(mut self, timeouts: ShutdownTimeouts) -> ChildCommand {
        self.timeouts = timeouts;
        self
    }

    /// Sets the limits of the byte stream.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> ChildCommand {
        self.limits = limits;
        self
    }

    /// Returns the lines that children of this command write to stderr from now on ([`StderrMode::Capture`] only).
    pub fn stderr_lines(&self) -> StderrLines {
        self.hub.lines()
    }

    /// Returns the names of the environment variables that a child started now would see.
    pub fn env_names(&self) -> Vec<OsString> {
        child_env(&self.passed, &self.set, |name| std::env::var_os(name)).into_keys().collect()
    }

    /// Returns a monitor of the newest child of this command, for errors about it.
    pub fn monitor(&self) -> ChildMonitor {
        self.monitor.clone()
    }

    /// Returns the command as it would be started, for a caller who starts the program in another way: with its arguments,
    /// its directory and its environment, without pipes and without a process group.
    pub fn to_command(&self) -> Command {
        let env = child_env(&self.passed, &self.set, |name| std::env::var_os(name));
        let path = env.get(OsStr::new("PATH")).map(OsString::as_os_str);
        let mut command = Command::new(sys::resolve(&self.program, path));
        command.args(&self.args).env_clear().envs(&env);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        command
    }

    /// Starts the program. Returns as soon as the process exists; whether it speaks MCP is not known yet.
    ///
    /// # Errors
    ///
    /// [`StdioError::Spawn`] or [`StdioError::Cwd`], which name the path.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled. No process is left running.
    pub fn spawn(&self) -> Result<ChildTransport, StdioError> {
        self.start().map_err(|source| self.explain(source))
    }

    fn start(&self) -> io::Result<ChildTransport> {
        let mut command = self.to_command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(match self.mode {
            StderrMode::Capture => Stdio::piped(),
            StderrMode::Inherit => Stdio::inherit(),
            StderrMode::Null => Stdio::null(),
        });
        let (process, mut child) = sys::Process::spawn(&mut command)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on, whatever fails, the reaper ends the child.
        let reaper = Reaper::new(process)?;
        let (Some(input), Some(output), errors) = pipes else {
            return Err(io::Error::other("the system gave the child no pipes"));
        };
        tracing::debug!(program = ?self.program, id = reaper.id(), "started a server");
        let stderr = errors.map(sys::errors).transpose()?.map(|errors| self.hub.drain(errors));
        let witness = Arc::new(Witness::new(reaper.id(), stderr.as_ref().map(Drain::ring)));
        self.monitor.follow(&witness);
        Ok(ChildTransport {
            input: sys::input(input)?,
            output: sys::output(output)?,
            stderr,
            witness,
            reaper,
            limits: self.limits,
            timeouts: self.timeouts,
        })
    }

    /// The system reports a missing directory like a missing program, so the directory is looked at.
    fn explain(&self, source: io::Error) -> StdioError {
        let program = PathBuf::from(&self.program);
        match &self.cwd {
            Some(cwd) => match check_directory(cwd) {
                Err(source) => StdioError::Cwd { program, cwd: cwd.clone(), source },
                Ok(()) => StdioError::Spawn {
                    reason: diagnose::spawn_failure(&program, Some(cwd), &source),
                    program,
                    cwd: Some(cwd.clone()),
                    source,
                },
            },
            None => StdioError::Spawn {
                reason: diagnose::spawn_failure(&program, None, &source),
                program,
                cwd: None,
                source,
            },
        }
    }
}

fn check_directory(path: &Path) -> io::Result<()> {
    let directory = std::fs::metadata(path)?.is_dir();
    if directory { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

#[async_trait]
impl Connect for ChildCommand {
    /// Starts a new process each time. Never pending, so a dropped future leaks no process.
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        match self.spawn() {
            Ok(link) => Ok(Box::new(link)),
            Err(error) => Err(error.into_connect_error()),
        }
    }
}

impl fmt::Debug for ChildCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildCommand")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("cwd", &self.cwd)
            .field("env", &self.set.keys().chain(&self.passed).collect::<Vec<_>>())
            .field("stderr", &self.mode)
            .finish_non_exhaustive()
    }
}
