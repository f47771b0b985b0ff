//! Cancelled calls, clocks that jump, peers that fall silent, and a known era that is reused.

use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::{CallOptions, EraMode};
use mcp_core::transport::LossKind;
use mcp_http::TimeoutStep;
use mcp_http::{HttpClient, HttpError};
use mcp_tests::fault_server::{FaultServer, On, Rule, Step};

use super::kit::*;

/// A server that holds its calls until the test releases them, and then answers with these steps.
fn holding(era: EraMode, times: usize, answer: Vec<Step>) -> FaultServer {
    let steps = [vec![Step::Hold], answer].concat();
    let mut script = vec![Rule { times: Some(times), ..Rule::new(On::Rpc("tools/call"), steps) }];
    script.extend(if era == MODERN { modern_json() } else { legacy_json() });
    FaultServer::memory(script)
}

/// FAULT C-37, CANC-C-009, CANC-B-007: cancelled before it is written, while it is answered, after its answer, and
/// twice. Each call has one outcome. The server receives nothing of a call that was never written.
#[tokio::test(start_paused = true)]
async fn a_call_may_be_cancelled_at_any_time() {
    for era in [MODERN, LEGACY] {
        let server = holding(era, 1, vec![Step::result(SAID)]);
        let limited = http(&server).configure(|config| config.net.connections = 1);
        let client = builder(era).connect(limited).await.unwrap();
        let issue = |tool: &str| client.call("tools/call", params(tool), CallOptions::default());
        let held = issue("held");
        server.until(|record| record.of("POST tools/call").len() == 1).await;
        // Waits for the only connection.
        let mut queued = issue("queued");
        tokio::time::sleep(Duration::from_secs(1)).await;
        queued.cancel();
        queued.cancel();
        assert!(matches!(in_time(queued).await, Err(Error::Cancelled)));
        let open = server.record().open;
        drop(held);
        // Hanging up cancels the call; a legacy server is notified first.
        server
            .until(|record| record.open < open || !record.of("POST notifications/cancelled").is_empty())
            .await;
        let mut done = issue("done");
        in_time(&mut done).await.unwrap();
        done.cancel();
        succeeds(&client).await;
        in_time(client.close()).await;
        let record = server.until(|record| record.open == 0).await;
        let called: Vec<_> =
            record.of("POST tools/call").iter().map(|seen| seen.json()["params"]["name"].clone()).collect();
        assert_eq!(called, ["held", "done", "tool"], "{era:?}");
        let cancelled = record.of("POST notifications/cancelled");
        // A queued call may be cancelled by message: the legacy session cannot know that it was not sent.
        assert!(
            if era == LEGACY { (1..=2).contains(&cancelled.len()) } else { cancelled.is_empty() },
            "{:?}",
            record.lines()
        );
        let held = record.of("POST tools/call")[0].json()["id"].as_i64().unwrap();
        let queued = held + 1;
        for seen in cancelled {
            let id = seen.json()["params"]["requestId"].as_i64().unwrap();
            assert!(id == held || id == queued, "{}", seen.json());
        }
    }
}

/// FAULT C-32, A-B18: the machine sleeps for a night with a call in flight and an open connection. The call times
/// out, the old connection is not reused, and the next call works.
#[tokio::test(start_paused = true)]
async fn a_night_of_sleep_fails_only_the_calls_in_flight() {
    for era in [MODERN, LEGACY] {
        let server = holding(era, 1, vec![Step::result(SAID)]);
        let client = connect(era, &server).await;
        let asleep = client.call("tools/call", params("asleep"), CallOptions::default());
        server.until(|record| record.of("POST tools/call").len() == 1).await;
        let before = server.record().opened;
        // In one step, like a clock that was stopped: no timer fires in between.
        tokio::time::advance(Duration::from_secs(8 * 3600)).await;
        let error = in_time(asleep).await.unwrap_err();
        assert!(error.is_timeout() && error.is_retryable(), "{error:?}");
        succeeds(&client).await;
        let record = server.record();
        let last = record.of("POST tools/call").last().map(|seen| seen.connection);
        assert!(last > Some(before), "the old connection was reused: {last:?} of {before}");
        in_time(client.close()).await;
    }
}

/// FAULT C-31: a peer that vanishes silently. A stream that owes an answer times out after too long a silence, at
/// every stage: before the head, within it, within the body, within an event.
#[tokio::test(start_paused = true)]
async fn a_silent_peer_times_out() {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"json";
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hi\n\ndata: {\"json";
    let rows = [
        ("", TimeoutStep::FirstByte),
        ("HTTP/1.1 200 OK\r\nx-a", TimeoutStep::FirstByte),
        (json, TimeoutStep::Idle),
        (events, TimeoutStep::Idle),
    ];
    for (said, step) in rows {
        let mut script = vec![Rule::once(On::Rpc("tools/call"), [Step::send(said), Step::Hold])];
        script.extend(modern_json());
        let server = FaultServer::memory(script);
        let patient = http(&server).configure(|config| {
            config.net.timeouts.first_byte = Some(Duration::from_secs(7));
            config.net.timeouts.idle = Some(Duration::from_secs(11));
        });
        let client = builder(MODERN).connect(patient).await.unwrap();
        let error = call(&client).await.unwrap_err();
        let (kind, details) = details(&error);
        assert_eq!(kind, LossKind::TimedOut, "{said:?}");
        let HttpError::TimedOut { step: seen, .. } = details else { panic!("{details:?}") };
        assert_eq!(seen, step, "{said:?}");
        succeeds(&client).await;
        server.until(|record| record.open == 1).await;
    }
}

/// FAULT C-31: both ends of a TCP connection use keep-alive probes of the system. Linux shows them as timer 2.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn idle_connections_are_probed_by_the_system() {
    let server = mcp_core::server::Server::builder("s", "1").build(mcp_core::server::Router::new()).unwrap();
    let bound = mcp_http::HttpServer::new(server).bind("127.0.0.1:0").await.unwrap();
    let port = bound.local_addr().unwrap().port();
    let http = HttpClient::new(&bound.url().unwrap()).unwrap();
    let serving = tokio::spawn(bound.serve());
    let client = builder(MODERN).connect(http).await.unwrap();
    let port = format!(":{port:04X}");
    let timer = |table: &str, local: bool| {
        let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|row| {
            let (ours, theirs, state) = (row[1], row[2], row[3]);
            state == "01" && if local { ours.ends_with(&port) } else { theirs.ends_with(&port) }
        });
        row.map(|row| row[5].split(':').next().unwrap_or_default().to_owned())
    };
    let start = std::time::Instant::now();
    loop {
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let timers = [timer(&table, false), timer(&table, true)];
        // Until the last bytes are acknowledged, another timer is shown.
        if timers.iter().all(|timer| timer.as_deref() == Some("02")) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{timers:?} {table}");
        tokio::task::yield_now().await;
    }
    drop(client);
    serving.abort();
}

/// FAULT C-42, ERA-C-010: the result of the probe is passed to a second client. If the server is legacy, that client
/// sends no probe. If the result is wrong, it detects the era itself.
#[tokio::test(start_paused = true)]
async fn a_known_era_over_http_is_used_and_corrected() {
    for (script, modern) in [(modern_json(), true), (legacy_json(), false)] {
        let server = FaultServer::memory(script);
        let first = connect(EraMode::Auto, &server).await;
        assert_eq!(server.record().requests[0].rpc(), "server/discover");
        let known_era = first.known_era().unwrap();
        assert_eq!(known_era.version.is_modern(), modern);
        let seen = server.record().requests.len();
        let second =
            in_time(builder(EraMode::Auto).known_era(known_era).connect(http(&server))).await.unwrap();
        succeeds(&second).await;
        // A modern server is still asked for its capabilities.
        let opening = if modern { "server/discover" } else { "initialize" };
        assert_eq!(server.record().requests[seen].rpc(), opening, "{:?}", server.record().lines());

        let other = FaultServer::memory(if modern { legacy_json() } else { modern_json() });
        let corrected =
            in_time(builder(EraMode::Auto).known_era(known_era).start(http(&other)).unwrap().ready()).await;
        assert_eq!(corrected.unwrap().version.is_modern(), !modern, "{:?}", other.record().lines());
    }
}

/// FAULT C-45, HTTP-C-010: a server refuses a request that is too large by its status. The error names the status,
/// and the connection stays usable.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_for_the_server_is_reported() {
    for (status, says) in
        [(413, "413 Payload Too Large"), (414, "414 URI Too Long"), (431, "431 Request Header Fields")]
    {
        let mut script = vec![Rule::once(On::Rpc("tools/call"), [Step::status(status)])];
        script.extend(modern_json());
        let server = FaultServer::memory(script);
        let client = connect(MODERN, &server).await;
        let error = call(&client).await.unwrap_err();
        assert_eq!(details(&error).0, LossKind::TooLarge);
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains(says), "{error}");
        assert!(!error.is_retryable());
        succeeds(&client).await;
        assert_eq!(server.record().opened, 1);
    }
}
