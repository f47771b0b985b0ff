//! What clients make a server hold, and who has to go when there is no more: bodies that trickle in, unread answers, and hooks
//! that hang.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::client::conn::http2::SendRequest;
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::server::Server;
use mcp_core::transport::{Accept, Envelope, Identity, Transport, async_trait};
use mcp_http::server::{Authenticate, Denied, RequestHead};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::server_kit::{Raw, Running, body, call, headers, http, soon};
use crate::server_modern::server;
use crate::server_stall::{http2, long_echo, reset};

/// An `echo` of this many bytes.
fn long_call(bytes: usize) -> String {
    call("1", "echo", &format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes)))
}

/// FAULT F-A6: bodies under way have a budget. Beyond it the slowest one is answered 503, and a good client gets through.
#[tokio::test(start_paused = true)]
async fn the_slowest_body_makes_room_for_others() {
    let running = Running::start(server(), |config| config.limits.bodies = 1 << 20);
    let whole = long_call(120_000);
    let mut slow: Vec<Raw> = Vec::new();
    for _ in 0..12 {
        let mut raw = running.open();
        raw.write(&whole[..100_000]).await;
        slow.push(raw);
        sleep(Duration::from_secs(2)).await;
    }
    let mut good = running.open();
    good.write(&whole[..60_000]).await;
    tokio::task::yield_now().await;
    good.write(&whole[60_000..]).await;
    assert_eq!(soon(good.answer()).await.status, 200);
    let mut cut = 0;
    for (number, raw) in slow.iter_mut().enumerate() {
        // One that was cut is closed.
        let _sent = raw.io.write_all(&whole.as_bytes()[100_000..]).await;
        let answer = soon(raw.answer()).await;
        if answer.status == 503 {
            assert!(answer.body.contains(r#"the limit \"request bodies\""#), "{}", answer.body);
            assert_eq!(answer.header("retry-after"), Some("1"));
            cut += 1;
        } else {
            assert!(number > 0, "the first one was the slowest");
            assert_eq!(answer.status, 200);
        }
    }
    // 100,000 bytes take 128 KiB each.
    assert!(cut >= 5, "{cut}");
}

/// FAULT F-A6: the memory of a body is what it has brought, whatever length it claims.
#[tokio::test(start_paused = true)]
async fn a_body_is_charged_by_what_came() {
    let running = Running::start(server(), |config| config.limits.bodies = 1 << 20);
    let whole = long_call(1_000_000);
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut raw = running.open();
        // The head, and a little of the body.
        raw.write(&whole[..500]).await;
        waiting.push(raw);
    }
    sleep(Duration::from_secs(5)).await;
    let mut good = running.open();
    good.write(long_call(50_000)).await;
    assert_eq!(soon(good.answer()).await.status, 200);
    for raw in &mut waiting {
        let mut byte = [0];
        assert!(
            tokio::time::timeout(Duration::from_millis(1), raw.io.read(&mut byte)).await.is_err(),
            "none was cut"
        );
    }
}

/// FAULT F-A7: an HTTP/1 client that takes 4 KiB every 40 s is cut; one that takes 16 KiB within each write limit is served.
#[tokio::test(start_paused = true)]
async fn a_slow_http1_reader_needs_a_pace() {
    let running = Running::start(server(), |_| {});
    for (bytes, every, whole) in [(4096, 40, false), (16 << 10, 50, true)] {
        let mut raw = running.open_small(1000);
        let request = long_call(100_000);
        let (mut read, mut write) = tokio::io::split(raw.io);
        let writing = tokio::spawn(async move {
            let sent = write.write_all(request.as_bytes()).await;
            (sent, write)
        });
        let mut taken = 0;
        'reading: while taken < 100_000 {
            let mut left = bytes;
            while left > 0 {
                let mut space = vec![0; left];
                match soon(read.read(&mut space)).await {
                    Ok(0) | Err(_) => break 'reading,
                    Ok(length) => {
                        left -= length;
                        taken += length;
                    }
                }
                if taken >= 100_000 {
                    break 'reading;
                }
            }
            sleep(Duration::from_secs(every)).await;
        }
        assert_eq!(taken >= 100_000, whole, "{taken} bytes, {bytes} every {every} s");
        writing.await.unwrap().0.unwrap();
        raw = running.open();
        drop(raw);
    }
}

async fn unread(
    sender: &mut SendRequest<http_body_util::Full<hyper::body::Bytes>>,
    bytes: usize,
) -> hyper::Response<hyper::body::Incoming> {
    soon(sender.send_request(long_echo(bytes))).await.unwrap()
}

/// FAULT F-A7: answers that one HTTP/2 connection does not read have a budget. Beyond it the slowest streams are reset, new requests
/// of that caller get 503, and other callers are served.
#[tokio::test(start_paused = true)]
async fn unread_http2_answers_are_bounded() {
    let running = Running::start(server(), |config| config.limits.unread = 2 << 20);
    let (mut sender, connection) = http2(&running, 1000).await;
    let connection = tokio::spawn(connection);
    let (mut taken, mut refused) = (Vec::new(), 0);
    for number in 0..40 {
        let answer = unread(&mut sender, 200_000).await;
        match answer.status().as_u16() {
            200 => taken.push(answer),
            503 => {
                assert_eq!(answer.headers()["retry-after"], "1");
                let text = soon(answer.into_body().collect()).await.unwrap().to_bytes();
                let text = String::from_utf8(text.to_vec()).unwrap();
                assert!(
                    text.contains(r#"the limit \"unread answers\""#) && text.contains(r#""id":1"#),
                    "{text}"
                );
                refused += 1;
            }
            other => panic!("{other}"),
        }
        // First all at once; then there is time to see who is slow.
        if number >= 20 {
            sleep(Duration::from_millis(1100)).await;
        }
    }
    assert!(taken.len() > 10 && refused >= 5, "{} were taken, {refused} refused", taken.len());
    let (mut other, second) = http2(&running, 1 << 20).await;
    let second = tokio::spawn(second);
    let answer = unread(&mut other, 200_000).await;
    assert_eq!(answer.status(), 200);
    assert!(soon(answer.into_body().collect()).await.unwrap().to_bytes().len() > 200_000);
    let mut held = 0;
    for answer in taken {
        held += u64::from(!reset(answer).await) * 200_000;
    }
    assert!(held <= 2 << 20, "{held} bytes were held");
    assert!(held > 0, "the newest are served");
    connection.abort();
    second.abort();
}

/// FAULT F-A7: the same for HTTP/1, where each connection has one answer.
#[tokio::test(start_paused = true)]
async fn unread_http1_answers_are_bounded() {
    let running = Running::start(server(), |config| config.limits.unread = 2 << 20);
    let mut unread = Vec::new();
    for _ in 0..30 {
        let mut raw = running.open();
        raw.write(long_call(200_000)).await;
        unread.push(raw);
        sleep(Duration::from_millis(1100)).await;
    }
    let good = soon(running.ask(long_call(200_000))).await;
    assert_eq!((good.status, good.body.len() > 200_000), (200, true));
    let mut whole = 0;
    for raw in unread {
        whole += u64::from(soon(raw.rest_for(Duration::from_secs(5))).await.len() > 200_000);
    }
    assert!(whole > 0 && whole * 200_000 <= 2 << 20, "{whole} answers were held");
}

/// Never answers.
struct Hangs;

#[async_trait]
impl Authenticate for Hangs {
    async fn authenticate(&self, _head: RequestHead<'_>) -> Result<Identity, Denied> {
        std::future::pending().await
    }
}

/// A server whose schemas never come.
struct NoSchema(Server);

#[async_trait]
impl Accept for NoSchema {
    async fn accept(self: std::sync::Arc<Self>, link: Box<dyn Transport>) {
        std::sync::Arc::new(self.0.clone()).accept(link).await;
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &[ProtocolVersion::V2026_07_28]
    }

    async fn input_schema(&self, _tool: &str, _envelope: &Envelope) -> Option<RawJson> {
        std::future::pending().await
    }
}

/// FAULT F-A14: a hook of the application has a limit in time, which the answer names.
#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_given_up() {
    let hung = Running::start(server(), |config| config.authenticate = Some(std::sync::Arc::new(Hangs)));
    let no_schema =
        Running::start(NoSchema(server()), |config| config.timeouts.hook = Duration::from_secs(3));
    for (running, seconds, name) in [(&hung, 10, "Authenticate"), (&no_schema, 3, "input_schema")] {
        let start = tokio::time::Instant::now();
        let answer = soon(running.ask(call("1", "echo", "{}"))).await;
        assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert!(
            answer.body.contains(name) && answer.body.contains(&format!("{seconds}s")),
            "{}",
            answer.body
        );
    }
    let plain = http("POST /mcp", &headers("tools/list", None), &body("1", "tools/list", ""));
    assert_eq!(soon(no_schema.ask(plain)).await.status, 200, "only the call waits for it");
}

/// FAULT F-A14: hooks that wait have places.
#[tokio::test(start_paused = true)]
async fn hooks_that_wait_are_bounded() {
    let running = Running::start(server(), |config| config.authenticate = Some(std::sync::Arc::new(Hangs)));
    let mut asking = Vec::new();
    for _ in 0..1100 {
        let mut raw = running.open_small(4096);
        raw.write(call("1", "echo", "{}")).await;
        asking.push(raw);
    }
    let start = tokio::time::Instant::now();
    let answer = soon(running.ask(call("1", "echo", "{}"))).await;
    assert_eq!((answer.status, start.elapsed()), (503, Duration::ZERO));
    assert!(answer.body.contains("hooks that wait"), "{}", answer.body);
}
