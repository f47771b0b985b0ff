//! `check`: our servers pass in both eras over both wires, and each fault is found under its rule.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{MCP, Run, command, mcp};

/// The ids of a kind in the report.
fn ids(run: &Run, result: &str) -> Vec<String> {
    let report = run.json();
    let findings = report["findings"].as_array().unwrap();
    let of = findings.iter().filter(|finding| finding["result"] == result);
    let mut ids: Vec<String> = of.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    ids
}

#[test]
fn our_servers_pass_over_stdio() {
    let run = mcp(&["check", "--json", "--call", "--", MCP, "serve-demo"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((ids(&run, "fault"), ids(&run, "warning")), (vec![], vec![]), "{run:?}");
    let passed = ids(&run, "ok");
    for rule in
        ["DISC-S-003", "LIFE-S-003", "RPC-B-018", "RPC-B-022", "RPC-B-023", "PAGE-S-004", "STDIO-S-011"]
    {
        assert!(passed.contains(&rule.to_owned()), "{rule}: {run:?}");
    }
}

#[test]
fn our_servers_pass_over_http() {
    let mut server = command(&["serve-demo", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let run = mcp(&["check", "--json", "--junit", junit.to_str().unwrap(), &url]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((ids(&run, "fault"), ids(&run, "warning")), (vec![], vec![]), "{run:?}");
    for rule in ["SEC-S-001", "SEC-S-003", "SESS-S-007", "HDR-S-005", "HTTP-S-013", "RPC-B-018"] {
        assert!(ids(&run, "ok").contains(&rule.to_owned()), "{rule}: {run:?}");
    }
    let junit = std::fs::read_to_string(junit).unwrap();
    assert!(junit.contains("failures=\"0\"") && junit.contains("SEC-S-001"), "{junit}");
}

/// What stdout has beside messages, and a server that has to be killed.
#[test]
fn faults_of_processes_are_found() {
    for (fault, rule) in
        [("banner", "STDIO-S-002"), ("ignores-term", "STDIO-S-011"), ("paging-loop", "PAGE-S-004")]
    {
        let run = mcp(&["check", "--json", "--", MCP, "serve-demo", "--fault", fault]);
        let found: Vec<String> = [ids(&run, "fault"), ids(&run, "warning")].concat();
        assert!(found.contains(&rule.to_owned()), "{fault}: {run:?}");
    }
}

/// A process that outlives its server, in a session for itself.
#[cfg(target_os = "linux")]
#[test]
fn an_orphan_is_found_and_ended() {
    // A unique duration, which identifies the process.
    let time = (1_000_000 + std::process::id()).to_string();
    let script = format!("setsid sleep {time} </dev/null >/dev/null 2>&1 & exec {MCP} serve-demo");
    let run = mcp(&["check", "--json", "--", "sh", "-c", &script]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(ids(&run, "fault"), ["T-45"], "{run:?}");
    let report = run.json();
    let seen =
        report["findings"].as_array().unwrap().iter().find_map(|finding| finding["seen"].as_str()).unwrap();
    let id: u32 = seen.split(['(', ')']).nth(1).unwrap().parse().unwrap();
    crate::gone(id);
    // Several servers were started, and each has left one.
    let words = format!("sleep\0{time}\0");
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line == words.as_bytes() {
            crate::gone(entry.file_name().to_str().unwrap().parse().unwrap());
        }
    }
}

/// A faulty server over HTTP: legacy, with sessions, right but for one thing.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Origin,
    Host,
    ContentType,
    Session400,
    Cursor,
    Batch,
    PlainText,
}

/// Serves until the test ends, and returns the URL.
fn serve(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, fault);
        }
    });
    url
}

fn answer(stream: TcpStream, fault: Fault) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let Some(method) = head.first().and_then(|line| line.split(' ').next()) else { return };
    let header = |name: &str| {
        let line = head.iter().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.map(|line| line.split_once(':').unwrap().1.trim().to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, session, text) = respond(method, &header, &body, fault);
    let kind = if fault == Fault::ContentType { "text/html" } else { "application/json" };
    let session = session.map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
    let reply = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{session}Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    let mut stream = stream;
    let _gone = stream.write_all(reply.as_bytes());
}

const SESSION: &str = "0123456789abcdef0123456789abcdef";

type Answer = (u16, Option<&'static str>, String);

fn respond(method: &str, header: &dyn Fn(&str) -> Option<String>, body: &[u8], fault: Fault) -> Answer {
    let error = |status, code: i64, id: Value| {
        let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "no"}});
        (status, None, error.to_string())
    };
    if fault != Fault::Origin && header("origin").is_some() {
        return error(403, -32600, Value::Null);
    }
    if fault != Fault::Host && !header("host").unwrap_or_default().starts_with("127.0.0.1") {
        return error(403, -32600, Value::Null);
    }
    if method == "GET" {
        return (405, None, String::new());
    }
    let no_session = || {
        if fault == Fault::Session400 {
            error(400, -32600, Value::Null)
        } else {
            error(404, -32600, Value::Null)
        }
    };
    if method == "DELETE" {
        // Not supported, so the session stays.
        return (405, None, String::new());
    }
    if fault != Fault::PlainText && header("content-type").as_deref() != Some("application/json") {
        return error(415, -32600, Value::Null);
    }
    let message: Value = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(_) => return error(400, -32700, Value::Null),
    };
    let id = message["id"].clone();
    let result = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    if message["method"] == "initialize" {
        let result = result(json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "faulty", "version": "1"}}));
        return (200, Some(SESSION), result);
    }
    match header("mcp-session-id").as_deref() {
        Some(SESSION) => {}
        None => return error(400, -32600, id),
        Some(_) => return no_session(),
    }
    if header("mcp-protocol-version").is_some_and(|version| version != "2025-11-25") {
        return error(400, -32600, id);
    }
    if let Value::Array(items) = &message {
        if fault != Fault::Batch {
            return error(400, -32600, Value::Null);
        }
        let answers: Vec<Value> =
            items.iter().map(|item| json!({"jsonrpc": "2.0", "id": item["id"], "result": {}})).collect();
        return (200, None, Value::from(answers).to_string());
    }
    if message.get("id").is_none() {
        return (202, None, String::new());
    }
    match message["method"].as_str().unwrap_or_default() {
        "ping" => (200, None, result(json!({}))),
        "tools/list" if fault != Fault::Cursor && message["params"].get("cursor").is_some() => {
            error(200, -32602, id)
        }
        "tools/list" => (200, None, result(json!({"tools": []}))),
        _ => error(200, -32601, id),
    }
}

/// Each fault under its own rule, and only that one.
#[test]
fn faults_over_http_are_found_under_their_rules() {
    let rows: [(Fault, &[&str]); 7] = [
        (Fault::None, &[]),
        (Fault::Origin, &["SEC-S-001"]),
        (Fault::Host, &["SEC-S-003"]),
        (Fault::ContentType, &["HTTP-S-004"]),
        (Fault::Session400, &["SESS-S-007"]),
        (Fault::Batch, &["RPC-B-022"]),
        (Fault::PlainText, &["T-23"]),
    ];
    for (fault, rules) in rows {
        let run = mcp(&["check", "--json", &serve(fault)]);
        assert_eq!(ids(&run, "fault"), rules, "{run:?}");
        assert_eq!(run.code, Some(if rules.is_empty() { 0 } else { 1 }), "{run:?}");
        assert_eq!(ids(&run, "warning"), [""; 0], "{run:?}");
        assert!(ids(&run, "ok").len() > 10, "{run:?}");
    }
}

/// PAGE-S-004: the protocol recommends that an unknown cursor is refused, and published servers ignore it.
#[test]
fn an_ignored_cursor_is_a_warning() {
    let run = mcp(&["check", "--json", &serve(Fault::Cursor)]);
    assert_eq!((run.code, ids(&run, "fault")), (Some(0), vec![]), "{run:?}");
    assert_eq!(ids(&run, "warning"), ["PAGE-S-004"], "{run:?}");
}

/// What is not MCP at all is a separate error, not a list of faults.
#[test]
fn what_is_no_server_is_an_error() {
    let cat =
        |limit: &str| mcp(&["check", "--json", "--start-timeout", limit, "--timeout", limit, "--", "cat"]);
    let run = crate::patiently(cat, |run| run.code == Some(6));
    assert_eq!((run.code, run.error_code().as_str()), (Some(6), "protocol"), "{run:?}");
    let run = mcp(&["check", "--json", "--", "/nowhere/server"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"), "{run:?}");
    let (_bound, address) = crate::closed_address();
    let run = mcp(&["check", "--json", &format!("http://{address}/mcp")]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "unreachable"), "{run:?}");
}

/// The table names the rule and the remedy.
#[test]
fn the_table_has_rules_and_remedies() {
    let mut child = command(&["check", &serve(Fault::Batch)]);
    let run = crate::finish(child.stdin(Stdio::null()).spawn().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    assert!(
        run.stdout.contains("RPC-B-022") && run.stdout.contains("answer one -32600 error object"),
        "{run:?}"
    );
    assert!(run.stdout.trim_end().ends_with("skipped"), "{run:?}");
}
