//! What clients make an HTTP server hold, measured in a child process under a hard limit: bodies that trickle in, unread answers,
//! filters of subscriptions.

#![cfg(target_os = "linux")]

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use mcp_core::server::{HandlerError, ResourceDef, Router, Server, ToolDef, ToolReply};
use mcp_core::transport::async_trait;
use mcp_http::HttpServer;
use mcp_http::server::{HttpServerConfig, Listener, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::sleep;

const BUDGET: usize = 16 << 20;

/// Connections that tests make.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

#[async_trait]
impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> std::io::Result<(DuplexStream, Peer)> {
        match self.0.recv().await {
            Some(io) => Ok((io, Peer::Tcp(([192, 0, 2, 1], 4000).into()))),
            None => std::future::pending().await,
        }
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

/// Answers with one MiB, whatever it is asked.
fn large() -> Server {
    let router = Router::new().tool(ToolDef::new("large"), |_, _| async {
        Ok::<_, HandlerError>(ToolReply::from("x".repeat(1 << 20)))
    });
    // It has something that can be subscribed to.
    let router = router.resource(ResourceDef::new("x:0", "x"), |_, _| async { Ok("x") }).subscribe();
    Server::builder("large", "1").max_subscription_bytes(BUDGET).build(router).unwrap()
}

/// Runs an attack against a server, on one thread and a clock that moves when nothing else does.
fn attack<F: Future<Output = ()>>(
    change: impl FnOnce(&mut HttpServerConfig),
    attack: impl FnOnce(mpsc::UnboundedSender<DuplexStream>) -> F,
) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (connect, incoming) = mpsc::unbounded_channel();
        let bound = HttpServer::new(large()).configure(change).over(Pipes(incoming)).unwrap();
        let serving = tokio::spawn(bound.serve());
        attack(connect).await;
        serving.abort();
    });
}

/// The client's end of a new connection.
fn open(connect: &mpsc::UnboundedSender<DuplexStream>) -> DuplexStream {
    let (near, far) = tokio::io::duplex(16 << 10);
    connect.send(far).unwrap();
    near
}

/// A connection on which each stream may run this far ahead.
async fn http2(connect: &mpsc::UnboundedSender<DuplexStream>, window: u32) -> SendRequest<Bytes> {
    let mut builder = h2::client::Builder::new();
    let (sender, connection) = builder.initial_window_size(window).handshake(open(connect)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn modern(method: &str, name: Option<&str>) -> http::request::Builder {
    let request = http::Request::post("http://localhost/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    name.into_iter().fold(request, |request, name| request.header("mcp-name", name))
}

fn body(method: &str, members: &str) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{meta},{members}}}}}"#)
}

/// Sends a whole body, piece by piece. `false` if the server resets the stream.
async fn send(
    sender: &mut SendRequest<Bytes>,
    request: http::Request<()>,
    text: &Bytes,
) -> Option<h2::client::ResponseFuture> {
    let mut ready = sender.clone().ready().await.ok()?;
    let (answer, mut sending) = ready.send_request(request, false).ok()?;
    let mut rest = text.clone();
    while !rest.is_empty() {
        sending.reserve_capacity(rest.len().min(16 << 10));
        let Some(Ok(capacity)) = std::future::poll_fn(|cx| sending.poll_capacity(cx)).await else { break };
        let piece = rest.split_to(capacity.min(rest.len()));
        if sending.send_data(piece, rest.is_empty()).is_err() {
            break;
        }
    }
    Some(answer)
}

/// FAULT F-A6: 200 connections trickle in 1 MiB each; the budget of bodies is 16 MiB.
#[test]
fn bodies_that_trickle_in_are_bounded() {
    let name = "bodies_that_trickle_in_are_bounded";
    let Some(memory) = mcp_tests::memory::limited(module_path!(), name, BUDGET) else { return };
    attack(
        |config| config.limits.bodies = BUDGET,
        |connect| async move {
            let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1200000\r\n\r\n";
            let most = vec![b' '; 1 << 20];
            let (mut waiting, mut refused) = (Vec::new(), 0);
            for _ in 0..200 {
                let mut pipe = open(&connect);
                pipe.write_all(head.as_bytes()).await.unwrap();
                // One that is refused reads no further.
                let _sent = tokio::time::timeout(Duration::from_secs(1), pipe.write_all(&most)).await;
                waiting.push(pipe);
            }
            for pipe in &mut waiting {
                let mut start = [0; 12];
                if tokio::time::timeout(Duration::from_millis(1), pipe.read_exact(&mut start)).await.is_ok() {
                    assert_eq!(&start, b"HTTP/1.1 503");
                    refused += 1;
                }
            }
            assert!(refused > 150, "{refused} of 200 were refused");
        },
    );
    memory.assert_kept();
}

/// FAULT F-A7: one HTTP/2 connection asks for 190 answers of 1 MiB and reads none; the budget of unread answers is 16 MiB.
#[test]
fn unread_answers_are_bounded() {
    let name = "unread_answers_are_bounded";
    let Some(memory) = mcp_tests::memory::limited(module_path!(), name, BUDGET) else { return };
    attack(
        |config| config.limits.unread = BUDGET,
        |connect| async move {
            let mut sender = http2(&connect, 100).await;
            let call = Bytes::from(body("tools/call", r#""name":"large","arguments":{}"#));
            let mut answers = Vec::new();
            for number in 0..190 {
                let request = modern("tools/call", Some("large")).body(()).unwrap();
                if let Some(answer) = send(&mut sender, request, &call).await {
                    answers.push(answer);
                }
                // First as fast as it goes, then with time for the server to see who is slow.
                sleep(Duration::from_millis(if number < 100 { 1 } else { 1100 })).await;
            }
            assert!(answers.len() > 100, "{}", answers.len());
        },
    );
    memory.assert_kept();
}

/// FAULT F-A2: one HTTP/2 connection opens 30 subscriptions with filters of 4 MB: many short URIs, or 1,000 long ones. Their budget is
/// 16 MiB.
#[test]
fn filters_of_subscriptions_are_bounded() {
    let name = "filters_of_subscriptions_are_bounded";
    let Some(memory) = mcp_tests::memory::limited(module_path!(), name, BUDGET) else { return };
    attack(
        |config| config.limits.bodies = BUDGET,
        |connect| async move {
            let mut sender = http2(&connect, 1 << 20).await;
            let short: Vec<String> = (0..400_000).map(|n| format!(r#""x:{n}""#)).collect();
            let long: Vec<String> = (0..1000).map(|n| format!(r#""x:{n}{}""#, "u".repeat(4000))).collect();
            let mut open = Vec::new();
            for uris in [short, long] {
                let members = format!(r#""notifications":{{"resourceSubscriptions":[{}]}}"#, uris.join(","));
                drop(uris);
                let listen = Bytes::from(body("subscriptions/listen", &members));
                drop(members);
                let (mut opened, mut refused) = (0, 0);
                for _ in 0..30 {
                    let request = modern("subscriptions/listen", None).body(()).unwrap();
                    let Some(answer) = send(&mut sender, request, &listen).await else { continue };
                    let answer = answer.await.unwrap();
                    if answer.headers()["content-type"] == "text/event-stream" {
                        opened += 1;
                        open.push(answer);
                    } else {
                        refused += 1;
                    }
                }
                println!("{opened} were opened, {refused} refused");
                assert!(opened <= 4 && refused >= 26, "{opened} were opened, {refused} refused");
            }
        },
    );
    memory.assert_kept();
}
