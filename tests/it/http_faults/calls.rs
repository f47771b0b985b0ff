//! Calls that are given up, clocks that jump, peers that fall silent, and what is learned once.

use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::{CallOptions, EraMode};
use mcp_core::transport::LossKind;
use mcp_http::TimeoutStep;
use mcp_http::{HttpClient, HttpError};
use mcp_tests::fault_server::{FaultServer, On, Rule, Step};

use super::kit::*;

/// A server whose calls wait until it is told, and are answered by this then.
fn holding(era: EraMode, times: usize, answer: Vec<Step>) -> FaultServer {
    let steps = [vec![Step::Hold], answer].concat();
    let mut script = vec![Rule { times: Some(times), ..Rule::new(On::Rpc("tools/call"), steps) }];
    script.extend(if era == MODERN { modern_json() } else { legacy_json() });
    FaultServer::memory(script)
}

/// FAULT C-37, CANC-C-009, CANC-B-007: before it is written, while it is answered, after its answer, and twice. One outcome
/// each, and of a call that was never written the server hears nothing.
#[tokio::test(start_paused = true)]
async fn a_call_may_be_given_up_at_any_time() {
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
        // Hanging up is how it is given up; a legacy server is told first.
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
        let told = record.of("POST notifications/cancelled");
        // What is not read yet may be cancelled by name: the legacy session cannot know that it waits.
        assert!(
            if era == LEGACY { (1..=2).contains(&told.len()) } else { told.is_empty() },
            "{:?}",
            record.lines()
        );
        let held = record.of("POST tools/call")[0].json()["id"].as_i64().unwrap();
        let queued = held + 1;
        for told in told {
            let id = told.json()["params"]["requestId"].as_i64().unwrap();
            assert!(id == held || id == queued, "{}", told.json());
        }
    }
}

/// FAULT C-32, A-B18: the machine sleeps for a night with a call under way and a connection kept. The call ends by its
/// limit, the old connection is not trusted, and the next call works.
#[tokio::test(start_paused = true)]
async fn a_night_of_sleep_costs_what_was_under_way_and_no_more() {
    for era in [MODERN, LEGACY] {
        let server = holding(era, 1, vec![Step::result(SAID)]);
        let client = connect(era, &server).await;
        let asleep = client.call("tools/call", params("asleep"), CallOptions::default());
        server.until(|record| record.of("POST tools/call").len() == 1).await;
        let before = server.record().opened;
        // All at once, as a clock does that was stopped: no timer fires in between.
        tokio::time::advance(Duration::from_secs(8 * 3600)).await;
        let error = in_time(asleep).await.unwrap_err();
        assert!(error.is_timeout() && error.is_retryable(), "{error:?}");
        succeeds(&client).await;
        let record = server.record();
        let last = record.of("POST tools/call").last().map(|seen| seen.connection);
        assert!(last > Some(before), "over a connection that was kept all night: {last:?} of {before}");
        in_time(client.close()).await;
    }
}

/// FAULT C-31: a peer that is gone without a word. A stream that owes an answer is given up when it has been silent for
/// too long, at every stage: before the head, within it, within the body, within an event.
#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_silent_is_given_up() {
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

/// FAULT C-31: both ends of a TCP connection have the system ask whether the other is there. Linux tells of it: timer 2.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn idle_connections_are_probed_by_the_system() {
    let server = mcp_core::server::Server::builder("s", "1").build(mcp_core::server::Router::new()).unwrap();
    let bound = mcp_http::HttpServer::new(server).bind("127.0.0.1:0").await.unwrap();
    let port = bound.local_addr().unwrap().port();
    let http = HttpClient::new(&bound.url().unwrap()).unwrap();
    let serving = tokio::spawn(bound.serve());
    let client = builder(MODERN).connect(http).await.unwrap();
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let port = format!(":{port:04X}");
    let timer = |local: bool| {
        let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|row| {
            let (ours, theirs, state) = (row[1], row[2], row[3]);
            state == "01" && if local { ours.ends_with(&port) } else { theirs.ends_with(&port) }
        });
        row.map(|row| row[5].split(':').next().unwrap_or_default().to_owned())
    };
    assert_eq!((timer(false).as_deref(), timer(true).as_deref()), (Some("02"), Some("02")), "{table}");
    drop(client);
    serving.abort();
}

/// FAULT C-42, ERA-C-010: what the probe found out is handed on: a second client that is told of a legacy server sends no
/// probe, and one that was told wrongly finds out by itself.
#[tokio::test(start_paused = true)]
async fn a_verdict_over_http_is_used_and_mended() {
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
        // A modern server is still asked what it can do.
        let opening = if modern { "server/discover" } else { "initialize" };
        assert_eq!(server.record().requests[seen].rpc(), opening, "{:?}", server.record().lines());

        let other = FaultServer::memory(if modern { legacy_json() } else { modern_json() });
        let healed =
            in_time(builder(EraMode::Auto).known_era(known_era).start(http(&other)).unwrap().ready()).await;
        assert_eq!(healed.unwrap().version.is_modern(), !modern, "{:?}", other.record().lines());
    }
}

/// FAULT C-45, HTTP-C-010: a server that finds the request too large says so by its status. The error names it, and the
/// connection goes on.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_for_the_server_is_told() {
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
