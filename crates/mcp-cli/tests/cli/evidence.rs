//! FAULT F-C1, F-C13: what a server wrote that is not MCP is in the error, and fails a call at once where it
//! shows which.

use crate::{MCP, Run, mcp, patiently};

/// Runs `mcp call x` against a script of a legacy server: it answers the handshake, then does this for the
/// call (`$ID` is its id).
fn call(script: &str, options: &[&str]) -> Run {
    let server = format!(
        r#"reply() {{ printf '%s\n' "$1"; }}
        while read -r line; do
            ID=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
            case $line in
            *server/discover*) reply '{{"jsonrpc":"2.0","id":'$ID',"error":{{"code":-32601,"message":"no"}}}}';;
            *'"initialize"'*) reply '{{"jsonrpc":"2.0","id":'$ID',"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"s","version":"1"}}}}}}';;
            *tools/list*) reply '{{"jsonrpc":"2.0","id":'$ID',"result":{{"tools":[{{"name":"x","inputSchema":{{"type":"object"}}}}]}}}}';;
            *tools/call*) {script};;
            esac
        done"#
    );
    mcp(&[&["call", "x", "--json", "--stop-grace", "50ms"], options, &["--", "sh", "-c", &server]].concat())
}

/// The call fails at once, long before its time is up, and quotes the line.
#[test]
fn a_spoiled_answer_fails_its_call_and_is_quoted() {
    let rows = [
        (r#"reply '{"jsonrpc":"2.0","id":'$ID',"result":{"mean":NaN}}'"#, "NaN"),
        (r#"reply '{"jsonrpc":"2.0","id":'$ID',"result":{}} trailing'"#, "trailing"),
        (r#"reply 'debug: {"jsonrpc":"2.0","id":'$ID',"result":{}}'"#, "debug: {"),
        (r#"printf '{\n "jsonrpc": "2.0",\n "id": %s,\n "result": {}\n}\n' $ID"#, "result"),
    ];
    for (script, quoted) in rows {
        let run = call(script, &["--timeout", "0"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(6), "protocol"), "{script}: {run:?}");
        assert!(run.error()["message"].as_str().unwrap().contains(quoted), "{script}: {run:?}");
    }
}

/// Where no id can be read, time runs out, and the error has the evidence.
#[test]
fn a_timeout_says_what_came_instead() {
    let rows = [
        (
            "reply 'Content-Length: 52'; printf '{\"jsonrpc\"'",
            &["`Content-Length: 52`", "unfinished line of 10 bytes"][..],
        ),
        ("echo 'no key' >&2; reply 'oops'", &["`oops`", "its stderr: no key"]),
    ];
    for (script, wanted) in rows {
        let cause = |run: &Run| run.error()["cause"].as_str().unwrap_or_default().to_owned();
        let run = patiently(
            |limit| call(script, &["--timeout", limit]),
            |run| wanted.iter().all(|part| cause(run).contains(part)),
        );
        assert_eq!((run.code, run.error_code().as_str()), (Some(4), "timeout"), "{run:?}");
        let cause = cause(&run);
        for part in wanted {
            assert!(cause.contains(part), "{part}: {run:?}");
        }
        assert!(run.error()["hint"].as_str().unwrap().contains("--timeout"), "{run:?}");
    }
}

/// A server that never starts, or ends with its reason on stdout.
#[test]
fn a_failed_start_says_why() {
    let script = "echo 'waiting for the database' >&2; exec sleep 1000";
    let why = "waiting for the database";
    let start = |limit: &str| {
        let options = ["tools", "--json", "--start-timeout", limit, "--stop-grace", "50ms"];
        mcp(&[&options[..], &["--", "sh", "-c", script]].concat())
    };
    let run = patiently(start, |run| run.stderr.contains(why));
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "timeout"), "{run:?}");
    assert!(run.error()["cause"].as_str().unwrap().contains(why), "{run:?}");
    let run = mcp(&["tools", "--json", "--", "sh", "-c", "echo 'no API key'; exit 0"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "closed"), "{run:?}");
    assert!(run.error().to_string().contains("no API key"), "{run:?}");
}

/// Text that was skipped is shown by `-v` and by `--trace`.
#[test]
fn skipped_text_is_shown_on_request() {
    let script = "reply 'noise one'; reply '{\"jsonrpc\":\"2.0\",\"id\":'$ID',\"result\":{\"content\":[]}}'";
    assert!(!call(script, &[]).stderr.contains("noise one"));
    for option in ["-v", "--trace"] {
        let run = call(script, &[option]);
        assert!(run.code == Some(0) && run.stderr.contains("noise one"), "{option}: {run:?}");
    }
}

/// However many lines of a log come between.
#[test]
fn a_log_on_stdout_does_not_end_the_session() {
    let script = "i=0; while [ $i -lt 1000 ]; do echo \"log $i\"; i=$((i+1)); done;
        reply '{\"jsonrpc\":\"2.0\",\"id\":'$ID',\"result\":{\"content\":[]}}'";
    let run = call(script, &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

/// FAULT F-A10, F-A12: extreme values of options are refused or mean what they say.
#[test]
fn extreme_values_of_options_do_no_harm() {
    let run = mcp(&["tools", "--max-message", "0", "--json", "--", MCP, "serve-demo"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
    let durations = ["--stop-grace", "--timeout", "--start-timeout", "--probe-timeout"];
    for time in ["0", "1000000000000000h", "584942417355y", "0.000000001ms"] {
        for option in durations {
            let run = mcp(&["ping", option, time, "--json", "--", MCP, "serve-demo"]);
            assert!(
                matches!(run.code, Some(0 | 2 | 4)) && !run.stderr.contains("panick"),
                "{option} {time}: {run:?}"
            );
        }
    }
}

/// FAULT F-A12: only the user can read a trace.
#[test]
fn a_trace_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let option = format!("--trace={}", path.display());
    assert_eq!(mcp(&["ping", &option, "--", MCP, "serve-demo"]).code, Some(0));
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// FAULT F-C14: how the process ended is the headline, and a variable that it misses is named.
#[test]
fn a_server_that_ends_at_once_is_told_by_its_exit() {
    let run = mcp(&["tools", "--json", "--", "true"]);
    assert!(run.error()["message"].as_str().unwrap().starts_with("the server exited with code 0"), "{run:?}");
    let script = "echo 'error: MY_API_KEY is not set' >&2; exit 1";
    let mut command = crate::command(&["tools", "--json", "--", "sh", "-c", script]);
    let run = crate::finish(command.env("MY_API_KEY", "x").spawn().unwrap());
    assert!(run.error()["hint"].as_str().unwrap().contains("--pass-env MY_API_KEY"), "{run:?}");
    let passed = ["tools", "--json", "--pass-env", "MY_API_KEY", "--", "sh", "-c", script];
    let run = crate::finish(crate::command(&passed).env("MY_API_KEY", "x").spawn().unwrap());
    assert!(run.error()["hint"].is_null(), "{run:?}");
    let run = mcp(&["tools", "--json", "--", "npx -y x"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"), "{run:?}");
    assert!(run.error()["message"].as_str().unwrap().contains("`npx`"), "{run:?}");
}

/// FAULT F-C11: an id as text and an error without an id settle the call at once, and are warned of once.
#[test]
fn answers_that_name_their_call_loosely_are_accepted() {
    let result =
        r#"reply '{"jsonrpc":"2.0","id":"'$ID'","result":{"content":[{"type":"text","text":"hi"}]}}'"#;
    let run = call(result, &["--timeout", "0", "-v"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stderr.matches("its id as a string").count(), 1, "{run:?}");
    for code in [-32700, -32603, -32601] {
        let error =
            format!(r#"reply '{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"boom"}}}}'"#);
        let run = call(&error, &["--timeout", "0"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(1), "rpc_error"), "{run:?}");
        assert!(run.error()["message"].as_str().unwrap().contains("boom"), "{run:?}");
    }
    let both = r#"reply '{"jsonrpc":"2.0","id":'$ID',"result":{"content":[]},"error":null}'"#;
    assert_eq!(call(both, &["--timeout", "0"]).code, Some(0));
}

/// FAULT F-C2: where a refusal names a revision, or the first question breaks a server, the hint names `--era`.
#[test]
fn a_refused_opening_hints_at_the_era() {
    let server = |opening: &str| {
        format!(
            r#"while read -r line; do
            ID=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
            {opening}
            done"#
        )
    };
    let run = |script: &str, limit: &str| {
        let options = ["tools", "--json", "--start-timeout", limit, "--stop-grace", "50ms"];
        mcp(&[&options[..], &["--", "sh", "-c", script]].concat())
    };
    let refuses = server(
        r#"printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"only 2025-06-18 is served"}}\n' $ID"#,
    );
    let hint = "--era legacy=2025-06-18";
    let refused = patiently(|limit| run(&refuses, limit), |run| run.stderr.contains(hint));
    assert!(refused.error()["hint"].as_str().unwrap().contains(hint), "{refused:?}");
    let silent = run(&server(""), "300ms");
    assert_eq!(silent.error_code(), "timeout", "{silent:?}");
    assert!(silent.error()["hint"].as_str().unwrap().contains("--"), "{silent:?}");
}
