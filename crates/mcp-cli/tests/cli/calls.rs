//! `info`, `tools` and `call` against the built-in server.

use crate::{MCP, demo_server, mcp, mcp_with_input};

#[test]
fn info_tells_identity_revisions_and_abilities_in_each_era() {
    for (era, version) in
        [("auto", "2026-07-28"), ("modern", "2026-07-28"), ("legacy=2025-03-26", "2025-03-26")]
    {
        let run = demo_server(&["info", "--json", "--era", era], &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let info = run.json();
        assert_eq!(info["protocolVersion"], version);
        assert_eq!(info["serverInfo"]["name"], "mcp-demo");
        assert_eq!(info["capabilities"]["resources"]["subscribe"], true);
    }
    let run = demo_server(&["info"], &[]);
    assert!(run.stdout.starts_with("server   mcp-demo"), "{}", run.stdout);
}

#[test]
fn tools_are_listed_with_signatures_filtered_and_as_json() {
    let run = demo_server(&["tools", "--grep", "NUMBERS"], &[]);
    assert_eq!(run.stdout.lines().nth(1), Some("add(a: number, b: number)  Adds two numbers"), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 2);
    let tools = demo_server(&["tools", "--json"], &[]).json();
    assert_eq!(tools["tools"][0]["inputSchema"]["required"][0], "a");
    let run = demo_server(&["tools", "--schema", "--grep", "slow"], &[]);
    assert!(run.stdout.contains("\"delay_ms\""), "{}", run.stdout);
}

/// k=v is typed by the schema: text stays text where the tool wants text.
#[test]
fn arguments_are_typed_by_the_tools_schema() {
    assert_eq!(demo_server(&["call", "add", "a=2", "b=-0.5"], &[]).stdout, "1.5\n");
    assert_eq!(demo_server(&["call", "echo", "text=007"], &[]).stdout, "007\n");
    let refused = demo_server(&["call", "add", "a=two", "b=3", "--json"], &[]);
    assert_eq!((refused.code, refused.error_code().as_str()), (Some(2), "usage"));
}

#[test]
fn arguments_come_from_json_a_file_and_stdin() {
    let json = r#"{"text":"from json"}"#;
    assert_eq!(demo_server(&["call", "echo", "--args", json], &[]).stdout, "from json\n");
    let run = mcp_with_input(&["call", "echo", "--args", "-", "--", MCP, "serve-demo"], json);
    assert_eq!(run.stdout, "from json\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json).unwrap();
    let at = format!("@{}", file.path().display());
    let run = demo_server(&["call", "echo", "--args", &at, "text=wins"], &[]);
    assert_eq!(run.stdout, "wins\n");
}

/// The bare result, byte for byte as it came; text in a pipe is raw.
#[test]
fn json_output_is_the_bare_result_and_piped_text_is_raw() {
    let run = demo_server(&["call", "echo", "--json", "text=\u{1b}[31mred"], &[]);
    assert_eq!(run.json()["content"][0]["text"], "\u{1b}[31mred");
    assert_eq!(run.stdout.lines().count(), 1);
    let run = demo_server(&["call", "echo", "text=\u{1b}[31mred"], &[]);
    assert_eq!(run.stdout, "\u{1b}[31mred\n");
}

/// The same tool asks in both eras, and the same option answers.
#[test]
fn a_question_is_answered_by_an_option_in_both_eras() {
    for era in ["modern", "legacy"] {
        let run = demo_server(&["call", "ask", "--era", era, "--input", r#"name={"name":"Bo"}"#], &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Hello, Bo!\n"), "{run:?}");
        let run = demo_server(
            &["call", "ask", "--era", era, "--input", r#"elicitation={"action":"decline"}"#],
            &[],
        );
        assert_eq!(run.stdout, "Hello, stranger!\n", "{run:?}");
    }
}

#[test]
fn a_question_without_an_answer_is_a_clear_error() {
    for era in ["modern", "legacy"] {
        let run = demo_server(&["call", "ask", "--json", "--era", era], &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.error()["message"].as_str().unwrap().contains("What is your name?"), "{run:?}");
    }
}

#[test]
fn progress_and_log_messages_go_to_stderr() {
    let run = demo_server(&["call", "slow", "steps=2", "delay_ms=1", "-v"], &[]);
    assert_eq!(run.stdout, "counted to 2\n");
    assert!(run.stderr.contains("1/2 step 1 of 2"), "{}", run.stderr);
    for era in ["modern", "legacy"] {
        let run = demo_server(&["call", "log", "text=hello", "--log", "debug", "--era", era], &[]);
        assert!(run.stderr.contains("log info demo: hello"), "{era}: {run:?}");
    }
    let run = demo_server(&["call", "log", "text=hello", "--log", "debug", "-q"], &[]);
    assert_eq!(run.stderr, "");
}

/// FAULT C-14 (ledger STDIO-S-002): what a handler prints does not reach the wire. FAULT C-50: a panic is
/// one caller's error.
#[test]
fn a_print_and_a_panic_stay_on_the_servers_side() {
    let run = demo_server(&["call", "print"], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "printed to stdout\n"), "{run:?}");
    let run = demo_server(&["call", "panic", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(1), "rpc_error"));
    assert_eq!(run.error()["rpc"]["code"], -32603);
}

#[test]
fn a_large_reply_arrives_whole() {
    let run = demo_server(&["call", "big", "bytes=3000000"], &[]);
    assert_eq!(run.stdout.len(), 3_000_001);
}

/// The trace has every message, and goes to a file or to stderr; stdout stays the result.
#[test]
fn the_trace_is_json_lines() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let option = format!("--trace={}", file.path().display());
    let run = demo_server(&["call", "echo", "text=x", &option], &[]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("x\n", ""));
    let trace = std::fs::read_to_string(file.path()).unwrap();
    let methods: Vec<String> = trace
        .lines()
        .filter_map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["message"]["method"].as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(methods, ["server/discover", "tools/list", "tools/call"]);
    let run = demo_server(&["call", "echo", "text=x", "--trace"], &[]);
    assert!(run.stderr.lines().all(|line| line.starts_with('{')), "{}", run.stderr);
}

/// FAULTS B, environment leakage: only what is named is passed on.
#[cfg(unix)]
#[test]
fn the_server_sees_only_the_variables_it_is_given() {
    let script = "echo \"seen: ${SECRET_A:-none} ${SECRET_B:-none} ${SET:-none} $PWD\" >&2; exit 3";
    let run = crate::finish(
        crate::command(&["info", "-e", "SET=1", "--pass-env", "SECRET_B", "--cwd", "/", "--json"])
            .args(["--", "sh", "-c", script])
            .env("SECRET_A", "a")
            .env("SECRET_B", "b")
            .spawn()
            .unwrap(),
    );
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.error()["process"]["stderr"].as_str().unwrap().contains("seen: none b 1 /"), "{run:?}");
}

#[test]
fn colour_is_for_those_who_ask() {
    let plain = demo_server(&["tools"], &[]);
    assert!(!plain.stdout.contains('\u{1b}'));
    let coloured = mcp(&["tools", "--color", "always", "--", MCP, "serve-demo"]);
    assert!(coloured.stdout.contains("\u{1b}[1m"), "{}", coloured.stdout);
}

/// FAULT F-C21: a list that was filtered to nothing is not an empty one, and what a tool requires is requested
/// before the call.
#[test]
fn nothing_found_and_nothing_given_are_told() {
    let run = demo_server(&["tools", "--grep", "zzz"], &[]);
    assert!(run.stdout.starts_with("none of ") && run.stdout.ends_with(" tools matches\n"), "{run:?}");
    assert_eq!(demo_server(&["tools", "--grep", "zzz", "--jsonl"], &[]).stdout, "");
    for words in [&["call", "add"][..], &["call", "add", "a=1"]] {
        let run = demo_server(&[words, &["--json"]].concat(), &[]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
        assert!(run.error()["message"].as_str().unwrap().ends_with('b'), "{run:?}");
    }
    // JSON is sent as it is: the server decides.
    assert_ne!(demo_server(&["call", "add", "--args", "{}", "--json"], &[]).code, Some(2));
    // FAULT F-C18: the hint for a tool that is not there.
    let run = demo_server(&["call", "nope", "--json"], &[]);
    assert!(run.error()["hint"].as_str().unwrap().contains("--input"), "{run:?}");
}

/// FAULT F-C18: every command declares the same, so that every command sees the same server.
#[cfg(unix)]
#[test]
fn every_command_declares_the_same_capabilities() {
    let declared = |args: &[&str]| -> serde_json::Value {
        let script = "read -r line; printf '%s\\n' \"$line\" >&2; exit 3";
        let run = mcp(&[args, &["--json", "--era", "legacy", "--", "sh", "-c", script]].concat());
        let error = run.error();
        let line = error["process"]["stderr"].as_str().unwrap();
        let initialize: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
        initialize["params"]["capabilities"].clone()
    };
    let call = declared(&["call", "x"]);
    assert!(call["elicitation"].is_object(), "{call}");
    for args in [&["tools"][..], &["info"], &["read", "x:y"], &["request", "ping"], &["tool", "x"]] {
        assert_eq!(declared(args), call, "{args:?}");
    }
}
