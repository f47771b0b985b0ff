//! Every exit code and the error line that goes with it.

use std::process::Stdio;

use crate::{MCP, command, demo_server, finish, mcp};

/// 2: the command line. Nothing is started.
#[test]
fn usage_errors_exit_with_2() {
    let rows: &[&[&str]] = &[
        &[],
        &["nonsense"],
        &["tools"],
        &["tools", "--timeout", "soon", "--", "x"],
        &["tools", "--era", "legacy=2000", "--", "x"],
        &["call", "echo", "--args", "[1]", "--", MCP, "serve-demo"],
        &["call", "echo", "--input", "k={", "--", MCP, "serve-demo"],
        &["serve-demo", "--fault", "nonsense"],
    ];
    for args in rows {
        let run = mcp(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}: {run:?}");
        assert!(!run.stderr.is_empty());
        if !args.is_empty() {
            let json = mcp(&[&["--json"], *args].concat());
            assert_eq!((json.code, json.error_code().as_str()), (Some(2), "usage"), "{args:?}");
        }
    }
}

/// 4, FAULT C-21: the error names the path, at once.
#[test]
fn a_server_that_cannot_be_started_exits_with_4() {
    let run = mcp(&["tools", "--json", "--", "/nowhere/server"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"));
    assert!(run.error()["message"].as_str().unwrap().contains("/nowhere/server"), "{run:?}");
    let run = demo_server(&["tools", "--json", "--cwd", "/nowhere/dir"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"));
    assert!(run.error()["message"].as_str().unwrap().contains("/nowhere/dir"), "{run:?}");
}

/// 5: what the tool says is the result, on stdout; an unknown tool differs from other errors with
/// and without a list beforehand.
#[test]
fn tool_failures_exit_with_5() {
    let run = demo_server(&["call", "fail"], &[]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (Some(5), "this tool always fails\n", "")
    );
    let run = demo_server(&["call", "fail", "--json"], &[]);
    assert_eq!((run.json()["isError"].as_bool(), run.error_code().as_str()), (Some(true), "tool_error"));
    for words in [&["nope"][..], &["nope", "a=1"]] {
        for era in ["modern", "legacy"] {
            let run = demo_server(&[&["call", "--json", "--era", era][..], words].concat(), &[]);
            assert_eq!((run.code, run.error_code().as_str()), (Some(5), "tool_not_found"), "{run:?}");
        }
    }
}

/// 1: the server answers with a JSON-RPC error. Wrong arguments of a tool are the tool's failure instead.
#[test]
fn an_error_of_the_server_exits_with_1() {
    let run = demo_server(&["call", "add", "--args", "{}", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(5), "tool_error"));
    let run = demo_server(&["read", "no:such", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(1), "rpc_error"), "{run:?}");
    assert_eq!(run.error()["rpc"]["code"], -32602);
}

/// 7: the limit is named.
#[test]
fn a_message_above_the_limit_exits_with_7() {
    let run = demo_server(&["call", "big", "bytes=20000", "--max-message", "10000", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(7), "limit"), "{run:?}");
    assert!(run.error()["message"].as_str().unwrap().contains("10000"), "{run:?}");
}

/// 4: `--timeout` bounds one request, and a start that is slow is none of it (FAULT C-22).
#[test]
fn a_call_that_takes_too_long_exits_with_4() {
    let run = demo_server(&["call", "slow", "delay_ms=60000", "--timeout", "100ms", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "timeout"), "{run:?}");
}

/// FAULT C-19: a closed stdout is neither an error nor a panic.
#[test]
fn a_closed_stdout_is_a_quiet_success() {
    for args in [&["tools", "--", MCP, "serve-demo"][..], &["--help"], &["demo", "--json"]] {
        let mut child = command(args).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = finish(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}: {run:?}");
    }
}

#[test]
fn version_and_help_go_to_stdout() {
    let run = mcp(&["--version"]);
    assert_eq!((run.code, run.stdout.trim_end()), (Some(0), concat!("mcp ", env!("CARGO_PKG_VERSION"))));
    assert!(mcp(&["--help"]).stdout.contains("Exit codes"));
}
