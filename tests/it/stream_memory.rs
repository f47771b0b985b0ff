//! Memory of streams under attack: each scenario runs in a process that may take four times the budget that it
//! configures.

use std::time::Duration;

use mcp_core::client::{Client, EraMode, Reconnect};
use mcp_core::message::RawJson;
use mcp_core::server::{ResourceDef, Router, Server, ServerBuilder, ToolDef};
use mcp_stdio::{StreamConnect, StreamTransport};
use mcp_tests::memory::limited;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const MIB: usize = 1 << 20;

/// The budget of each scenario.
const BUDGET: usize = 16 * MIB;

/// Runs the scenario of this test on a virtual clock, and compares the memory that it took with the budget.
fn in_limited_process(test: &str, scenario: impl Future<Output = ()>) {
    let Some(memory) = limited(module_path!(), test, BUDGET) else { return };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(scenario);
    memory.assert_kept();
}

fn builder() -> ServerBuilder {
    Server::builder("test", "1")
        .max_link_unread_bytes(BUDGET)
        .max_batch_bytes(BUDGET / 2)
        .max_subscription_bytes(BUDGET)
        .max_in_flight_bytes(BUDGET)
}

fn router() -> Router {
    let large = RawJson::object([("text", RawJson::string(&"x".repeat(3 * MIB)))]);
    let slow = large.clone();
    // A copy each time, as a handler that reads a file makes.
    let copy = |large: &RawJson| RawJson::parse(large.to_string()).unwrap();
    Router::new()
        .tool(ToolDef::new("echo"), |arguments, _| async move { Ok(arguments.to_string()) })
        .method("x/large", move |_, _| {
            let large = large.clone();
            async move { Ok(copy(&large)) }
        })
        .method("x/slow", move |_, _| {
            let large = slow.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(copy(&large))
            }
        })
        .method("x/small", |_, _| async { Ok(RawJson::EMPTY_OBJECT) })
        .method("x/hang", |_, _| std::future::pending::<Result<RawJson, mcp_core::server::HandlerError>>())
}

/// The peer's end of a link that a server serves.
fn serve(server: &Server) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(theirs);
    let server = server.clone();
    tokio::spawn(async move { server.serve(StreamTransport::new(reader, writer)).await });
    ours
}

fn modern(id: usize, method: &str, members: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}{members}}}}}
"#
    )
}

/// Lets everything happen that can happen without the peer.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// Writes as long as the server reads.
async fn write(peer: &mut DuplexStream, text: &str) -> bool {
    tokio::time::timeout(Duration::from_secs(30), peer.write_all(text.as_bytes())).await.is_ok()
}

/// FAULT F-A7: 1,024 answers of 3 MiB to a peer that does not read.
#[test]
fn a_peer_that_does_not_read_does_not_fill_a_server() {
    in_limited_process("a_peer_that_does_not_read_does_not_fill_a_server", unread_answers());
}

async fn unread_answers() {
    let server = builder().write_timeout(Duration::from_secs(600)).build(router()).unwrap();
    let mut peer = serve(&server);
    for id in 0..1024 {
        if !write(&mut peer, &modern(id, "x/large", "")).await {
            break;
        }
    }
    settle().await;
    assert_eq!(server.links(), 1);
}

/// The same, with handlers that all run before the first of them answers.
#[test]
fn slow_handlers_do_not_fill_a_server() {
    in_limited_process("slow_handlers_do_not_fill_a_server", slow_unread_answers());
}

async fn slow_unread_answers() {
    let server = builder().write_timeout(Duration::from_secs(600)).build(router()).unwrap();
    let mut peer = serve(&server);
    for id in 0..700 {
        assert!(write(&mut peer, &modern(id, "x/slow", "")).await);
    }
    settle().await;
    // What was refused is answered.
    let (mut text, mut seen, mut refused) = (vec![0; 1 << 16], 0, 0);
    while seen < 700 {
        let read = peer.read(&mut text).await.unwrap();
        seen += text[..read].iter().filter(|byte| **byte == b'\n').count();
        refused += String::from_utf8_lossy(&text[..read]).matches("max_link_unread_bytes").count();
    }
    assert!(refused > 600, "{refused}");
}

/// FAULT F-A3: 400 answers of 3 MiB wait for the last one of their batch.
#[test]
fn a_batch_does_not_fill_a_server() {
    in_limited_process("a_batch_does_not_fill_a_server", batch());
}

async fn batch() {
    let server = builder().build(router()).unwrap();
    let mut peer = serve(&server);
    let hello = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
"#;
    assert!(write(&mut peer, hello).await);
    let mut calls: Vec<String> =
        (0..400).map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x/large"}}"#)).collect();
    calls.push(r#"{"jsonrpc":"2.0","id":"hang","method":"x/hang"}"#.into());
    assert!(write(&mut peer, &format!("[{}]\n", calls.join(","))).await);
    settle().await;
    assert!(write(&mut peer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"hang\"}}\n").await);
    let (mut text, mut lines, mut refused) = (vec![0; 1 << 16], 0, 0);
    while lines < 2 {
        let read = peer.read(&mut text).await.unwrap();
        lines += text[..read].iter().filter(|byte| **byte == b'\n').count();
        refused += String::from_utf8_lossy(&text[..read]).matches("max_batch_bytes").count();
    }
    assert!(refused > 300, "{refused}");
}

/// FAULT F-A2: filters of 4 MiB, and many filters of many short URIs.
#[test]
fn filters_do_not_fill_a_server() {
    in_limited_process("filters_do_not_fill_a_server", filters());
}

async fn filters() {
    let subscribable = Router::new()
        .resource(ResourceDef::new("mem://a", "a"), |_, _| async { Ok(RawJson::EMPTY_OBJECT) })
        .subscribe();
    let server = builder().build(subscribable).unwrap();
    let (mut reader, mut writer) = tokio::io::split(serve(&server));
    tokio::spawn(async move { while reader.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} });
    let filter = |uris: usize| {
        format!(r#","notifications":{{"resourceSubscriptions":[{}]}}"#, vec![r#""a""#; uris].join(","))
    };
    for id in 0..8 {
        writer.write_all(modern(id, "subscriptions/listen", &filter(MIB)).as_bytes()).await.unwrap();
    }
    for id in 0..1500 {
        writer.write_all(modern(100 + id, "subscriptions/listen", &filter(1024)).as_bytes()).await.unwrap();
    }
    settle().await;
    assert_eq!(server.links(), 1);
}

/// FAULT F-A4: 200 notifications of 4 MiB that are not read.
#[test]
fn notifications_do_not_fill_a_client() {
    in_limited_process("notifications_do_not_fill_a_client", unread_notifications());
}

async fn unread_notifications() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(theirs);
        let hello = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"m","version":"1"}}}
"#;
        let _request = reader.read(&mut [0; 4096]).await.unwrap();
        writer.write_all(hello.as_bytes()).await.unwrap();
        let text = "x".repeat(4 * MIB);
        let notification = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{{\"text\":\"{text}\"}}}}\n"
        );
        for _ in 0..200 {
            writer.write_all(notification.as_bytes()).await.unwrap();
        }
        writer
    });
    let (reader, writer) = tokio::io::split(ours);
    let client = Client::builder("test", "1")
        .era(EraMode::Legacy(mcp_core::message::ProtocolVersion::V2025_11_25))
        .reconnect(Reconnect::Never)
        .unread_bytes(BUDGET)
        .connect(StreamConnect::new(StreamTransport::new(reader, writer)))
        .await
        .unwrap();
    let readers: Vec<_> = (0..4).map(|_| client.notifications()).collect();
    let _writer = server.await.unwrap();
    settle().await;
    assert!(readers.iter().all(|reader| reader.dropped() > 150));
}

/// FAULT F-A13: 1,000 small requests that last, between large lines.
#[test]
fn small_requests_between_large_lines_do_not_keep_their_buffers() {
    in_limited_process("small_requests_between_large_lines_do_not_keep_their_buffers", small_between_large());
}

async fn small_between_large() {
    let server = builder().max_in_flight(2000).build(router()).unwrap();
    let mut peer = serve(&server);
    let large = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"x\":\"{}\"}}}}\n",
        "x".repeat(184 * 1024)
    );
    for id in 0..1000 {
        assert!(write(&mut peer, &modern(id, "x/hang", "")).await);
        assert!(write(&mut peer, &large).await);
    }
    settle().await;
    assert_eq!(server.links(), 1);
}

/// 4,096 calls at once to a server whose bound is 1,024.
#[test]
fn a_burst_is_answered_in_bounded_memory() {
    in_limited_process("a_burst_is_answered_in_bounded_memory", burst());
}

async fn burst() {
    let server = builder().max_in_flight(1024).build(router()).unwrap();
    let peer = serve(&server);
    let (mut reader, mut writer) = tokio::io::split(peer);
    let calls: String = (0..4096).map(|id| modern(id, "x/small", "")).collect();
    let writing = tokio::spawn(async move {
        writer.write_all(calls.as_bytes()).await.unwrap();
        writer
    });
    let (mut text, mut answers) = (vec![0; 1 << 16], 0);
    while answers < 4096 {
        let read = reader.read(&mut text).await.unwrap();
        let text = String::from_utf8_lossy(&text[..read]);
        assert!(read > 0 && !text.contains("error"), "{text}");
        answers += text.matches('\n').count();
    }
    drop(writing.await.unwrap());
}
