//! The programs under attack, each under a hard limit of memory, so that the machine survives.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use crate::Outcome;

/// The most memory that a target may take before its allocations fail, in KiB.
const HARD_LIMIT_KIB: usize = 4 << 20;

/// A command for this program under the hard limit. One heap makes the peaks of runs comparable.
pub(super) fn limited(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(r#"ulimit -d {HARD_LIMIT_KIB} && exec "$0" "$@""#)).arg(program);
    command.env("MALLOC_ARENA_MAX", "2");
    command
}

/// A running program whose memory is watched.
pub(super) struct Target {
    pub(super) child: Child,
    peak: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    watch: Option<JoinHandle<()>>,
}

impl Target {
    pub(super) fn start(command: &mut Command) -> Outcome<Target> {
        let child = command.spawn().map_err(|error| format!("{command:?} could not be run: {error}"))?;
        let (peak, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let watch = spawn({
            let (id, peak, over) = (child.id(), peak.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    peak.fetch_max(high_water(id).unwrap_or(0), Ordering::Relaxed);
                    sleep(Duration::from_millis(20));
                }
            }
        });
        Ok(Target { child, peak, over, watch: Some(watch) })
    }

    /// Ends the program. Its peak, and how it ended if it was not alive any more.
    pub(super) fn stop(mut self) -> (usize, Option<String>) {
        let last = high_water(self.child.id()).unwrap_or(0);
        let died = match self.child.try_wait() {
            Ok(Some(status)) => Some(format!("the target died ({status})")),
            _ => None,
        };
        self.end();
        (self.peak.load(Ordering::Relaxed).max(last), died)
    }

    fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _already_gone = self.child.kill();
        let _reaped_already = self.child.wait();
        if let Some(watch) = self.watch.take() {
            let _panicked = watch.join();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.end();
    }
}

/// `mcp serve-demo` on a port of loopback.
pub(super) struct Server {
    target: Target,
    address: String,
}

impl Server {
    pub(super) fn http(program: &Path) -> Outcome<Server> {
        let mut command = limited(program);
        command.args(["serve-demo", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut target = Target::start(&mut command)?;
        let stderr = target.child.stderr.take().ok_or("the server has no stderr")?;
        let mut lines = BufReader::new(stderr);
        let mut line = String::new();
        lines.read_line(&mut line).map_err(|error| format!("the server said nothing: {error}"))?;
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split(['/', '\n']).next());
        let address =
            address.ok_or_else(|| format!("the server did not say where it listens: {line}"))?.to_owned();
        // What it says later must not fill the pipe.
        spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(Server { target, address })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn stop(self) -> (usize, Option<String>) {
        self.target.stop()
    }
}

/// The most memory that the process ever had resident, in bytes.
fn high_water(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<usize>().ok()? << 10)
}
