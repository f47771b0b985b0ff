//! The `mcp` program over HTTP, with third-party servers and with ours.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mcp_tests::port::Port;
use serde_json::Value;

use crate::fixtures::{self, Program};

/// Far more than any server needs to start. Only one that hangs reaches it.
const START: Duration = Duration::from_secs(120);

/// A running server, which ends with the test.
struct Listening {
    child: Child,
    /// `127.0.0.1:PORT`
    authority: String,
}

impl Listening {
    /// Starts a server that takes its port from its arguments or from `PORT`, and waits until it listens.
    fn start(server: &Program, port: Port) -> Listening {
        let mut child = Command::new(&server.path)
            .args(&server.args)
            .env("PORT", port.number().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let authority = format!("127.0.0.1:{}", port.number());
        let begin = Instant::now();
        while TcpStream::connect(&authority).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{server:?} has ended");
            assert!(begin.elapsed() < START, "{server:?} does not listen");
            std::thread::yield_now();
        }
        Listening { child, authority }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn mcp(words: &[&str]) -> Option<Output> {
    Some(Command::new(fixtures::mcp_bin()?).args(words).arg("--json").output().unwrap())
}

fn json_of(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {stderr}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Finds the endpoint and calls a tool. Returns the endpoint, the version and the text of the call.
fn look(authority: &str, call: &[&str]) -> Option<(Value, String, String)> {
    let found = json_of(&mcp(&["discover", authority])?)["found"].clone();
    let url = found["url"].as_str().unwrap().to_owned();
    let info = json_of(&mcp(&["info", &url])?);
    assert!(json_of(&mcp(&["tools", &url])?)["tools"].as_array().unwrap().len() > 1);
    let result = json_of(&mcp(&[&["call", &url], call].concat())?);
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    Some((found, info["protocolVersion"].as_str().unwrap().to_owned(), text))
}

/// ERA-C-009, FAULT A-B1, A-B6: a legacy server, detected because it refuses the probe.
#[test]
fn mcp_finds_server_everything_over_http() {
    let Some(server) = fixtures::node_server_everything_over_http("streamableHttp") else { return };
    let server = Listening::start(&server, Port::reserve().unwrap());
    let Some((found, version, text)) = look(&server.authority, &["echo", "message=hello"]) else { return };
    assert_eq!(found["url"], format!("http://{}/mcp", server.authority));
    assert_eq!((&found["era"], &found["transport"]), (&"legacy".into(), &"streamable-http".into()));
    assert_eq!((version.as_str(), text.as_str()), ("2025-11-25", "Echo: hello"));
}

/// SSE24-C-009: the HTTP+SSE transport, which is tried last.
#[test]
fn mcp_finds_server_everything_over_http_sse() {
    let Some(server) = fixtures::node_server_everything_over_http("sse") else { return };
    let server = Listening::start(&server, Port::reserve().unwrap());
    let Some((found, _, text)) = look(&server.authority, &["echo", "message=hello"]) else { return };
    assert_eq!(found["url"], format!("http://{}/sse", server.authority));
    assert_eq!((&found["transport"], text.as_str()), (&"sse".into(), "Echo: hello"));
}

/// ERA-C-006: the probe detects a modern server.
#[test]
fn mcp_finds_the_python_sdk_over_http() {
    let port = Port::reserve().unwrap();
    let Some(server) = fixtures::modern_server_over_http(port.number()) else { return };
    let server = Listening::start(&server, port);
    let Some((found, version, text)) = look(&server.authority, &["add", "a=40", "b=2"]) else { return };
    assert_eq!((&found["era"], &found["serverInfo"]["name"]), (&"modern".into(), &"modern-fixture".into()));
    assert_eq!((version.as_str(), text.as_str()), ("2026-07-28", "42"));
}

/// FAULT C-47: our server on a port that the system selects.
#[test]
fn mcp_finds_its_own_server() {
    let Some(program) = fixtures::mcp_bin() else { return };
    let mut command = Command::new(program);
    command.args(["serve-demo", "--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap().to_owned();
    let server = Listening { child, authority };
    let Some((found, version, text)) = look(&server.authority, &["add", "a=40", "b=2"]) else { return };
    assert_eq!((&found["url"], &found["era"]), (&url.into(), &"modern".into()));
    assert_eq!((version.as_str(), text.as_str()), ("2026-07-28", "42"));
}
