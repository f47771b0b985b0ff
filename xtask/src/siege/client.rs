//! Hostile servers against a client whose call has a limit of 3 s.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use super::target::{Target, limited};
use super::{Attack, CALL, Ground, Report, wire};
use crate::Outcome;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "client-tiny-events",
        about: "A1: events without end",
        run: |g| flood(g, b"id: 1\ndata:\n\n"),
    },
    Attack { name: "client-comments", about: "A1: comments without end", run: |g| flood(g, b": x\n") },
    Attack { name: "client-blank-lines", about: "A1: blank lines without end", run: |g| flood(g, b"\n") },
    Attack { name: "client-retries", about: "A1: `retry` without end", run: |g| flood(g, b"retry: 1\n") },
    Attack {
        name: "client-unknown-events",
        about: "A1: unknown events without end",
        run: |g| flood(g, b"event: x\ndata: y\n\n"),
    },
    Attack { name: "client-notifications", about: "A1: progress without end", run: |g| flood(g, PROGRESS) },
    Attack { name: "client-continue", about: "A1: `100 Continue` without end", run: interim },
    Attack {
        name: "client-large-notifications",
        about: "A4: notifications of 15 MiB on a call's stream",
        run: large,
    },
];

const PROGRESS: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":0,\"progress\":1}}\n\n";
const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

/// How long the client may run before it is killed.
const MOST: Duration = Duration::from_secs(60);

fn flood(ground: &Ground, part: &'static [u8]) -> Outcome<Report> {
    let many = part.repeat((64 << 10) / part.len());
    attack(ground, move |stream| {
        stream.write_all(STREAM.as_bytes())?;
        loop {
            stream.write_all(&many)?;
        }
    })
}

fn interim(ground: &Ground) -> Outcome<Report> {
    let many = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(2000);
    attack(ground, move |stream| {
        loop {
            stream.write_all(&many)?;
        }
    })
}

fn large(ground: &Ground) -> Outcome<Report> {
    let notification = format!(
        "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":\"{}\"}}}}\n\n",
        "x".repeat(15 << 20)
    );
    attack(ground, move |stream| {
        stream.write_all(STREAM.as_bytes())?;
        for _ in 0..120 {
            stream.write_all(notification.as_bytes())?;
        }
        sleep(MOST);
        Ok(())
    })
}

/// Runs a client against a server that answers its first request and treats the call like this.
fn attack(
    ground: &Ground,
    hostile: impl Fn(&mut TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
) -> Outcome<Report> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let hostile = hostile.clone();
            spawn(move || serve(stream, &hostile));
        }
    });
    let mut command = limited(&ground.program);
    let url = format!("http://{address}/mcp");
    command.args(["request", &url, "tools/call", r#"{"name":"a","arguments":{}}"#, "--timeout", "3s"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut target = Target::start(&mut command)?;
    while start.elapsed() < MOST && matches!(target.child.try_wait(), Ok(None)) {
        sleep(Duration::from_millis(10));
    }
    let wait = start.elapsed();
    let code = target.child.try_wait().ok().flatten().map(|status| status.to_string());
    let (peak, _ended) = target.stop();
    let remark = code.unwrap_or_else(|| "it was killed".to_owned());
    Ok(Report { peak, wait: Some((wait, CALL)), faults: Vec::new(), remark })
}

/// Answers the first request, and is hostile to the next one.
fn serve(mut stream: TcpStream, hostile: &impl Fn(&mut TcpStream) -> std::io::Result<()>) -> Option<()> {
    const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}"#;
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        let whole = text.find("\r\n\r\n").and_then(|end| {
            let length: usize = wire::header(&text, "content-length")?.parse().ok()?;
            (text.len() >= end + 4 + length).then_some(end + 4 + length)
        });
        let Some(length) = whole else {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
            seen.extend_from_slice(&piece[..read]);
            continue;
        };
        seen.drain(..length);
        if !text.contains("server/discover") {
            return hostile(&mut stream).ok();
        }
        let id = text.rsplit_once("\"id\":")?.1.split([',', '}']).next()?.to_owned();
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{DISCOVERED}}}"#);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).ok()?;
    }
}
