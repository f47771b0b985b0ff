//! Runs programs with a time limit. The whole process group is killed, so that no child survives.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::Outcome;

const POLL: Duration = Duration::from_millis(20);

/// Runs the command with stdout and stderr in one file. After `limit` the process group is killed.
pub(crate) fn run(command: &mut Command, log: &Path, limit: Duration) -> Outcome<ExitStatus> {
    let unwritable = |error| format!("{} cannot be written: {error}", log.display());
    let file = File::create(log).map_err(unwritable)?;
    let copy = file.try_clone().map_err(unwritable)?;
    command.stdin(Stdio::null()).stdout(file).stderr(copy);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let child = command.spawn().map_err(|error| format!("{command:?} could not be run: {error}"))?;
    let mut running = Running { child, group: true };
    match running.wait(limit)? {
        Some(status) => Ok(status),
        None => Err(format!("not done after {} s; see {}", limit.as_secs(), log.display())),
    }
}

/// Runs the command and passes on each line of its stdout. If none arrives for `silence`, the process group is killed.
pub(crate) fn watch(
    command: &mut Command,
    silence: Duration,
    mut on_line: impl FnMut(&str),
) -> Outcome<ExitStatus> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let child = command.spawn().map_err(|error| format!("{command:?} could not be run: {error}"))?;
    let mut running = Running { child, group: true };
    let stdout = running.child.stdout.take().ok_or("the program has no stdout")?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let _receiver_gone = sender.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    loop {
        match lines.recv_timeout(silence) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("killed after {} s without output", silence.as_secs()));
            }
        }
    }
    running.wait(silence)?.ok_or_else(|| "it closed its output and does not end".to_owned())
}

/// A running program. It is killed on drop.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// Whether it leads a process group.
    group: bool,
}

impl Running {
    /// Starts the command in the process group of this process.
    pub(crate) fn start(command: &mut Command) -> Outcome<Running> {
        let child = command.spawn().map_err(|error| format!("{command:?} could not be run: {error}"))?;
        Ok(Running { child, group: false })
    }

    /// Asks the program to end, and returns its status.
    pub(crate) fn stop(mut self, limit: Duration) -> Outcome<ExitStatus> {
        if cfg!(unix) {
            signal("TERM", &self.child.id().to_string());
        } else {
            let _already_gone = self.child.kill();
        }
        self.wait(limit)?
            .ok_or_else(|| format!("it is still running {} s after it was asked to end", limit.as_secs()))
    }

    /// Its status, or `None` if it is still running after `limit`.
    fn wait(&mut self, limit: Duration) -> Outcome<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(Some(status)),
                Ok(None) if start.elapsed() < limit => std::thread::sleep(POLL),
                Ok(None) => return Ok(None),
                Err(error) => return Err(format!("it cannot be waited for: {error}")),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if cfg!(unix) && self.group {
            // Also after its end: processes that it started may still run.
            signal("KILL", &format!("-{}", self.child.id()));
        }
        let _already_gone = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

/// `kill` is built into every shell; the standard library has no counterpart.
fn signal(name: &str, target: &str) {
    let mut kill = Command::new("sh");
    kill.args(["-c", &format!("kill -{name} {target} 2>/dev/null")]);
    let _already_gone = kill.stdin(Stdio::null()).status();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_too_long_is_killed_with_its_children() {
        let log = std::env::temp_dir().join(format!("xtask-process-{}", std::process::id()));
        // The inner shell would keep the log open for a minute. It prints its id.
        let mut command = Command::new("sh");
        command.args(["-c", "sh -c 'echo $$; exec sleep 100' & wait"]);
        // On a slow machine it prints that late.
        let inner = [300, 3_000, 30_000].map(Duration::from_millis).into_iter().find_map(|limit| {
            let why = run(&mut command, &log, limit).unwrap_err();
            assert!(why.contains("not done"), "{why}");
            Some(std::fs::read_to_string(&log).unwrap()).filter(|text| text.ends_with('\n'))
        });
        let inner = inner.unwrap();
        let alive = || Path::new("/proc").join(inner.trim()).join("cwd").read_link().is_ok();
        let start = Instant::now();
        while cfg!(target_os = "linux") && alive() {
            assert!(start.elapsed() < Duration::from_secs(100), "{inner}");
            std::thread::sleep(POLL);
        }
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn a_program_that_falls_silent_is_killed_and_its_lines_were_handed_on() {
        // On a slow machine it comes to its second line late.
        let heard = [500, 5_000, 50_000].map(Duration::from_millis).into_iter().any(|silence| {
            let mut lines = Vec::new();
            let mut command = Command::new("sh");
            command.args(["-c", "echo one; echo two; exec sleep 100"]);
            let why = watch(&mut command, silence, |line| lines.push(line.to_owned())).unwrap_err();
            assert!(why.contains("without output"), "{why}");
            lines == ["one", "two"]
        });
        assert!(heard);
        let mut command = Command::new("sh");
        let status = watch(command.args(["-c", "exit 3"]), Duration::from_secs(60), |_| {}).unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn the_status_is_that_of_the_program() {
        let log = std::env::temp_dir().join(format!("xtask-status-{}", std::process::id()));
        let mut command = Command::new("sh");
        let status = run(command.args(["-c", "echo told; exit 3"]), &log, Duration::from_secs(60)).unwrap();
        assert_eq!((status.code(), std::fs::read_to_string(&log).unwrap().as_str()), (Some(3), "told\n"));
        std::fs::remove_file(&log).unwrap();
    }
}
