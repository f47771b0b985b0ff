//! The `mcp` program as users run it: real processes, checked by output and exit code.

#![allow(clippy::unwrap_used)]

mod calls;
#[cfg(unix)]
mod check;
mod config;
mod demo;
mod discover;
#[cfg(unix)]
mod evidence;
mod exits;
mod faults;
#[cfg(unix)]
mod guide;
mod http;
#[cfg(unix)]
mod listen;
#[cfg(unix)]
mod listening;
mod lists;
mod pages;
mod raw;
mod reading;
mod remote;
#[cfg(unix)]
mod scripted;
mod servers;
mod shell;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod terminal;
mod trust;

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The program under test.
const MCP: &str = env!("CARGO_BIN_EXE_mcp");

/// Far more than any run takes: only a hang reaches it.
const HANG: Duration = Duration::from_secs(120);

/// What a run left behind.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Stdout as one JSON value.
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error line: the only thing on stderr.
    fn error(&self) -> Value {
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "{self:?}");
        let line: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        line["error"].clone()
    }

    fn error_code(&self) -> String {
        self.error()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(MCP);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("NO_COLOR");
    command
}

/// An address without a listener. No other program gets its port as long as the socket lives.
fn closed_address() -> (tokio::net::TcpSocket, String) {
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.local_addr().unwrap().to_string();
    (bound, address)
}

/// Runs the program to its end.
fn mcp(args: &[&str]) -> Run {
    finish(command(args).spawn().unwrap())
}

/// The same with something on stdin.
fn mcp_with_input(args: &[&str], input: &str) -> Run {
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    finish(child)
}

/// Runs the program against the built-in server: `before`, then `-- mcp serve-demo`, then `after`.
fn demo_server(before: &[&str], after: &[&str]) -> Run {
    mcp(&[before, &["--", MCP, "serve-demo"], after].concat())
}

/// Waits until a process that was killed is gone: the signal may still be on its way, and a zombie waits for
/// its new parent.
#[cfg(target_os = "linux")]
fn gone(pid: u32) {
    let started = std::time::Instant::now();
    while std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(started.elapsed() < HANG, "process {pid} lives on");
        thread::yield_now();
    }
}

/// Runs the program with this limit, and again with longer ones until it has come as far as it should: how far two processes
/// come within a short time depends on the machine.
fn patiently(run: impl Fn(&str) -> Run, enough: impl Fn(&Run) -> bool) -> Run {
    for limit in ["300ms", "3s"] {
        let done = run(limit);
        if enough(&done) {
            return done;
        }
    }
    run("30s")
}

/// Waits for the end, and fails where there is none.
fn finish(child: Child) -> Run {
    let (sender, receiver) = mpsc::channel();
    let id = child.id();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(HANG) else {
        // In order, so that it ends its server too.
        let _nothing_left_behind = Command::new("kill").arg(id.to_string()).status();
        panic!("the program hangs");
    };
    let output: Output = output.unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
