//! Settings of enormous size mean "no limit": no sum or product of them may overflow. Times of zero are wrong settings.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use mcp_core::server::{Router, Server};
use mcp_http::HttpServer;
use mcp_http::server::{HttpServerConfig, ServerTimeouts};

use crate::legacy_kit::{Bench, call};
use crate::server_kit::soon;
use crate::server_stall::http2;

const HOUR: Duration = Duration::from_secs(3600);

fn enormous(config: &mut HttpServerConfig, time: Duration) {
    let (limits, timeouts, sessions) = (&mut config.limits, &mut config.timeouts, &mut config.sessions);
    for limit in [
        &mut limits.body,
        &mut limits.headers,
        &mut limits.header_count,
        &mut limits.connections,
        &mut limits.stream_queue,
        &mut limits.bodies,
        &mut limits.unread,
        &mut limits.streams,
        &mut sessions.max,
    ] {
        *limit = usize::MAX;
    }
    for limit in [
        &mut timeouts.headers,
        &mut timeouts.body,
        &mut timeouts.write,
        &mut timeouts.idle,
        &mut timeouts.keep_alive,
        &mut timeouts.hook,
        &mut timeouts.drain,
        &mut sessions.idle,
        &mut sessions.unused,
    ] {
        *limit = time;
    }
}

// FAULT F-A10.
/// On HTTP/1, with a session, a stream, an answer that takes hours, and an orderly end.
#[tokio::test(start_paused = true)]
async fn enormous_settings_do_no_harm() {
    for time in [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(i64::MAX as u64)] {
        let bench = Bench::with(|config| enormous(config, time));
        let client = bench.client("2025-11-25").await;
        let mut kept = bench.server.open();
        for _ in 0..2 {
            kept.write(client.post(&call(1, "echo", r#"{"text":"x"}"#))).await;
            assert_eq!(soon(kept.answer()).await.status, 200);
            tokio::time::sleep(HOUR).await;
        }
        let mut stream = client.listen(&bench, None).await;
        let mut slow = bench.server.open();
        slow.write(client.post(&call(2, "wait", "{}"))).await;
        tokio::time::sleep(HOUR).await;
        bench.gate.add_permits(1);
        assert_eq!(soon(slow.answer()).await.status, 200);
        bench.handle.publish(mcp_core::session::Change::ToolsList);
        assert_eq!(soon(stream.message()).await.what(), "notifications/tools/list_changed");
        drop((kept, slow, stream));
        soon(bench.server.stopped()).await;
    }
}

// FAULT F-A10.
/// The same on HTTP/2, where the ticks of the other limits find a connection that is silent.
#[tokio::test(start_paused = true)]
async fn enormous_settings_do_no_harm_to_http2() {
    let bench = Bench::with(|config| {
        let headers = config.timeouts.headers;
        enormous(config, Duration::MAX);
        config.timeouts.headers = headers;
    });
    let client = bench.client("2025-11-25").await;
    let (mut sender, connection) = http2(&bench.server, 64 << 10).await;
    let connection = tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::builder()
            .method(Method::POST)
            .uri("http://localhost/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-session-id", &client.id)
            .body(Full::from(Bytes::from(call(1, "echo", r#"{"text":"x"}"#))))
            .unwrap();
        let answer = soon(sender.send_request(request)).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(!soon(answer.into_body().collect()).await.unwrap().to_bytes().is_empty());
        tokio::time::sleep(HOUR).await;
    }
    connection.abort();
}

/// Within a limit of zero nothing could be served, and comments would come without a pause: it is a wrong setting, which
/// the error names.
#[tokio::test]
async fn limits_of_zero_are_refused() {
    type Field = fn(&mut ServerTimeouts) -> &mut Duration;
    let fields: [(&str, Field); 6] = [
        ("headers", |timeouts| &mut timeouts.headers),
        ("body", |timeouts| &mut timeouts.body),
        ("write", |timeouts| &mut timeouts.write),
        ("idle", |timeouts| &mut timeouts.idle),
        ("keep_alive", |timeouts| &mut timeouts.keep_alive),
        ("hook", |timeouts| &mut timeouts.hook),
    ];
    let made = |change: &dyn Fn(&mut ServerTimeouts)| {
        let server = Server::builder("zero", "1").build(Router::new()).unwrap();
        HttpServer::new(server).configure(|config| change(&mut config.timeouts)).service()
    };
    for (name, field) in fields {
        let error = made(&|timeouts| *field(timeouts) = Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains(&format!("timeouts.{name}")), "{name}: {error}");
    }
    assert!(made(&|timeouts| (timeouts.drain_delay, timeouts.drain) = Default::default()).is_ok());
}
