//! The `mcp` program as a user runs it, in auto mode, with third-party servers, a server that exits on an unknown
//! first request, and a server that starts late.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::fixtures::{self, Program};

/// Runs `mcp WORDS… --json -- SERVER`.
fn mcp(words: &[&str], server: &Program) -> Option<Output> {
    let mut command = Command::new(fixtures::mcp_bin()?);
    command.args(words).arg("--json").arg("--").arg(&server.path).args(&server.args);
    Some(command.output().unwrap())
}

fn json_of(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {stderr}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs `info`, `tools` and `call` with one server. Returns the version, the tools' names and the text of the call.
fn look(server: &Program, call: &[&str]) -> Option<(String, Vec<String>, String)> {
    let info = json_of(&mcp(&["info"], server)?);
    let tools = json_of(&mcp(&["tools"], server)?);
    let result = json_of(&mcp(&[&["call"], call].concat(), server)?);
    let names =
        tools["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned());
    let version = info["protocolVersion"].as_str().unwrap().to_owned();
    Some((version, names.collect(), result["content"][0]["text"].as_str().unwrap().to_owned()))
}

/// ERA-C-003: the probe detects a legacy server.
#[test]
fn mcp_works_with_server_everything() {
    let Some(server) = fixtures::node_server_everything() else { return };
    let Some((version, tools, text)) = look(&server, &["echo", "message=hello"]) else { return };
    assert_eq!((version.as_str(), text.as_str()), ("2025-11-25", "Echo: hello"));
    assert!(tools.iter().any(|tool| tool == "echo"), "{tools:?}");
}

/// ERA-C-002: the probe detects a modern server; the tool's schema gives the types of the arguments.
#[test]
fn mcp_works_with_the_python_sdk() {
    let Some(server) = fixtures::modern_server() else { return };
    let Some((version, tools, text)) = look(&server, &["add", "a=40", "b=2"]) else { return };
    assert_eq!((version.as_str(), text.as_str()), ("2026-07-28", "42"));
    assert!(tools.iter().any(|tool| tool == "slow"), "{tools:?}");
}

/// FAULT C-42: the server exits on the probe, and is started again.
#[test]
fn mcp_works_with_a_server_that_exits_on_an_unknown_first_request() {
    let Some(server) = fixtures::legacy_server("exits_on_unknown_first.py", &[]) else { return };
    let Some((version, _, text)) = look(&server, &["echo", "text=again"]) else { return };
    assert_eq!((version.as_str(), text.as_str()), ("2025-11-25", "again"));
}

/// FAULT C-22: the limit for the start is not the limit for a request.
#[test]
fn mcp_works_with_a_server_that_starts_late() {
    let Some(server) = fixtures::legacy_server("slow_start.py", &["--seconds", "1"]) else { return };
    // The probe's limit is shorter than the start, so the client also sees a silent server.
    let words = ["call", "echo", "text=late", "--probe-timeout", "100ms"];
    let Some(output) = mcp(&words, &server) else { return };
    assert_eq!(json_of(&output)["content"][0]["text"], json!("late"));
}
