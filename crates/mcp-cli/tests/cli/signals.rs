//! Signals: the run ends in order, and no server is left behind (FAULT C-20).

use std::io::{BufRead, BufReader};
use std::process::Child;

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
    loop {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended by itself");
        server = server.or_else(|| line.trim().strip_prefix("server: pid ").and_then(|pid| pid.parse().ok()));
        if let (Some(server), true) = (server, line.contains("step 2 of")) {
            // Go on reading, so that the program is never stopped by a full pipe.
            std::thread::spawn(move || stderr.lines().for_each(drop));
            return (child, server);
        }
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// SIGINT is 130, SIGTERM 143, as shells have it; the server has been waited for.
#[test]
fn a_signal_ends_the_run_and_the_server() {
    for (signal, exit) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (child, server) = endless_call();
        send(&child, signal);
        let run = finish(child);
        assert_eq!((run.code, run.stdout.as_str()), (Some(exit), ""), "{run:?}");
        let server = Pid::from_raw(i32::try_from(server).unwrap()).unwrap();
        assert!(rustix::process::test_kill_process(server).is_err(), "the server is left behind");
    }
}
