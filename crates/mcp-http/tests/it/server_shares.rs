//! Slow calls of one caller leave something for others, over both versions of HTTP.

use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_http::server::Peer;

use crate::legacy_kit::until;
use crate::server_kit::{Running, body, call, soon};
use crate::server_stall::http2_from;

/// A server for 64 calls at a time: `wait` never ends, `echo` answers at once.
fn small() -> Server {
    let router = Router::new()
        .tool(ToolDef::new("wait"), |_, context| async move {
            context.cancelled().await;
            Ok::<_, HandlerError>("cancelled")
        })
        .tool(ToolDef::new("echo"), |_, _| async { Ok::<_, HandlerError>("echo") });
    Server::builder("small", "1").max_in_flight(64).build(router).unwrap()
}

fn peer(last: u8, port: u16) -> Peer {
    Peer::Tcp(([192, 0, 2, last], port).into())
}

fn modern(tool: &str) -> Request<Full<Bytes>> {
    Request::post("http://localhost/mcp")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .body(Full::new(body("1", "tools/call", &format!(r#""name":"{tool}","arguments":{{}}"#)).into()))
        .unwrap()
}

/// FAULT F-A9: six HTTP/2 connections with more slow calls than the server has places. Another connection is served, whether the
/// addresses differ or not.
#[tokio::test(start_paused = true)]
async fn slow_http2_calls_of_six_connections_leave_something_for_others() {
    for good in [1, 2] {
        let running = Running::start(small(), |_| {});
        let mut attackers = Vec::new();
        for port in 0..6 {
            let (sender, connection) = http2_from::<Full<Bytes>>(&running, 1 << 16, peer(1, port)).await;
            tokio::spawn(connection);
            for _ in 0..40 {
                let mut sender: SendRequest<_> = sender.clone();
                attackers.push(tokio::spawn(async move { sender.send_request(modern("wait")).await }));
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (mut sender, connection) = http2_from(&running, 1 << 16, peer(good, 999)).await;
        let connection = tokio::spawn(connection);
        let start = tokio::time::Instant::now();
        let answer = soon(sender.send_request(modern("echo"))).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        connection.abort();
        attackers.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// FAULT F-A9: the same over HTTP/1, where a connection has one call: 200 connections from one address.
#[tokio::test(start_paused = true)]
async fn slow_http1_calls_of_one_address_leave_something_for_others() {
    let running = Running::start(small(), |_| {});
    let mut attackers = Vec::new();
    for port in 0..200 {
        let mut raw = running.open_from(peer(1, port));
        raw.write(call("1", "wait", "{}")).await;
        attackers.push(raw);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for port in 0..4 {
        let mut raw = running.open_from(peer(2, port));
        let start = tokio::time::Instant::now();
        raw.write(call("1", "echo", "{}")).await;
        assert_eq!(soon(raw.answer()).await.status, 200);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    // What the attackers gave back is free again.
    drop(attackers);
    let service = running.service.clone();
    until("nothing is left", || service.sessions() == Default::default()).await;
}
