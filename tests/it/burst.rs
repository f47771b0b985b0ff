//! More calls at once than a server over stdio takes: over a real pipe all are answered, in bounded memory.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use mcp_tests::memory::{limited_command, peak};

/// The calls that are written at once. The server's bound is a quarter of that.
const CALLS: usize = 4 * 1024;

/// The memory that the process may have resident: twice what it takes.
const MOST: usize = 24 << 20;

const HELLO: &str = concat!(
    r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
    r#""clientInfo":{"name":"burst","version":"1"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    "\n"
);

/// Calls a tool 4,096 times before the first answer is read. Returns the server's peak of memory.
fn burst(arguments: &[&str], tool: &str) -> usize {
    let mut command = limited_command(env!("CARGO_BIN_EXE_conformance-server"), 4 * MOST);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let (mut input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let mut calls = HELLO.to_owned();
    for id in 0..CALLS {
        calls.push_str(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
        ));
        calls.push('\n');
    }
    // The end of the input comes after the last answer, or unanswered calls would be given up.
    let writing = std::thread::spawn(move || input.write_all(calls.as_bytes()).map(|()| input));
    let mut answered = vec![false; CALLS];
    let mut left = CALLS;
    let mut lines = BufReader::new(output).lines();
    while left > 0 {
        let line = lines.next().expect("every call is answered").unwrap();
        let message: serde_json::Value = serde_json::from_str(&line).unwrap();
        let Some(id) = message["id"].as_u64() else { continue };
        assert!(message["error"].is_null() && message["result"]["isError"] != true, "{line}");
        assert!(!std::mem::replace(&mut answered[id as usize], true), "{id} was answered twice");
        left -= 1;
    }
    let peak = peak(server.id()).unwrap();
    drop(writing.join().unwrap().unwrap());
    assert!(server.wait().unwrap().success());
    peak
}

/// Handlers that answer at once, and handlers that wait, so that the bound is reached.
fn all_are_answered(arguments: &[&str]) {
    for tool in ["test_simple_text", "test_tool_with_progress"] {
        let peak = burst(arguments, tool);
        println!("{arguments:?}, {tool}: the peak was {} KiB", peak >> 10);
        assert!(peak <= MOST, "{arguments:?}, {tool}: {peak} bytes");
    }
}

#[test]
fn a_burst_over_a_pipe_is_answered_by_worker_threads() {
    all_are_answered(&["--stdio"]);
}

#[test]
fn a_burst_over_a_pipe_is_answered_by_one_thread() {
    all_are_answered(&["--stdio", "--one-thread"]);
}
