//! Legacy sessions: how they begin, whose they are, how they end (ledger 3.11).

use std::collections::HashSet;
use std::time::Duration;

use mcp_core::transport::Identity;
use mcp_http::server::{Authenticate, Denied, RequestHead};
use tokio::time::advance;

use crate::legacy_kit::{Bench, Client, INITIALIZED, LIST, call, initialize, post, until, what};
use crate::server_kit::{http, soon};

/// SESS-S-001, SESS-S-003, HTTP-S-004: JSON or a stream, as the client takes it.
#[tokio::test(start_paused = true)]
async fn the_answer_to_initialize_carries_a_fresh_id_in_either_form() {
    let bench = Bench::new();
    let mut seen = HashSet::new();
    for accept in ["application/json, text/event-stream", "application/json", "text/event-stream", "*/*"] {
        let answer = bench.server.ask(post(&initialize("2025-11-25"), &[("Accept", accept)])).await;
        assert_eq!(answer.status, 200);
        let id = answer.header("mcp-session-id").unwrap();
        assert!(id.len() >= 22 && id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{id}");
        assert!(seen.insert(id.to_owned()));
        let stream = accept == "text/event-stream";
        let kind = if stream { "text/event-stream" } else { "application/json" };
        assert_eq!(answer.header("content-type"), Some(kind), "{accept}");
        let message = if stream { answer.body.lines().last().unwrap().contains("") } else { true };
        assert!(message && answer.body.contains(r#""protocolVersion":"2025-11-25""#), "{answer:?}");
    }
    assert_eq!(bench.server.service.sessions().sessions, 4);
}

/// SESS-S-001: an `initialize` that is refused opens nothing.
#[tokio::test(start_paused = true)]
async fn a_refused_initialize_gets_no_id_and_leaves_no_link() {
    let bench = Bench::new();
    let bad = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
    for accept in ["application/json", "text/event-stream"] {
        let answer = bench.server.ask(post(bad, &[("Accept", accept)])).await;
        assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None));
        assert!(answer.body.contains("-32602"), "{answer:?}");
    }
    let stats = bench.server.service.clone();
    until("no link is left", || stats.sessions() == Default::default()).await;
}

/// FAULT B: session fixation.
#[tokio::test(start_paused = true)]
async fn an_id_that_a_client_brings_is_never_adopted() {
    let bench = Bench::new();
    let request = post(&initialize("2025-06-18"), &[("Mcp-Session-Id", "attackers-choice")]);
    let answer = bench.server.ask(request).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("mcp-session-id"), Some("attackers-choice"));
    let client = Client { id: "attackers-choice".into(), more: Vec::new() };
    assert_eq!(client.ask(&bench, LIST).await.status, 404);
}

/// SESS-S-006, SESS-S-007, T-19, PEERS 19.
#[tokio::test(start_paused = true)]
async fn a_missing_id_is_400_and_an_unknown_one_404() {
    let bench = Bench::new();
    let get = [("Host", "localhost"), ("Accept", "text/event-stream")];
    let unknown = [get[0], get[1], ("Mcp-Session-Id", "unknown")];
    for (status, headers) in [(400, &get[..]), (404, &unknown[..])] {
        assert_eq!(bench.server.ask(http("GET /mcp", headers, "")).await.status, status);
        assert_eq!(bench.server.ask(http("DELETE /mcp", headers, "")).await.status, status);
        for body in [LIST, INITIALIZED, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#] {
            let answer = bench.server.ask(post(body, &headers[2..])).await;
            assert_eq!(answer.status, status, "{body}");
            assert_eq!(answer.code(), -32600);
        }
    }
}

/// SESS-S-007, SESS-C-009.
#[tokio::test(start_paused = true)]
async fn delete_ends_the_session_and_cancels_what_is_under_way() {
    let mut bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut waiting = bench.server.open();
    waiting.write(client.post(&call(1, "wait", "{}"))).await;
    assert_eq!(bench.told().await, "began");
    let mut listening = client.listen(&bench, None).await;
    assert_eq!(client.delete(&bench).await.status, 204);
    assert_eq!(bench.told().await, "cancelled");
    assert_eq!(waiting.answer().await.status, 500, "not 404: it was executed, perhaps");
    assert!(listening.rest().await.is_empty());
    assert_eq!(client.ask(&bench, LIST).await.status, 404);
    assert_eq!(bench.server.ask(client.get(None)).await.status, 404);
    assert_eq!(client.delete(&bench).await.status, 404);
    let stats = bench.server.service.clone();
    until("nothing is left", || stats.sessions() == Default::default()).await;
}

/// HTTP-S-009: the streams of a session end with it, those of its calls too; those of other sessions go on.
#[tokio::test(start_paused = true)]
async fn the_streams_of_a_session_end_with_it() {
    let mut bench = Bench::new();
    let (ended, other) = (bench.client("2025-11-25").await, bench.client("2025-11-25").await);
    let mut streams = Vec::new();
    for client in [&ended, &other] {
        let mut stream = client.stream(&bench, &call(1, "wait", r#"{"text":"well"}"#)).await;
        assert_eq!(stream.next().await.map(|event| event.data), Some(String::new()), "15 s made it a stream");
        streams.push(stream);
        assert_eq!(bench.told().await, "began");
    }
    assert_eq!(ended.delete(&bench).await.status, 204);
    assert_eq!(bench.told().await, "cancelled");
    assert!(streams[0].rest().await.iter().all(|event| !event.data.contains("result")));
    bench.gate.add_permits(1);
    assert_eq!(streams[1].message().await.what(), "well");
}

/// SESS-S-007, PEERS 17 and 18: silence ends a session; what is open keeps it.
#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_expires_and_one_that_is_used_does_not() {
    let bench = Bench::new();
    let idle = bench.client("2025-06-18").await;
    let used = bench.client("2025-06-18").await;
    let busy = bench.client("2025-06-18").await;
    let listening = bench.client("2025-06-18").await;
    for client in [&idle, &used] {
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
    }
    let mut waiting = bench.server.open();
    waiting.write(busy.post(&call(1, "wait", "{}"))).await;
    let stream = listening.listen(&bench, None).await;
    for _ in 0..4 {
        advance(Duration::from_secs(10 * 60)).await;
        assert_eq!(used.ask(&bench, LIST).await.status, 200);
    }
    let stats = bench.server.service.clone();
    until("the idle one is gone", || stats.sessions().sessions == 3).await;
    assert_eq!(idle.ask(&bench, LIST).await.status, 404);
    // The pause ends with what was open.
    bench.gate.add_permits(1);
    drop(stream);
    let answer = Box::pin(waiting.answer()).await;
    assert_eq!(answer.status, 200);
    for _ in 0..16 {
        advance(Duration::from_secs(2 * 60)).await;
        tokio::task::yield_now().await;
    }
    until("all are gone", || stats.sessions() == Default::default()).await;
    assert_eq!(busy.ask(&bench, LIST).await.status, 404);
}

/// Knows every token of the form `subject@tenant scopes`.
pub(crate) struct ByToken;

#[mcp_core::transport::async_trait]
impl Authenticate for ByToken {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let token = head.headers.get("authorization").and_then(|value| value.to_str().ok());
        let (name, scopes) =
            token.map(|token| token.split_once(' ').unwrap_or((token, ""))).unwrap_or_default();
        match name.split_once('@').unwrap_or((name, "")) {
            ("", _) => Err(Denied::unauthorized("Bearer")),
            (subject, tenant) => {
                Ok(Identity::new(subject).with_tenant(tenant).with_scopes(scopes.split(' ')))
            }
        }
    }
}

/// SESS-S-010, SEC-S-010, T-44; FAULT B: the id is not a credential, and streams of other callers cannot be resumed.
#[tokio::test(start_paused = true)]
async fn a_session_is_its_owners_alone() {
    let bench = Bench::with(|config| config.authenticate = Some(std::sync::Arc::new(ByToken)));
    let alice = Client::open(&bench, "2025-11-25", &[("Authorization", "alice")]).await;
    let mallory = Client { id: alice.id.clone(), more: vec![("Authorization".into(), "mallory".into())] };
    let nobody = Client { id: alice.id.clone(), more: Vec::new() };
    let mut stream = alice.listen(&bench, None).await;
    for (client, status) in [(&mallory, 404), (&nobody, 401)] {
        assert_eq!(client.ask(&bench, LIST).await.status, status);
        assert_eq!(bench.server.ask(client.get(None)).await.status, status);
        assert_eq!(bench.server.ask(client.get(Some("0_0"))).await.status, status);
        assert_eq!(client.delete(&bench).await.status, status);
    }
    bench.handle.publish(mcp_core::session::Change::ToolsList);
    assert_eq!(stream.message().await.what(), "notifications/tools/list_changed");
}

/// FAULT F-S2: a session belongs to an owner, not to a token: other scopes lose nothing, another tenant sees nothing.
#[tokio::test(start_paused = true)]
async fn a_refreshed_token_keeps_its_session_and_another_tenant_has_none() {
    let bench = Bench::with(|config| config.authenticate = Some(std::sync::Arc::new(ByToken)));
    let ada = Client::open(&bench, "2025-11-25", &[("Authorization", "ada@acme read")]).await;
    let as_other =
        |token: &str| Client { id: ada.id.clone(), more: vec![("Authorization".into(), token.into())] };
    let (refreshed, other) = (as_other("ada@acme read write"), as_other("ada@other read"));
    let mut stream = refreshed.listen(&bench, None).await;
    assert_eq!(other.ask(&bench, LIST).await.status, 404);
    assert_eq!(bench.server.ask(other.get(Some("0_0"))).await.status, 404);
    assert_eq!(other.delete(&bench).await.status, 404);
    assert_eq!(refreshed.ask(&bench, LIST).await.status, 200);
    bench.handle.publish(mcp_core::session::Change::ToolsList);
    assert_eq!(stream.message().await.what(), "notifications/tools/list_changed");
    assert_eq!(refreshed.delete(&bench).await.status, 204);
}

/// FAULT B: two of a header that decides anything, on every method.
#[tokio::test(start_paused = true)]
async fn two_version_headers_are_refused_even_if_both_are_served() {
    let bench = Bench::new();
    let mut client = bench.client("2025-11-25").await;
    let version = |label: &str| ("Mcp-Protocol-Version".to_owned(), label.to_owned());
    client.more = vec![version("2025-11-25"), version("2025-06-18")];
    for body in [LIST, INITIALIZED, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "[]"] {
        assert_eq!(client.ask(&bench, body).await.status, 400, "{body}");
    }
    assert_eq!(soon(bench.server.ask(client.get(None))).await.status, 400);
    assert_eq!(client.delete(&bench).await.status, 400);
    client.more.pop();
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
}

/// LIFE: the session machine answers a second `initialize`.
#[tokio::test(start_paused = true)]
async fn a_second_initialize_in_a_session_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let answer = client.ask(&bench, &initialize("2025-11-25")).await;
    assert_eq!((answer.status, answer.code(), answer.header("mcp-session-id")), (400, -32600, None));
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
    assert_eq!(bench.server.service.sessions().sessions, 1);
}

/// HTTP-S-017, HTTP-S-018, ERA-S-014, T-20.
#[tokio::test(start_paused = true)]
async fn the_version_header_may_be_missing_or_supported_and_nothing_else() {
    let bench = Bench::new();
    // It means nothing on `initialize`.
    let header = |value| [("Mcp-Protocol-Version", value)];
    let opened = bench.server.ask(post(&initialize("2025-11-25"), &header("2025-06-18"))).await;
    assert_eq!(opened.status, 200);
    let client = bench.client("2025-11-25").await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let answer = bench.server.ask(client.post_with(LIST, &header(version))).await;
        assert_eq!(answer.status, 200, "{version}");
    }
    for version in ["1999-01-01", "garbage", "2025-11-25, 2025-06-18"] {
        for body in [LIST, INITIALIZED] {
            let answer = bench.server.ask(client.post_with(body, &header(version))).await;
            assert_eq!(answer.status, 400, "{version} {body}");
        }
        let get =
            client.get(None).replace("\r\n\r\n", &format!("\r\nMcp-Protocol-Version: {version}\r\n\r\n"));
        assert_eq!(bench.server.ask(get).await.status, 400, "{version}");
    }
    // Without one, what was negotiated governs: no batches here, although 2025-03-26 is what an unknown client speaks.
    assert_eq!(client.ask(&bench, &format!("[{LIST}]")).await.status, 400);
    let old = bench.client("2025-03-26").await;
    assert_eq!(old.ask(&bench, &format!("[{LIST}]")).await.status, 200);
}

/// SEC-S-001, SEC-S-002 on every method.
#[tokio::test(start_paused = true)]
async fn foreign_origins_and_hosts_are_refused_on_every_method() {
    let bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    for (from, to) in [
        ("\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n"),
        ("\r\n\r\n", "\r\nOrigin: null\r\n\r\n"),
        ("Host: localhost", "Host: evil.example"),
    ] {
        for request in [client.post(LIST), client.get(None), client.get(None).replacen("GET", "DELETE", 1)] {
            assert_eq!(bench.server.ask(request.replacen(from, to, 1)).await.status, 403, "{request}");
        }
    }
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
}

/// PEERS 3, 18, 30: 10,000 sessions that were opened and dropped, in each way that there is, leave nothing behind.
#[tokio::test]
async fn ten_thousand_sessions_leave_nothing_behind() {
    let bench = Bench::new();
    let stats = bench.server.service.clone();
    let mut raw = bench.server.open();
    for round in 0..100 {
        let mut clients = Vec::new();
        for _ in 0..100 {
            raw.write(post(&initialize("2025-11-25"), &[])).await;
            let id = raw.answer().await.header("mcp-session-id").expect("an id").to_owned();
            clients.push(Client { id, more: Vec::new() });
        }
        assert_eq!(stats.sessions().sessions, 100);
        if round % 10 == 0 {
            // Streams that are open, and requests that nobody answers.
            for client in &clients[..10] {
                let stream = client.listen(&bench, None).await;
                let mut waiting = bench.server.open();
                waiting.write(client.post(&call(1, "wait", "{}"))).await;
                drop((stream, waiting));
            }
        }
        for client in &clients {
            raw.write(client.get(None).replacen("GET", "DELETE", 1)).await;
            assert_eq!(raw.answer().await.status, 204);
        }
    }
    until("nothing is left", || {
        let now = stats.sessions();
        (now.sessions, now.links, now.streams, now.exchanges) == (0, 0, 0, 0)
    })
    .await;
    assert_eq!(bench.handle.links(), 0);
}

/// PEERS 30, 39: a server that stops ends idle sessions and their streams, and answers what is under way.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_ends_streams_and_sessions_and_answers_what_is_under_way() {
    let mut bench = Bench::new();
    let idle = bench.client("2025-11-25").await;
    let mut stream = idle.listen(&bench, None).await;
    let busy = bench.client("2025-11-25").await;
    let mut waiting = bench.server.open();
    waiting.write(busy.post(&call(1, "wait", r#"{"text":"late"}"#))).await;
    assert_eq!(bench.told().await, "began");
    bench.server.stop();
    assert!(stream.rest().await.is_empty());
    bench.gate.add_permits(1);
    assert_eq!(what(&waiting.answer().await.json()), "late");
    let stats = bench.server.service.clone();
    let Bench { server, .. } = bench;
    assert_eq!(server.stopped().await.cut, 0);
    until("nothing is left", || stats.sessions() == Default::default()).await;
}

/// PEERS 30: what does not come to its end is ended.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_waits_for_the_drain_limit_and_not_longer() {
    let mut bench = Bench::new();
    let busy = bench.client("2025-11-25").await;
    let mut waiting = bench.server.open();
    waiting.write(busy.post(&call(1, "wait", "{}"))).await;
    assert_eq!(bench.told().await, "began");
    let stats = bench.server.service.clone();
    let start = tokio::time::Instant::now();
    let Bench { server, mut told, .. } = bench;
    assert_eq!(server.stopped().await.cut, 1);
    assert!(start.elapsed() < Duration::from_secs(11));
    assert_eq!(told.recv().await.as_deref(), Some("cancelled"));
    until("nothing is left", || stats.sessions() == Default::default()).await;
}
