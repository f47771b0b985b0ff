//! Clients that break off, and clients that are many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};

use super::server_kit::{Running, body, call, headers, http, soon};
use super::server_modern;

/// The events of a handler.
#[derive(Debug, PartialEq)]
enum Life {
    Began,
    Cancelled,
}

/// A server whose tools wait until they are cancelled; `noisy` says something first.
fn waiting() -> (Server, mpsc::UnboundedReceiver<Life>) {
    let (lives, seen) = mpsc::unbounded_channel();
    let quiet = lives.clone();
    let router = Router::new()
        .tool(ToolDef::new("quiet"), move |_, context| {
            let lives = quiet.clone();
            async move {
                let _ = lives.send(Life::Began);
                context.cancelled().await;
                let _ = lives.send(Life::Cancelled);
                Ok::<_, HandlerError>("never heard")
            }
        })
        .tool(ToolDef::new("noisy"), move |_, context| {
            let lives = lives.clone();
            async move {
                context.progress(1.0, None, None).await;
                let _ = lives.send(Life::Began);
                context.cancelled().await;
                let _ = lives.send(Life::Cancelled);
                Ok::<_, HandlerError>("never heard")
            }
        });
    (Server::builder("test", "1").build(router).unwrap(), seen)
}

/// HTTP-S-012, T-16, FAULT C-38: a client that hangs up while the answer is pending has cancelled.
#[tokio::test(start_paused = true)]
async fn a_hang_up_cancels_a_pending_answer() {
    let (server, mut seen) = waiting();
    let running = Running::start(server, |_| {});
    let mut raw = running.open();
    raw.write(call("1", "quiet", "{}")).await;
    assert_eq!(soon(seen.recv()).await, Some(Life::Began));
    drop(raw);
    let before = tokio::time::Instant::now();
    assert_eq!(soon(seen.recv()).await, Some(Life::Cancelled));
    assert_eq!(before.elapsed().as_secs(), 0);
}

/// HTTP-S-012, CANC-S-010: the same once the answer is a stream, whether something was said or 15 s went by.
#[tokio::test(start_paused = true)]
async fn a_hang_up_cancels_a_stream() {
    let (server, mut seen) = waiting();
    let running = Running::start(server, |_| {});
    for tool in ["noisy", "quiet"] {
        let mut raw = running.open();
        let members = format!(r#""name":"{tool}","arguments":{{}}"#);
        let text =
            body("1", "tools/call", &members).replace(r#""_meta":{"#, r#""_meta":{"progressToken":1,"#);
        raw.write(http("POST /mcp", &headers("tools/call", Some(tool)), &text)).await;
        assert_eq!(raw.head().await.header("content-type"), Some("text/event-stream"), "{tool}");
        assert_eq!(soon(seen.recv()).await, Some(Life::Began), "{tool}");
        drop(raw);
        assert_eq!(soon(seen.recv()).await, Some(Life::Cancelled), "{tool}");
    }
}

/// HTTP-S-012: a handler that does not listen is dropped after its grace period, with its connection long gone.
#[tokio::test(start_paused = true)]
async fn a_deaf_handler_is_dropped_after_its_grace() {
    struct Gone(Option<oneshot::Sender<()>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.take().map(|gone| gone.send(()));
        }
    }
    let (began, mut has_begun) = mpsc::unbounded_channel();
    let (gone, is_gone) = oneshot::channel();
    let gone = Arc::new(Mutex::new(Some(gone)));
    let router = Router::new().tool(ToolDef::new("deaf"), move |_, _| {
        let _ = began.send(());
        let gone = Gone(gone.lock().unwrap().take());
        async move {
            let _gone = gone;
            std::future::pending::<()>().await;
            Ok::<_, HandlerError>("")
        }
    });
    let running = Running::start(Server::builder("test", "1").build(router).unwrap(), |_| {});
    let mut raw = running.open();
    raw.write(call("1", "deaf", "{}")).await;
    soon(has_begun.recv()).await;
    let before = tokio::time::Instant::now();
    drop(raw);
    soon(is_gone).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 5);
}

/// FAULT B: an exchange that is cut at any byte does not affect other clients (CVE-2025-53365, CVE-2025-53366).
#[tokio::test(start_paused = true)]
async fn a_request_may_break_off_at_any_byte() {
    let running = Running::start(server_modern::server(), |_| {});
    let request = call("1", "echo", r#"{"text":"ü"}"#).into_bytes();
    for length in 0..=request.len() {
        let mut pipe = running.open_pipe(64 * 1024);
        pipe.write_all(&request[..length]).await.unwrap();
        if length % 2 == 0 {
            pipe.shutdown().await.unwrap();
        }
        drop(pipe);
    }
    let answer = running.ask(call("9", "echo", "{}")).await;
    assert_eq!((answer.status, answer.json()["id"].as_i64()), (200, Some(9)));
}

/// FAULT B, FAULT C-35: a thousand clients use the same id at once, and each gets its own answer, in whatever order they
/// come.
#[tokio::test]
async fn equal_ids_of_many_clients_do_not_meet() {
    const CLIENTS: usize = 1000;
    type Gates = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;
    let gates = Gates::default();
    let (began, mut has_begun) = mpsc::unbounded_channel();
    let opened = gates.clone();
    let router = Router::new().tool(ToolDef::new("gate"), move |arguments, _| {
        let nonce = arguments.to_string();
        let (open, gate) = oneshot::channel();
        opened.lock().unwrap().insert(nonce.clone(), open);
        let _ = began.send(());
        async move {
            gate.await.map_err(|_| "shut")?;
            Ok::<_, HandlerError>(nonce)
        }
    });
    let server = Server::builder("test", "1").max_in_flight(CLIENTS).build(router).unwrap();
    let running = Arc::new(Running::start(server, |_| {}));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let running = running.clone();
            tokio::spawn(async move {
                let nonce = format!(r#"{{"nonce":{client}}}"#);
                let answer = running.ask(call("1", "gate", &nonce)).await;
                assert_eq!(answer.json()["id"], 1);
                assert_eq!(answer.json()["result"]["content"][0]["text"], nonce.as_str());
            })
        })
        .collect();
    for _ in 0..CLIENTS {
        soon(has_begun.recv()).await.unwrap();
    }
    // A hash map has no order: each run opens the gates in another one.
    let all = std::mem::take(&mut *gates.lock().unwrap());
    assert_eq!(all.len(), CLIENTS);
    for (_, gate) in all {
        gate.send(()).unwrap();
    }
    for client in clients {
        soon(client).await.unwrap();
    }
}

/// FAULT C-35: one client may do the same on two connections.
#[tokio::test]
async fn a_request_with_an_id_in_flight_is_served() {
    let (server, mut seen) = waiting();
    let running = Running::start(server, |_| {});
    let mut both = [running.open(), running.open()];
    for raw in &mut both {
        raw.write(call("1", "quiet", "{}")).await;
        assert_eq!(soon(seen.recv()).await, Some(Life::Began));
    }
}
