//! Bounds in length and in time: what a client may send, and how slowly.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::server_kit::{Running, body, call, headers, http, soon};
use super::server_modern::server;
use super::server_stall::{http2, long_echo};

const MIB: usize = 1 << 20;

/// FAULT C-45, FAULT B: a body beyond the limit is 413 by what it claims, before it is read; the limit is named.
#[tokio::test(start_paused = true)]
async fn a_body_that_claims_too_much_is_refused_unread() {
    let running = Running::start(server(), |config| config.limits.body = 100);
    let mut raw = running.open();
    let mut request = http("POST /mcp", &headers("tools/list", None), "");
    request.truncate(request.len() - 2);
    raw.write(format!("{request}Content-Length: {}\r\n\r\n", 1_u64 << 40)).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    assert!(answer.body.contains("100 bytes"), "{}", answer.body);
    assert_eq!(raw.rest().await, "");
}

/// FAULT B: a body without a length is counted, and refused at the limit. The client gets to read it.
#[tokio::test(start_paused = true)]
async fn a_body_that_grows_too_long_is_refused() {
    let running = Running::start(server(), |config| config.limits.body = MIB);
    let mut raw = running.open();
    let mut sent = headers("tools/list", None);
    sent.push(("Transfer-Encoding", "chunked"));
    raw.write(http("POST /mcp", &sent, "")).await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..20 {
        raw.write(&chunk).await;
    }
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    assert_eq!(raw.rest().await, "");
}

#[tokio::test]
async fn a_body_in_chunks_is_read() {
    let running = Running::start(server(), |_| {});
    let text = body("1", "tools/list", "");
    let mut sent = headers("tools/list", None);
    sent.push(("Transfer-Encoding", "chunked"));
    let mut raw = running.open();
    raw.write(http("POST /mcp", &sent, "")).await;
    for byte in text.as_bytes() {
        raw.write(format!("1\r\n{}\r\n", *byte as char)).await;
    }
    raw.write("0\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
}

/// FAULT B: unbounded memory. HTTP/2 bounds the bytes of headers, and not their number.
#[tokio::test(start_paused = true)]
async fn too_many_http2_headers_are_refused() {
    let running = Running::start(server(), |_| {});
    let (mut sender, connection) = http2(&running, 64 << 10).await;
    let connection = tokio::spawn(connection);
    let plain = long_echo(1).headers().len();
    for (more, status) in [(98 - plain, 200), (101 - plain, 431)] {
        let mut request = long_echo(1);
        for number in 0..more {
            let name = HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_static("x"));
        }
        assert_eq!(soon(sender.send_request(request)).await.unwrap().status(), status, "{more}");
    }
    connection.abort();
}

/// FAULT C-45: headers beyond the limits are 431, by length and by number.
#[tokio::test(start_paused = true)]
async fn too_many_headers_are_refused() {
    let running = Running::start(server(), |_| {});
    let long = "x".repeat(70_000);
    let mut sent = headers("tools/list", None);
    sent.push(("X-Long", &long));
    assert_eq!(running.ask(http("POST /mcp", &sent, "{}")).await.status, 431);
    let mut sent = headers("tools/list", None);
    sent.extend(std::iter::repeat_n(("X-Many", "1"), 200));
    assert_eq!(running.ask(http("POST /mcp", &sent, "{}")).await.status, 431);
}

/// FAULT B: deep JSON overflows no stack.
#[tokio::test]
async fn deep_json_is_refused() {
    let running = Running::start(server(), |_| {});
    for text in ["[".repeat(MIB), body("1", "tools/list", &format!(r#""a":{}"#, "[".repeat(MIB)))] {
        let mut raw = running.open_pipe(8 * MIB);
        raw.write_all(http("POST /mcp", &headers("tools/list", None), &text).as_bytes()).await.unwrap();
        let mut start = [0; 12];
        raw.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 400");
    }
}

/// FAULT B: slowloris. A head that trickles in, or never comes, ends with its connection.
#[tokio::test(start_paused = true)]
async fn a_slow_head_is_cut() {
    let running = Running::start(server(), |_| {});
    let start = Instant::now();
    assert_eq!(running.open().rest().await, "");
    assert!((30..=38).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());

    let start = Instant::now();
    let (mut read, mut write) = tokio::io::split(running.open_pipe(1024));
    let trickle = tokio::spawn(async move {
        for byte in call("1", "echo", "{}").into_bytes() {
            if write.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    });
    let mut rest = Vec::new();
    let _ = read.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!((30..=70).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    trickle.await.unwrap();
}

/// FAULT B: a body that stands still is 408.
#[tokio::test(start_paused = true)]
async fn a_slow_body_is_408() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    let start = Instant::now();
    let request = call("1", "echo", "{}");
    raw.write(&request[..request.len() - 5]).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(raw.rest().await, "");
}

/// FAULT B: a body that trickles in is 408 too; one that is slow and comes on is read.
#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_408() {
    let running = Running::start(server(), |_| {});
    let text = call("1", "echo", &format!(r#"{{"a":"{}"}}"#, "x".repeat(4096)));
    let head = text.find("\r\n\r\n").unwrap() + 4;
    for (piece, status) in [(1, 408), (100, 200)] {
        let start = Instant::now();
        let (mut read, mut write) = tokio::io::split(running.open_pipe(64 * 1024));
        let text = text.clone();
        let sending = tokio::spawn(async move {
            write.write_all(&text.as_bytes()[..head]).await.unwrap();
            for piece in text.as_bytes()[head..].chunks(piece) {
                if write.write_all(piece).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        });
        let mut line = [0; 12];
        read.read_exact(&mut line).await.unwrap();
        assert_eq!(line, *format!("HTTP/1.1 {status}").as_bytes());
        assert_eq!(start.elapsed().as_secs() > 30, status == 200);
        sending.abort();
    }
}

/// FAULT B: a connection that is kept without need is closed, and one that is used is not.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    for _ in 0..5 {
        raw.write(call("1", "echo", "{}")).await;
        assert_eq!(raw.answer().await.status, 200);
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    raw.write(call("1", "echo", "{}")).await;
    assert_eq!(raw.answer().await.status, 200);
    let start = Instant::now();
    assert_eq!(raw.rest().await, "");
    assert!((120..=136).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

/// FAULT B, FAULT C-13: a client that does not read is cut, and does not affect others.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut() {
    let running = Running::start(server(), |_| {});
    let mut stalled = running.open_pipe(1024);
    let request = call("1", "echo", &format!(r#"{{"big":"{}"}}"#, "x".repeat(500)));
    let start = Instant::now();
    let stalled = tokio::spawn(async move { while stalled.write_all(request.as_bytes()).await.is_ok() {} });
    assert_eq!(running.ask(call("2", "echo", "{}")).await.status, 200);
    stalled.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 60);
}

/// FAULT B: request smuggling. Two lengths are refused, however they are written, and wherever on the connection; what
/// follows is not read.
#[tokio::test(start_paused = true)]
async fn a_request_with_two_lengths_is_refused() {
    let running = Running::start(server(), |_| {});
    let chunked = body("1", "tools/list", "");
    let chunked = format!("{:x}\r\n{chunked}\r\n0\r\n\r\n", chunked.len());
    let hidden = call("2", "echo", "{}");
    for (pair, status, ours) in [
        ("Transfer-Encoding: chunked", 200, ""),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", 400, "exclude each other"),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked", 400, "exclude each other"),
        ("content-length:4\r\ntransfer-encoding:chunked", 400, "exclude each other"),
        ("Content-Length: 4\r\nTransfer-Encoding: gzip, chunked", 400, "exclude each other"),
        ("Content-Length: 4\r\nContent-Length: 5", 400, ""),
        ("Transfer-Encoding: chunked, identity", 400, ""),
        ("Transfer-Encoding : chunked\r\nContent-Length: 4", 400, ""),
        ("Transfer-Encoding: chunked\r\n Content-Length: 4", 400, ""),
        ("Content-Length: +4", 400, ""),
        ("Content-Length: 0x4", 400, ""),
    ] {
        let mut head = http("POST /mcp", &headers("tools/list", None), "");
        head.truncate(head.len() - 2);
        for before in ["", &call("1", "echo", "{}")] {
            let mut raw = running.open();
            let hidden = if status == 400 { hidden.as_str() } else { "" };
            raw.write(format!("{before}{head}{pair}\r\n\r\n{chunked}{hidden}")).await;
            if !before.is_empty() {
                assert_eq!(raw.answer().await.status, 200);
            }
            let answer = raw.answer().await;
            assert_eq!(answer.status, status, "{pair}");
            assert!(answer.body.contains(ours), "{pair}: {}", answer.body);
            if status == 400 {
                assert_eq!(raw.rest().await, "", "{pair}");
            }
        }
    }
}

/// RFC 9110: a client that expects 100 gets it, or a refusal.
#[tokio::test(start_paused = true)]
async fn a_client_may_ask_before_it_sends() {
    let running = Running::start(server(), |_| {});
    let mut sent = headers("tools/list", None);
    sent.push(("Expect", "100-continue"));
    let text = body("1", "tools/list", "");
    let request = http("POST /mcp", &sent, &text);
    let mut raw = running.open();
    raw.write(&request[..request.len() - text.len()]).await;
    assert_eq!(raw.head().await.status, 100);
    raw.write(&text).await;
    assert_eq!(raw.answer().await.status, 200);
    sent.retain(|(name, _)| *name != "Content-Type");
    let request = http("POST /mcp", &sent, &text);
    let mut raw = running.open();
    raw.write(&request[..request.len() - text.len()]).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (415, Some("close")));
}

/// A refusal before the body leaves the connection usable, if the body is short.
#[tokio::test]
async fn a_short_unread_body_does_not_cost_the_connection() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    let mut sent = headers("tools/list", None);
    sent.retain(|(name, _)| *name != "Content-Type");
    let request = http("POST /mcp", &sent, &"x".repeat(1000));
    let (head, body) = request.split_at(request.len() - 1000);
    for _ in 0..3 {
        raw.write(head).await;
        tokio::task::yield_now().await;
        raw.write(body).await;
        let answer = raw.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (415, None));
    }
}

/// FAULT B: connections beyond the limit are refused; a closed connection makes space for another.
#[tokio::test]
async fn connections_beyond_the_limit_are_turned_away() {
    let running = Running::start(server(), |config| config.limits.connections = 2);
    let mut kept = vec![running.open(), running.open()];
    for raw in &mut kept {
        raw.write(call("1", "echo", "{}")).await;
        assert_eq!(raw.answer().await.status, 200);
    }
    let mut raw = running.open();
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(raw.rest().await, "");
    let mut freed = kept.pop().unwrap();
    freed.io.shutdown().await.unwrap();
    assert_eq!(freed.rest().await, "");
    assert_eq!(running.ask(call("1", "echo", "{}")).await.status, 200);
}

/// FAULT F-S4: only the bytes of its head decide whether a request has two lengths.
#[tokio::test(start_paused = true)]
async fn the_length_of_one_request_says_nothing_about_the_next() {
    let running = Running::start(server(), |_| {});
    let text = body("1", "tools/list", "");
    let mut sent = headers("tools/list", None);
    let not_json = http("POST /mcp", &sent, "not json\ncontent-length: 1\n");
    sent.push(("Transfer-Encoding", "chunked"));
    let chunked = format!("{}{:x}\r\n{text}\r\n0\r\n\r\n", http("POST /mcp", &sent, ""), text.len());
    let mut raw = running.open();
    raw.write(&not_json).await;
    assert_eq!(raw.answer().await.status, 400);
    raw.write(format!("{chunked}{not_json}{chunked}")).await;
    let statuses = [raw.answer().await.status, raw.answer().await.status, raw.answer().await.status];
    assert_eq!(statuses, [200, 400, 200]);
}

/// FAULT F-S11: a server at its limit says so by status too, with the same JSON-RPC error: load balancers read no bodies.
#[tokio::test(start_paused = true)]
async fn a_busy_server_answers_503() {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let waiting = gate.clone();
    let router = Router::new().tool(ToolDef::new("wait"), move |_, _| {
        let gate = waiting.clone();
        async move {
            let _permit = gate.acquire().await;
            Ok::<_, HandlerError>("done")
        }
    });
    let running =
        Running::start(Server::builder("busy", "1").max_in_flight(1).build(router).unwrap(), |_| {});
    let mut first = running.open();
    first.write(call("1", "wait", "{}")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let busy = running.ask(call("2", "wait", "{}")).await;
    assert_eq!((busy.status, busy.header("retry-after"), busy.code()), (503, Some("1"), -32603));
    assert!(busy.body.contains("Busy") && busy.json()["id"] == 2, "{}", busy.body);
    gate.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
}

/// FAULT F-S11: a body limit of a layer in front of the service is 413, not a body that broke off.
#[tokio::test(start_paused = true)]
async fn a_limit_of_a_layer_in_front_is_413() {
    use http_body_util::{BodyExt, Full, Limited};
    use hyper::service::Service;
    let running = Running::start(server(), |_| {});
    let body = Limited::new(Full::new(hyper::body::Bytes::from(vec![b' '; 1000])), 100);
    let request = hyper::Request::post("http://localhost/mcp").header("content-type", "application/json");
    let answer = running.service.call(request.body(body).unwrap()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 413);
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("a layer in front"), "{text:?}");
}
