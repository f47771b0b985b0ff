//! `request` and `ping`: what goes over the wire, and how long it takes.

use crate::{MCP, demo_server, mcp_with_input};

/// The whole message, in both eras, from a word, a file and stdin.
#[test]
fn a_request_prints_the_whole_answer() {
    let params = r#"{"name":"echo","arguments":{"text":"hi"}}"#;
    for era in ["modern", "legacy"] {
        let run = demo_server(&["request", "tools/call", params, "--json", "--era", era], &[]);
        let answer = run.json();
        assert_eq!((run.code, answer["jsonrpc"].as_str()), (Some(0), Some("2.0")), "{run:?}");
        assert!(answer["id"].is_number());
        assert_eq!(answer["result"]["content"][0]["text"], "hi");
        assert_eq!(answer["result"]["resultType"].is_string(), era == "modern");
    }
    let run = mcp_with_input(&["request", "tools/call", "-", "--json", "--", MCP, "serve-demo"], params);
    assert_eq!(run.json()["result"]["content"][0]["text"], "hi");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), params).unwrap();
    let at = format!("@{}", file.path().display());
    let run = demo_server(&["request", "tools/call", &at], &[]);
    assert!(run.stdout.starts_with("{\n  \"jsonrpc\": \"2.0\""), "{run:?}");
}

/// An error of the server is its answer: on stdout as it came, and an exit code.
#[test]
fn an_error_is_an_answer_with_exit_code_1() {
    let run = demo_server(&["request", "no/such", "--json"], &[]);
    assert_eq!((run.code, run.json()["error"]["code"].as_i64()), (Some(1), Some(-32601)), "{run:?}");
    assert_eq!(run.error_code(), "rpc_error");
    let run = demo_server(&["request", "no/such"], &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
}

#[test]
fn a_notification_has_no_answer() {
    let run = demo_server(&["request", "notifications/x", "--notify", "--trace", "--era", "legacy"], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert!(run.stderr.contains("notifications/x"), "{run:?}");
}

#[test]
fn what_cannot_be_sent_is_a_usage_error() {
    let rows: &[&[&str]] = &[
        &["request", "--json"],
        &["request", "a", "[1]", "--json"],
        &["request", "a", "{", "--json"],
        &["request", "a", "@/nowhere", "--json"],
        &["request", "a", "{}", "b", "--json"],
        // Only older revisions have it.
        &["request", "ping", "--json", "--era", "modern"],
    ];
    for args in rows {
        let run = demo_server(args, &[]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
    }
}

#[test]
fn a_ping_is_answered_in_both_eras() {
    for (era, method) in [("modern", "server/discover"), ("legacy", "ping")] {
        let run = demo_server(&["ping", "-c", "3", "-i", "1ms", "--json", "--era", era], &[]);
        let report = run.json();
        assert_eq!((run.code, report["method"].as_str()), (Some(0), Some(method)), "{run:?}");
        assert_eq!(report["times_ms"].as_array().unwrap().len(), 3);
        assert!(report["start_ms"].is_number() && report["mean_ms"].is_number());
    }
    let lines = demo_server(&["ping", "-c", "2", "-i", "1ms", "--jsonl"], &[]).stdout;
    let numbers: Vec<i64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["ping"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2]);
    let run = demo_server(&["ping", "-c", "2", "-i", "1ms"], &[]);
    assert_eq!(run.stdout.lines().count(), 4, "{run:?}");
}

#[test]
fn a_ping_that_cannot_be_has_its_exit_code() {
    let run = demo_server(&["ping", "-c", "0", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
    let run = crate::mcp(&["ping", "--json", "--", "/nowhere/server"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"));
}
