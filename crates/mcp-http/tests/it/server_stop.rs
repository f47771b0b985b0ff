//! A server that stops: what is in flight is answered, what is new is refused, and nothing hangs.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::server_kit::{Running, call, http};

/// A tool that waits until it may go on.
fn gated() -> (Server, mpsc::UnboundedReceiver<()>, Arc<Notify>) {
    let (began, has_begun) = mpsc::unbounded_channel();
    let gate = Arc::new(Notify::new());
    let open = gate.clone();
    let router = Router::new()
        .tool(ToolDef::new("gate"), move |_, _| {
            let (began, gate) = (began.clone(), gate.clone());
            async move {
                let _ = began.send(());
                gate.notified().await;
                Ok::<_, HandlerError>("through")
            }
        })
        .tool(ToolDef::new("echo"), |_, _| async move { Ok::<_, HandlerError>("echo") });
    (Server::builder("test", "1").build(router).unwrap(), has_begun, open)
}

/// What is in flight is answered, then its connection ends; idle connections end at once.
#[tokio::test(start_paused = true)]
async fn what_is_in_flight_is_answered() {
    let (server, mut has_begun, gate) = gated();
    let mut running = Running::start(server, |_| {});
    let mut idle = running.open();
    idle.write(call("1", "echo", "{}")).await;
    assert_eq!(idle.answer().await.status, 200);
    let fresh = running.open();
    let mut busy = running.open();
    busy.write(call("2", "gate", "{}")).await;
    has_begun.recv().await.unwrap();
    let start = Instant::now();
    running.stop();
    assert_eq!(idle.rest().await, "");
    assert_eq!(fresh.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 0);
    tokio::time::sleep(Duration::from_secs(9)).await;
    gate.notify_one();
    let answer = busy.answer().await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "through");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(busy.rest().await, "");
    let served = running.stopped().await;
    assert_eq!((served.connections, served.cut), (3, 0));
}

/// A connection that was silent for long, whose buffers were let go, serves on: requests that come in pieces, and two at
/// once. It ends with the server.
#[tokio::test(start_paused = true)]
async fn a_silent_connection_serves_on_and_ends_with_the_server() {
    const SILENCE: Duration = Duration::from_secs(50);
    let (server, ..) = gated();
    let mut running = Running::start(server, |_| {});
    let mut silent = running.open();
    // Some clients end a body with an empty line that does not belong to it.
    silent.write(call("1", "echo", "{}") + "\r\n").await;
    assert_eq!(silent.answer().await.status, 200);
    tokio::time::sleep(SILENCE).await;
    let request = call("2", "echo", "{}");
    let (start, rest) = request.split_at(5);
    let (middle, end) = rest.split_at(60);
    for piece in [start, middle, end] {
        silent.write(piece).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(silent.answer().await.json()["id"], 2);
    tokio::time::sleep(SILENCE).await;
    silent.write([call("3", "echo", "{}"), call("4", "echo", "{}")].concat()).await;
    assert_eq!(silent.answer().await.json()["id"], 3);
    assert_eq!(silent.answer().await.json()["id"], 4);
    tokio::time::sleep(SILENCE).await;
    let stopped = Instant::now();
    running.stop();
    assert_eq!(silent.rest().await, "");
    assert_eq!(stopped.elapsed().as_secs(), 0);
    assert_eq!(running.stopped().await.cut, 0);
}

/// What takes longer than the drain limit is cut, and counted; its handler is cancelled.
#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_cut() {
    let (server, mut has_begun, _gate) = gated();
    let mut running = Running::start(server.clone(), |_| {});
    let mut busy = running.open();
    busy.write(call("2", "gate", "{}")).await;
    has_begun.recv().await.unwrap();
    let start = Instant::now();
    running.stop();
    assert_eq!(busy.rest().await, "");
    let served = running.stopped().await;
    assert_eq!((served.connections, served.cut), (1, 1));
    assert_eq!(start.elapsed().as_secs(), 10);
    // The handler has its grace period.
    assert!(server.drain(Duration::from_secs(6)).await);
    assert_eq!(start.elapsed().as_secs(), 15);
}

/// The health path: 200 while the server serves; it says nothing, and has no other method.
#[tokio::test]
async fn health_is_a_status_and_nothing_else() {
    let (server, ..) = gated();
    let running = Running::start(server, |config| {
        config.health = Some("/health".to_owned());
        config.bearer = Some("secret".into());
    });
    for method in ["GET", "HEAD"] {
        let answer = running.ask(http(&format!("{method} /health"), &[("Host", "localhost")], "")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
    let answer = running.ask(http("POST /health", &[("Host", "localhost")], "")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}
