//! `mcp serve-demo --listen`: our server over HTTP, in both eras, to its end by a signal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Run, command, finish, mcp};

/// A server that listens; it is ended with the test.
pub(crate) struct Server {
    child: Option<Child>,
    stderr: BufReader<ChildStderr>,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Server {
        Server::start_with_env(options, &[])
    }

    fn start_with_env(options: &[&str], env: &[(&str, &str)]) -> Server {
        let mut command = command(&[&["serve-demo", "--listen", "127.0.0.1:0"], options].concat());
        let mut child = command.envs(env.iter().copied()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Server { child: Some(child), stderr, url }
    }

    /// `127.0.0.1:PORT`
    fn authority(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().split('/').next().unwrap()
    }

    fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority())
    }

    /// One plain request, to the end of the connection.
    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        let host = self.authority();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(mut self, signal: Signal) -> (Run, String) {
        let child = self.child.take().unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let run = finish(child);
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (run, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// ERA-S-011, SSE24-S-006, FAULT C-47: one URL for both eras, the old one beside it, and every command of the program.
#[test]
fn every_era_is_served_on_a_free_port() {
    let server = Server::start(&["--http-sse"]);
    let rows = [
        (server.url.clone(), "auto", "2026-07-28"),
        (server.url.clone(), "legacy", "2025-11-25"),
        (server.url.clone(), "legacy=2025-03-26", "2025-03-26"),
        (server.at("/sse"), "legacy=2024-11-05", "2024-11-05"),
    ];
    for (url, era, version) in rows {
        let info = mcp(&["info", &url, "--era", era, "--json"]);
        assert_eq!((info.code, &info.json()["protocolVersion"]), (Some(0), &version.into()), "{info:?}");
        let run = mcp(&["call", &url, "add", "a=2", "b=3", "--era", era]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "5\n"), "{era}: {run:?}");
        let run = mcp(&["call", &url, "slow", "steps=2", "delay_ms=1", "-v", "--era", era]);
        assert!(run.code == Some(0) && run.stderr.contains("2/2"), "{era}: {run:?}");
        let run = mcp(&["call", &url, "fail", "--era", era]);
        assert_eq!(run.code, Some(5), "{era}: {run:?}");
    }
    let words: &[&[&str]] = &[
        &["tools"],
        &["resources"],
        &["prompts"],
        &["ping"],
        &["request", "tools/list"],
        &["read", "demo://readme"],
    ];
    for words in words {
        let run = mcp(&[&words[..1], &[&server.url], &words[1..], &["--json"]].concat());
        assert!(run.code == Some(0) && run.json().is_object(), "{words:?}: {run:?}");
    }
}

/// A bare origin, and the stream of 2024-11-05, are found.
#[test]
fn the_server_is_discovered() {
    let server = Server::start(&["--http-sse"]);
    let run = mcp(&["discover", server.authority(), "--json"]);
    let found = run.json()["found"].clone();
    assert_eq!((&found["url"], &found["era"]), (&server.url.as_str().into(), &"modern".into()), "{run:?}");
    let run = mcp(&["discover", &server.at("/sse"), "--json"]);
    assert_eq!(run.json()["found"]["transport"], "sse", "{run:?}");
    let run = mcp(&["discover", &server.at("/elsewhere"), "--json"]);
    assert_eq!(run.code, Some(4), "{run:?}");
}

/// SEC-S-001, FAULTS B, CVE-2025-66414: Host and Origin are checked, but not for the health route, which only says
/// that the server runs.
#[test]
fn hosts_origins_and_health_are_as_asked_for() {
    let options = ["--path", "/x", "--health", "--allow-origin", "https://app.test", "--cors"];
    let server = Server::start(&options);
    assert!(server.url.ends_with("/x"), "{}", server.url);
    assert!(server.get("/healthz", "").starts_with("HTTP/1.1 200"), "{}", server.get("/healthz", ""));
    assert!(server.get("/healthz", "Origin: https://evil.test\r\n").starts_with("HTTP/1.1 200"));
    assert!(server.get("/x", "Origin: https://evil.test\r\n").starts_with("HTTP/1.1 403"));
    let answer = server.get("/healthz", "Origin: https://app.test\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(mcp(&["tools", &server.url]).code, Some(0));
    assert_eq!(mcp(&["tools", &server.at("/mcp")]).code, Some(4));
}

/// FAULTS B, timing and token logging: a token from the environment, asked for and never shown.
#[test]
fn a_token_may_be_wanted() {
    let env = [("DEMO_TOKEN", "hunter2-canary")];
    let server = Server::start_with_env(&["--bearer-env", "DEMO_TOKEN", "-vv"], &env);
    let run = mcp(&["tools", &server.url, "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(3), "auth_required"), "{run:?}");
    let mut with_token = command(&["call", &server.url, "echo", "text=hi", "--bearer-env", "DEMO_TOKEN"]);
    let run = finish(with_token.envs(env).spawn().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "hi\n"), "{run:?}");
    let (_, log) = server.end(Signal::TERM);
    assert!(!log.contains("hunter2"), "{log}");
}

/// FAULT C-20: a signal ends the server in order, and the exit code tells which.
#[test]
fn a_signal_ends_the_server_in_order() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let server = Server::start(&[]);
        assert_eq!(mcp(&["ping", &server.url]).code, Some(0));
        let (run, rest) = server.end(signal);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(rest.contains("interrupted by"), "{rest}");
    }
}

/// FAULT C-47 and the posture of FAULTS B: what cannot be listened on is refused at once.
#[test]
fn a_bad_address_is_refused() {
    let server = Server::start(&[]);
    let rows: &[(&[&str], i32)] = &[
        (&["--listen", server.authority()], 1),
        (&["--listen", "nonsense"], 2),
        (&["--listen", "0.0.0.0:0"], 2),
        (&["--listen", "0.0.0.0:0", "--allow-host", "h.test"], 2),
        (&["--listen", "127.0.0.1:0", "--allow-origin", "nonsense"], 2),
        (&["--listen", "127.0.0.1:0", "--bearer-env", "NOT_SET_ANYWHERE"], 2),
        (&["--path", "/x"], 2),
    ];
    for (options, code) in rows {
        let run = mcp(&[&["serve-demo"], *options].concat());
        assert_eq!(run.code, Some(*code), "{options:?}: {run:?}");
    }
}

/// What comes of each fault over HTTP: a clear outcome, and an end (FAULT A-B4, A-B20, A-B33, C-24 to C-41).
#[test]
fn every_fault_over_http_has_its_outcome() {
    let rows: &[(&str, &[&str], i32, &str)] = &[
        ("wants-credentials", &[], 3, "auth_required"),
        ("refuses-credentials", &[], 3, "forbidden"),
        ("no-redirect", &[], 4, "unreachable"),
        ("long-body", &[], 7, "limit"),
        ("cut-stream", &[], 4, "closed"),
        ("empty-stream", &[], 4, "closed"),
        ("web-page", &[], 6, "protocol"),
        ("bad-gateway", &[], 4, "unreachable"),
        ("too-many-requests", &[], 4, "unreachable"),
        ("redirect-away", &[], 4, "unreachable"),
        ("silent-http", &["--timeout", "300ms"], 4, "timeout"),
        ("two-replies", &[], 0, ""),
        ("request-on-stream", &[], 0, ""),
    ];
    for (name, options, exit, code) in rows {
        let server = Server::start(&["--fault", name]);
        let run = mcp(&[&["call", &server.url, "echo", "text=hi", "--json"], *options].concat());
        assert_eq!(run.code, Some(*exit), "{name}: {run:?}");
        if *exit == 0 {
            assert_eq!(run.json()["content"][0]["text"], "hi", "{name}: {run:?}");
        } else {
            assert_eq!(run.error_code(), *code, "{name}: {run:?}");
            assert_eq!(run.error()["url"], server.url.as_str(), "{name}: {run:?}");
        }
    }
    let listed = mcp(&["serve-demo", "--fault", "list"]).stdout;
    let over_http: Vec<&str> = listed
        .lines()
        .filter(|line| line.split_whitespace().nth(2) == Some("HTTP"))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let mut played: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let mut named = over_http.clone();
    played.sort_unstable();
    named.sort_unstable();
    assert_eq!(played, named, "every fault is played here");
    assert_eq!(mcp(&["serve-demo", "--fault", "web-page"]).code, Some(2));
    assert_eq!(mcp(&["serve-demo", "--fault", "banner", "--listen", "127.0.0.1:0"]).code, Some(2));
}

/// AU-S-01, AU-S-02: with an issuer every request needs a token of it, and the metadata document needs none.
#[test]
fn an_issuer_protects_the_demo() {
    let server = Server::start(&["--auth-issuer", "https://login.example.com", "--auth-scope", "mcp:read"]);
    let document = server.get("/.well-known/oauth-protected-resource/mcp", "");
    assert!(document.starts_with("HTTP/1.1 200 "), "{document}");
    let body = document.split_once("\r\n\r\n").unwrap().1;
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["resource"], server.url.as_str());
    assert_eq!(body["authorization_servers"], serde_json::json!(["https://login.example.com"]));
    let run = mcp(&["discover", &server.url, "--json"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let challenge = &run.json()["attempts"][0]["challenges"][0];
    assert_eq!(challenge["scheme"], "Bearer");
    assert_eq!(challenge["params"]["scope"], "mcp:read");
    let metadata = challenge["params"]["resource_metadata"].as_str().unwrap();
    assert_eq!(metadata, server.at("/.well-known/oauth-protected-resource/mcp"));
    for wrong in [
        &["--auth-issuer", "http://login.example.com"][..],
        &["--auth-issuer", "https://login.example.com", "--auth-tool-scope", "publish"],
    ] {
        let run = mcp(&[&["serve-demo", "--listen", "127.0.0.1:0"], wrong].concat());
        assert_eq!(run.code, Some(2), "{run:?}");
    }
}
