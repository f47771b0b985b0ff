//! Signals: the run ends in order, and no server is left behind (FAULT C-20).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{MCP, command, finish};

/// A call that would take for ever. Returns once it is under way, with the server's process id.
fn endless_call() -> (Child, u32) {
    let script = "echo pid $$ >&2; exec \"$0\" serve-demo";
    let args = ["call", "slow", "steps=10000", "delay_ms=5", "-v", "--json", "--", "sh", "-c", script, MCP];
    let mut child = command(&args).spawn().unwrap();
    let mut server = None;
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let server = loop {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended by itself");
        server = server.or_else(|| line.trim().strip_prefix("server: pid ").and_then(|pid| pid.parse().ok()));
        if let (Some(server), true) = (server, line.contains("step 2 of")) {
            break server;
        }
    };
    // Go on reading, so that the program is never stopped by a full pipe.
    std::thread::spawn(move || stderr.lines().for_each(drop));
    (child, server)
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// SIGINT is 130, SIGQUIT 131, SIGTERM 143, as shells have it; the server has been waited for.
#[test]
fn a_signal_ends_the_run_and_the_server() {
    for (signal, exit) in [(Signal::INT, 130), (Signal::QUIT, 131), (Signal::TERM, 143)] {
        let (child, server) = endless_call();
        send(&child, signal);
        let run = finish(child);
        assert_eq!((run.code, run.stdout.as_str()), (Some(exit), ""), "{run:?}");
        let server = Pid::from_raw(i32::try_from(server).unwrap()).unwrap();
        assert!(rustix::process::test_kill_process(server).is_err(), "the server is left behind");
    }
}

/// A terminal that is closed ends the run and the server too; a run under `nohup` goes on.
#[cfg(target_os = "linux")]
#[test]
fn a_hangup_ends_the_run_unless_it_was_started_to_be_ignored() {
    let script = "trap \"$1\" HUP; exec \"$0\" call slow steps=10000 delay_ms=5 -v -- \"$0\" serve-demo";
    for (trap, exit) in [("-", 129), ("", 143)] {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        if trap == "-" && u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1 {
            // These tests run under nohup themselves, and a shell cannot undo that.
            continue;
        }
        let mut command = Command::new("sh");
        command.args(["-c", script, MCP, trap]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().contains("step 2 of")));
        std::thread::spawn(move || lines.for_each(drop));
        // Signals that wait are delivered from the lowest number on, so the hangup is seen first.
        send(&child, Signal::HUP);
        if trap.is_empty() {
            send(&child, Signal::TERM);
        }
        assert_eq!(finish(child).code, Some(exit));
    }
}

/// A second signal does not wait, and still leaves no server behind: `timeout` of the coreutils sends two at
/// once. The server here ends by nothing but a signal.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_kills_the_server() {
    let script = "echo pid $$ >&2; exec \"$0\" serve-demo --fault never-reads";
    for _ in 0..10 {
        let mut child =
            command(&["call", "echo", "text=hi", "-v", "--", "sh", "-c", script, MCP]).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let pid = lines.find_map(|line| line.unwrap().strip_prefix("server: pid ").map(str::to_owned));
        let server = pid.unwrap().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let started = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < crate::HANG, "it does not end");
            send(&child, Signal::TERM);
            std::thread::yield_now();
        }
        assert_eq!(finish(child).code, Some(143));
        crate::gone(server);
    }
}

/// FAULT F-A12: killed, the program can do nothing; a server that ignores the end of its input, and what it
/// started, ends all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_no_server() {
    let script =
        "sleep 1000 & echo pid $! >&2; trap '' TERM HUP; echo pid $$ >&2; \"$0\" serve-demo; sleep 1000";
    let args = ["call", "slow", "steps=10000", "delay_ms=5", "-v", "--", "sh", "-c", script, MCP];
    let mut child = command(&args).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut pids: Vec<u32> = Vec::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        pids.extend(line.strip_prefix("server: pid ").and_then(|pid| pid.parse::<u32>().ok()));
        if pids.len() == 2 && line.contains("step 2 of") {
            break;
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    send(&child, Signal::KILL);
    child.wait().unwrap();
    for pid in pids {
        crate::gone(pid);
    }
}

/// A signal is heard while the arguments are read from a pipe that never ends.
#[test]
fn waiting_for_arguments_can_be_interrupted() {
    let args = ["call", "echo", "--args", "-", "--json", "--", MCP, "serve-demo"];
    let mut child = command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than any pipe holds: once it is written, the program is reading.
    stdin.write_all(&vec![b' '; 4 << 20]).unwrap();
    send(&child, Signal::INT);
    let run = finish(child);
    assert_eq!((run.code, run.error_code().as_str()), (Some(130), "cancelled"), "{run:?}");
    drop(stdin);
}
