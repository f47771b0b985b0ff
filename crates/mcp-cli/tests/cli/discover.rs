//! `mcp discover`: the table, the URL on the last line, JSON, exit codes.

use serde_json::json;

use crate::http::{Answer, Scripted, modern};
use crate::{demo_server, mcp};

fn modern_at(path: &'static str) -> Scripted {
    Scripted::start(move |asked| match asked.line.split_once(' ') {
        Some(("POST", at)) if at == path => modern(asked, asked.rpc()),
        _ => Answer::text(404, "nothing"),
    })
}

/// FAULT A-B1, A-B36: what was tried, and a URL that can be used again.
#[test]
fn the_last_line_is_the_url() {
    let server = modern_at("/tools");
    let run = mcp(&["discover", &server.origin]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let url = run.stdout.lines().last().unwrap().to_owned();
    assert_eq!(url, format!("{}/tools", server.origin));
    let head = run.stdout.lines().next().unwrap();
    assert_eq!(head.split_whitespace().take(4).collect::<Vec<_>>(), ["request", "era", "status", "ms"]);
    assert!(run.stdout.contains("404") && run.stdout.contains("scripted 1"), "{run:?}");
    assert_eq!(mcp(&["call", &url, "hello"]).stdout, "hi\n");
}

#[test]
fn the_report_is_json() {
    let server = modern_at("/mcp");
    let run = mcp(&["discover", &server.origin, "--json"]);
    let report = run.json();
    assert_eq!(
        report["found"],
        json!({"url": format!("{}/mcp", server.origin), "era": "modern", "versions": ["2026-07-28"],
            "transport": "streamable-http", "serverInfo": {"name": "scripted", "version": "1"}})
    );
    assert_eq!(
        (&report["refusal"], &report["failure"], &report["out_of_time"]),
        (&json!(null), &json!(null), &json!(false))
    );
    let attempt = &report["attempts"][0];
    assert_eq!(
        (&attempt["method"], &attempt["status"], &attempt["era"]),
        (&json!("POST"), &json!(200), &json!("modern"))
    );
    assert!(attempt["ms"].is_u64() && attempt["why"].is_string());
}

/// FAULT A-B4: a refusal is found with one POST, and exit code 3.
#[test]
fn a_refusal_is_exit_code_3() {
    let server = Scripted::guarded("authorization", "Bearer t");
    let run = mcp(&["discover", &server.origin, "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(3), "auth_required"), "{run:?}");
    assert_eq!(run.json()["refusal"]["status"], 401);
    assert_eq!(
        run.json()["attempts"][0]["challenges"],
        json!([{"scheme": "Bearer", "params": {"realm": "x"}}])
    );
    assert_eq!(run.error()["url"], format!("{}/mcp", server.origin));
    assert_eq!(server.asked().len(), 1);
    let run = mcp(&["discover", &server.origin, "-H", "Authorization: Bearer t"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn nothing_is_exit_code_4() {
    let server = Scripted::start(|_| Answer::text(404, "nothing"));
    let run = mcp(&["discover", &server.origin, "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "unreachable"), "{run:?}");
    assert_eq!(run.json()["attempts"].as_array().unwrap().len(), 11);
    assert!(run.error()["hint"].as_str().unwrap().contains("--paths"));
}

/// FAULT A-B2: the given path first and alone, the list behind it.
#[test]
fn paths_are_the_users_choice() {
    let server = modern_at("/b");
    let lines = || server.asked().iter().map(|asked| asked.line.clone()).collect::<Vec<_>>();
    assert_eq!(mcp(&["discover", &format!("{}/a", server.origin)]).code, Some(4));
    assert!(lines().iter().all(|line| line.ends_with(" /a")), "{:?}", lines());
    let run = mcp(&["discover", &server.origin, "--paths", "/a,b,/c"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(lines().last().unwrap(), "POST /b");
    assert_eq!(mcp(&["discover", &server.origin, "--paths", "/a,b,/c", "--exhaustive"]).code, Some(0));
    assert_eq!(lines().last().unwrap(), "GET /c");
    let run = mcp(&["discover", &server.origin, "--paths", "https://evil.test/x", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
}

/// A command is discovered too: its era, its revisions, who it is.
#[test]
fn a_command_is_told_of_likewise() {
    let run = demo_server(&["discover", "--json"], &[]);
    assert_eq!((run.code, &run.json()["era"]), (Some(0), &json!("modern")), "{run:?}");
    assert_eq!(demo_server(&["discover", "--json", "--exhaustive"], &[]).code, Some(2));
}
