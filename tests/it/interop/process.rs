//! A program that serves until it is ended: in a separate process group, and never longer than its test.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::leftovers;
use crate::fixtures::Program;

/// Far more than any program needs to start or to end. Only one that hangs reaches it.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// A running program. Dropping it kills its whole group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: u32,
    output: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it, and waits for a line with this mark on its stdout or stderr. Returns the text from the mark to the
    /// next space.
    pub(crate) async fn start(
        program: &Program,
        variables: &[(&str, &str)],
        mark: &str,
    ) -> (Process, String) {
        let mut command = Command::new(&program.path);
        command.args(&program.args).envs(variables.iter().copied());
        // Writes no files next to the scripts.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let (lines, mut line) = unbounded_channel();
        tokio::spawn(read(child.stdout.take().unwrap(), Arc::clone(&output), lines.clone()));
        tokio::spawn(read(child.stderr.take().unwrap(), Arc::clone(&output), lines));
        let process = Process { group: child.id().unwrap(), child, output };
        let ready = async {
            while let Some(line) = line.recv().await {
                if let Some((_, rest)) = line.split_once(mark) {
                    return rest.split_whitespace().next().unwrap_or_default().to_owned();
                }
            }
            panic!("{program:?} has ended: {}", process.output());
        };
        let found = tokio::time::timeout(LIMIT, ready).await;
        let found = found.unwrap_or_else(|_| panic!("{program:?} does not start: {}", process.output()));
        (process, found)
    }

    /// All that it has written.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Waits until it has written this text.
    pub(crate) async fn wrote(&self, text: &str) {
        let written = async {
            while !self.output().contains(text) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let written = tokio::time::timeout(LIMIT, written).await;
        written.unwrap_or_else(|_| panic!("it did not write {text:?}: {}", self.output()));
    }

    /// Ends it with SIGTERM, as a supervisor does, and waits until no process of its group is left.
    pub(crate) async fn end(mut self) -> ExitStatus {
        signal(&mut self.child, self.group, Signal::Term);
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("it does not end: {}", self.output())).unwrap();
        leftovers::group_is_gone(self.group).await.unwrap();
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        signal(&mut self.child, self.group, Signal::Kill);
    }
}

/// Collects every line, and passes it to `Process::start` while that waits.
async fn read(stream: impl AsyncRead + Unpin, output: Arc<Mutex<String>>, lines: UnboundedSender<String>) {
    let mut stream = BufReader::new(stream).lines();
    while let Ok(Some(line)) = stream.next_line().await {
        output.lock().unwrap().extend([&line, "\n"]);
        let _no_receiver = lines.send(line);
    }
}

enum Signal {
    Term,
    Kill,
}

/// Signals the whole group. Skips a child that was reaped, because its id may already belong to another process.
#[cfg(unix)]
fn signal(child: &mut Child, group: u32, signal: Signal) {
    use rustix::process::{Pid, Signal as Named, kill_process_group};

    if child.id().is_none() {
        return;
    }
    let signal = match signal {
        Signal::Term => Named::TERM,
        Signal::Kill => Named::KILL,
    };
    let group = i32::try_from(group).ok().and_then(Pid::from_raw).unwrap();
    let _it_has_just_ended = kill_process_group(group, signal);
}

/// Kills the child. There are neither process groups nor SIGTERM on this system.
#[cfg(not(unix))]
fn signal(child: &mut Child, _group: u32, _signal: Signal) {
    let _it_has_just_ended = child.start_kill();
}

/// Runs a program that ends by itself, and kills its whole group at the limit.
pub(crate) async fn run(mut command: Command, limit: Duration) -> std::process::Output {
    #[cfg(unix)]
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let group = child.id().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let mut output = std::process::Output { status: ExitStatus::default(), stdout: vec![], stderr: vec![] };
    let whole = async {
        use tokio::io::AsyncReadExt;
        let (out, err) =
            tokio::join!(stdout.read_to_end(&mut output.stdout), stderr.read_to_end(&mut output.stderr));
        (out.unwrap(), err.unwrap())
    };
    if tokio::time::timeout(limit, whole).await.is_err() {
        signal(&mut child, group, Signal::Kill);
        panic!("{command:?} hangs");
    }
    output.status = child.wait().await.unwrap();
    output
}
