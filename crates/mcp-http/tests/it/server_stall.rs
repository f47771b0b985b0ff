//! Connections on which nothing moves: over HTTP/2, where streams stall one by one, and before TLS is there.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Bytes};
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use mcp_http::server::Peer;
use tokio::io::DuplexStream;

use crate::legacy_kit::{Bench, Client, call, until};
use crate::server_kit::{Running, body, soon};

pub(crate) type Link<B> = Connection<TokioIo<DuplexStream>, B, TokioExecutor>;

/// A connection whose client lets each stream run this far ahead.
pub(crate) async fn http2<B>(running: &Running, window: u32) -> (SendRequest<B>, Link<B>)
where
    B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin + 'static,
{
    http2_from(running, window, Peer::Unknown).await
}

/// The same, from this peer.
pub(crate) async fn http2_from<B>(running: &Running, window: u32, peer: Peer) -> (SendRequest<B>, Link<B>)
where
    B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin + 'static,
{
    let io = TokioIo::new(running.open_pipe_from(64 * 1024, peer));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).initial_stream_window_size(window);
    builder.handshake(io).await.unwrap()
}

fn legacy(method: Method, client: &Client, body: String) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri("http://localhost/mcp")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-session-id", &client.id)
        .body(Full::from(body))
        .unwrap()
}

/// FAULT B: slow read. FAULT F-S3: a client that reads nothing of a stream, and answers every ping, loses the stream. The
/// others on its connection go on.
#[tokio::test(start_paused = true)]
async fn an_http2_stream_that_is_not_read_is_reset_alone() {
    for store in [true, false] {
        let bench = Bench::with(|config| {
            if !store {
                config.event_store = None;
            }
        });
        let client = bench.client("2025-11-25").await;
        let (mut sender, connection) = http2(&bench.server, 1000).await;
        let connection = tokio::spawn(connection);
        let body = call(1, "count", r#"{"n":20,"pad":900}"#);
        let listen = sender.send_request(legacy(Method::GET, &client, String::new())).await.unwrap();
        let mut listening = tokio::spawn(listen.into_body().collect());
        let unread = sender.send_request(legacy(Method::POST, &client, body)).await.unwrap();
        assert_eq!(unread.status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert!(reset(unread).await, "the stream is reset");
        assert!(!connection.is_finished() && !listening.is_finished());
        let stats = bench.server.service.clone();
        until("the stream is gone", || stats.sessions().streams == 1).await;
        assert_eq!(stats.sessions().exchanges, 0);
        let answer = sender.send_request(legacy(Method::POST, &client, call(2, "echo", "{}"))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(client.delete(&bench).await.status, 204);
        assert!(soon(&mut listening).await.unwrap().is_ok());
    }
}

/// Whether reading an answer to its end fails because its stream was reset.
pub(crate) async fn reset(mut answer: hyper::Response<hyper::body::Incoming>) -> bool {
    while let Some(frame) = soon(answer.body_mut().frame()).await {
        if let Err(error) = frame {
            let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<h2::Error>());
            return cause.is_some_and(|cause| cause.is_reset() && cause.is_remote());
        }
    }
    false
}

/// A call whose answer is as long as its arguments.
pub(crate) fn long_echo(bytes: usize) -> Request<Full<Bytes>> {
    let members = format!(r#""name":"echo","arguments":{{"text":"{}"}}"#, "x".repeat(bytes));
    Request::post("http://localhost/mcp")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "echo")
        .body(Full::new(body("1", "tools/call", &members).into()))
        .unwrap()
}

/// FAULT B: slow read. FAULT F-S3: the same holds for a long answer in one JSON text. A client that takes it slowly gets
/// it whole.
#[tokio::test(start_paused = true)]
async fn a_long_http2_answer_that_is_not_read_is_reset_alone() {
    let running = Running::start(crate::server_modern::server(), |_| {});
    let (mut sender, connection) = http2(&running, 1000).await;
    let connection = tokio::spawn(connection);
    let mut answer = sender.send_request(long_echo(200_000)).await.unwrap();
    let length = answer.headers()["content-length"].to_str().unwrap().parse::<u64>().unwrap();
    let (mut read, mut frames) = (0, 0);
    while let Some(frame) = soon(answer.body_mut().frame()).await {
        read += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
        frames += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(read, length);
    assert!(frames > 200, "{frames} frames through a window of 1,000 bytes");

    let unread = sender.send_request(long_echo(200_000)).await.unwrap();
    assert_eq!(unread.status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(reset(unread).await, "the stream is reset");
    assert!(!connection.is_finished());
    let small = sender.send_request(long_echo(2)).await.unwrap();
    assert_eq!(small.status(), StatusCode::OK);
    drop(sender);
    running.stopped().await;
}

/// HTTP-S-021: a stream that has nothing to say is read all the same, and stays.
#[tokio::test(start_paused = true)]
async fn a_silent_http2_stream_that_is_read_stays() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let (mut sender, connection) = http2(&bench.server, 1000).await;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(legacy(Method::GET, &client, String::new())).await.unwrap();
    let reading = tokio::spawn(answer.into_body().collect());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!connection.is_finished() && !reading.is_finished());
    assert_eq!(client.delete(&bench).await.status, 204);
    assert!(soon(reading).await.unwrap().is_ok());
    connection.abort();
}

/// RFC 9110, section 9.3.2: an answer to HEAD has no content, a refusal neither.
#[tokio::test(start_paused = true)]
async fn an_answer_to_head_has_no_body() {
    let bench = Bench::with(|config| config.health = Some("/health".to_owned()));
    let (mut sender, connection) = http2::<Empty<Bytes>>(&bench.server, 1000).await;
    let connection = tokio::spawn(connection);
    for (uri, status) in [
        ("http://localhost/mcp", 405),
        ("http://localhost/nowhere", 404),
        ("http://localhost/health", 200),
        ("http://evil.example/mcp", 403),
    ] {
        let request = Request::head(uri).body(Empty::new()).unwrap();
        let answer = soon(sender.send_request(request)).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{uri}");
        let body = soon(answer.into_body().collect()).await.unwrap();
        assert!(body.to_bytes().is_empty(), "{uri}");
    }
    connection.abort();
}

#[cfg(feature = "tls")]
fn secured() -> mcp_http::HttpServer {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let server = mcp_http::HttpServer::new(crate::server_modern::server());
    server.tls(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
}

/// A connection that never comes to its TLS handshake keeps no server from stopping.
#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_holds_up_no_stop() {
    let running = Running::serve(secured());
    let silent = running.open();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let start = tokio::time::Instant::now();
    let served = running.stopped().await;
    assert_eq!((served.connections, served.cut), (1, 0));
    assert!(start.elapsed().is_zero(), "{:?}", start.elapsed());
    assert_eq!(silent.rest().await, "");
}

/// FAULT B: slow headers, before they are encrypted: a handshake that trickles is cut when the time for a head is over.
#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn a_handshake_that_takes_too_long_is_cut() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let running =
        Running::serve(secured().configure(|config| config.timeouts.headers = Duration::from_secs(7)));
    let mut pipe = running.open_pipe(1024);
    let start = tokio::time::Instant::now();
    // The start of a ClientHello of 200 bytes, of which one comes every two seconds.
    let hello = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, 0, 0, 0];
    for byte in hello {
        if pipe.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let mut rest = Vec::new();
    let _cut = soon(pipe.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"", "{:?} after the start", start.elapsed());
    assert_eq!(start.elapsed().as_secs(), 8, "seven, and one until the byte that finds it out");
    running.stopped().await;
}

/// FAULT F-S8: a client that looks at an answer only when its body is sent sees a refusal all the same: nothing resets its
/// stream before. A body without an end is reset in the end, and costs the connection nothing.
#[tokio::test(start_paused = true)]
async fn an_http2_refusal_comes_before_a_reset() {
    let running = Running::start(crate::server_modern::server(), |config| {
        config.bearer = Some("t".into());
        config.limits.body = 1 << 20;
    });
    let (client, connection) = h2::client::handshake(running.open_pipe(64 * 1024)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    for (token, status, size) in
        [("no", 401, 200), ("no", 401, 6 << 20), ("t", 413, 6 << 20), ("no", 401, 100 << 20)]
    {
        let request = Request::post("http://localhost/mcp")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(())
            .unwrap();
        let (answer, mut sending) = client.send_request(request, false).unwrap();
        let mut left = size;
        let sent = soon(async {
            while left > 0 {
                sending.reserve_capacity(left.min(16 << 10));
                let Some(Ok(capacity)) = std::future::poll_fn(|cx| sending.poll_capacity(cx)).await else {
                    return false;
                };
                let piece = capacity.min(left);
                left -= piece;
                if sending.send_data(vec![b' '; piece].into(), left == 0).is_err() {
                    return false;
                }
            }
            true
        })
        .await;
        assert_eq!(sent, size < 100 << 20, "{status}: {left} of {size} bytes unsent");
        let mut answer = soon(answer).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let mut text = Vec::new();
        while let Some(piece) = soon(answer.body_mut().data()).await {
            text.extend_from_slice(&piece.unwrap());
        }
        assert!(text.starts_with(b"{\"jsonrpc\""), "{status}");
    }
    assert!(!connection.is_finished());
    connection.abort();
}
