//! A server that is started, and lines to and from it, as they are.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use mcp_stdio::ChildCommand;
use serde_json::{Value, json};

use super::reply::Reply;
use crate::exit::{Code, Failure};

/// The variable that marks the server and everything that it starts.
const MARK: &str = "MCP_CHECK";

/// The longest line that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// How long a server may take to end when its stdin does, and after each signal.
const ENDING: Duration = Duration::from_secs(2);

/// How often what a server has left is looked for.
const MOST_GENERATIONS: usize = 100;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    mark: String,
    /// How long an answer may take.
    limit: Duration,
    fences: u64,
    /// All lines that were not JSON.
    pub(crate) noise: Vec<String>,
    /// A message over several lines, or one without its newline, was seen.
    pub(crate) broken_frame: Option<String>,
    ended: bool,
}

/// How a server has ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// What it took, if it did not end by itself.
    pub(crate) forced: Option<&'static str>,
    /// Processes that were left, by id and name.
    pub(crate) orphans: Vec<String>,
}

impl Process {
    pub(crate) fn start(command: &ChildCommand, limit: Duration) -> Result<Process, Failure> {
        let mut command = command.to_command();
        let mark = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        command.env(MARK, &mark).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let failed =
            |error: std::io::Error| Failure::new(Code::SpawnFailed, "cannot start the server").because(error);
        let mut child = command.spawn().map_err(failed)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let (sender, lines) = channel();
        if let Some(stdout) = stdout {
            // Ends with the pipe.
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stdout);
                loop {
                    let mut line = Vec::new();
                    match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                        Ok(1..) if sender.send(line).is_ok() => {}
                        _ => return,
                    }
                }
            });
        }
        let (noise, broken_frame) = (Vec::new(), None);
        Ok(Process { child, stdin, lines, mark, limit, fences: 0, noise, broken_frame, ended: false })
    }

    /// From now on an answer may take this long.
    pub(crate) fn limit_to(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Writes a line. A server that is gone shows when it does not answer.
    pub(crate) fn send(&mut self, text: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _gone = stdin
                .write_all(text.as_bytes())
                .and_then(|()| stdin.write_all(b"\n"))
                .and_then(|()| stdin.flush());
        }
    }

    /// Everything that comes until `done`, at most for the limit.
    pub(crate) fn until(&mut self, limit: Duration, mut done: impl FnMut(&Reply) -> bool) -> Reply {
        let end = Instant::now() + limit;
        let mut reply = Reply::default();
        loop {
            if done(&reply) {
                return reply;
            }
            let left = end.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return reply,
            };
            self.line(&line, &mut reply);
        }
    }

    fn line(&mut self, line: &[u8], reply: &mut Reply) {
        let text = String::from_utf8_lossy(line);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return;
        }
        if !reply.take(trimmed) {
            // The beginning or the rest of a message that was written over several lines.
            if matches!(trimmed, "{" | "[" | "}") || trimmed.starts_with("\"jsonrpc\"") {
                self.broken_frame.get_or_insert_with(|| format!("a message over several lines: {trimmed}"));
            }
            reply.noise.push(trimmed.to_owned());
            self.noise.push(trimmed.to_owned());
        } else if !line.ends_with(b"\n") {
            self.broken_frame.get_or_insert_with(|| "a message without a newline at its end".to_owned());
        }
    }

    /// Sends a request and waits for its answer, or for an error without an id.
    pub(crate) fn ask(&mut self, request: &Value) -> Reply {
        let id = request.get("id").cloned().unwrap_or_default();
        self.send(&request.to_string());
        let limit = self.limit;
        self.until(limit, |reply| {
            reply.answer(&id).is_some()
                || reply.responses().any(|message| message.get("id").is_none_or(Value::is_null))
        })
    }

    /// Sends this text, then a request that the server can answer, and returns what came before its answer. If nothing
    /// has, `wanted` grants some time more.
    pub(crate) fn fenced(
        &mut self,
        text: &str,
        fence: impl Fn(&str) -> Value,
        wanted: bool,
    ) -> (Reply, bool) {
        self.fences += 1;
        let id = format!("fence-{}", self.fences);
        self.send(text);
        self.send(&fence(&id).to_string());
        let (limit, own) = (self.limit, json!(id));
        let mut reply = self.until(limit, |reply| reply.answer(&own).is_some());
        let alive = reply.answer(&own).is_some();
        reply.messages.retain(|message| message.get("id") != Some(&own));
        if wanted && alive && reply.responses().next().is_none() {
            let late = self.until(Duration::from_millis(500), |reply| reply.responses().next().is_some());
            reply.messages.extend(late.messages);
            reply.array |= late.array;
        }
        (reply, alive)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the server: closes its stdin, then signals. Whatever it has left is killed.
    pub(crate) fn end(mut self) -> Ending {
        self.stdin = None;
        let mut ending = Ending::default();
        if !self.exits_within(ENDING) {
            ending.forced = Some("SIGTERM");
            self.signal(false);
            if !self.exits_within(ENDING) {
                ending.forced = Some("SIGKILL");
            }
        }
        let own = self.child.id();
        let marked = marked(&self.mark);
        ending.orphans =
            marked.iter().filter(|(id, _)| *id != own).map(|(id, name)| format!("{name} ({id})")).collect();
        self.clear();
        ending
    }

    /// Kills the server and everything that it has left.
    fn clear(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.stdin = None;
        self.signal(true);
        let _reaped = self.child.wait();
        // One that is found may just have started another one.
        for _ in 0..MOST_GENERATIONS {
            let marked = marked(&self.mark);
            if marked.is_empty() {
                return;
            }
            for (id, _) in marked {
                kill(id);
            }
        }
    }

    fn exits_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    #[cfg(unix)]
    fn signal(&mut self, kill: bool) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if kill { Signal::KILL } else { Signal::TERM };
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails if every process of the group has ended.
            let _gone = kill_process_group(group, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&mut self, _kill: bool) {
        let _gone = self.child.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The processes with this mark in their environment, by id, with their names. Linux only.
fn marked(mark: &str) -> Vec<(u32, String)> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for id in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let folder = format!("/proc/{id}");
        let is_ours = std::fs::read(format!("{folder}/environ"))
            .is_ok_and(|text| text.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()));
        let ended = std::fs::read_to_string(format!("{folder}/stat")).is_ok_and(|stat| stat.contains(") Z "));
        if is_ours && !ended {
            let name = std::fs::read_to_string(format!("{folder}/comm")).unwrap_or_default();
            found.push((id, name.trim().to_owned()));
        }
    }
    found
}

#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _gone = kill_process(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_id: u32) {}
