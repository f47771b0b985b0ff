//! The two endpoints of 2024-11-05 (ledger 3.24).

use mcp_core::session::Change;

use crate::legacy_kit::{Bench, Events, INITIALIZED, LIST, call, initialize, post, until};
use crate::server_kit::{Answer, http};

fn bench() -> Bench {
    Bench::with(|config| config.http_sse = true)
}

fn get(more: &[(&str, &str)]) -> String {
    let mut headers = vec![("Host", "localhost"), ("Accept", "text/event-stream")];
    headers.extend(more);
    http("GET /sse", &headers, "")
}

struct Old {
    path: String,
    events: Events,
}

impl Old {
    async fn open(bench: &Bench) -> Old {
        let mut events = Events::open(bench.server.open(), get(&[])).await;
        let first = events.next().await.expect("an event");
        assert_eq!(first.kind, "endpoint");
        Old { path: first.data, events }
    }

    async fn post(&self, bench: &Bench, body: &str) -> Answer {
        bench.server.ask(post(body, &[]).replacen("/mcp", &self.path, 1)).await
    }

    async fn ask(&mut self, bench: &Bench, body: &str) -> serde_json::Value {
        let answer = self.post(bench, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{body}");
        let event = self.events.next().await.expect("an event");
        assert!(matches!(event.kind.as_str(), "" | "message"));
        assert_eq!(event.id, None);
        event.json()
    }
}

/// SSE24-S-001, SSE24-S-002, SSE24-S-004.
#[tokio::test(start_paused = true)]
async fn a_session_of_2024_works_over_its_two_endpoints() {
    let bench = bench();
    let mut old = Old::open(&bench).await;
    assert!(old.path.starts_with("/messages?sessionId="), "{}", old.path);
    let result = old.ask(&bench, &initialize("2024-11-05")).await;
    assert_eq!(result["result"]["protocolVersion"], "2024-11-05");
    assert_eq!(old.post(&bench, INITIALIZED).await.status, 202);
    assert_eq!(old.ask(&bench, &call(7, "echo", r#"{"text":"hi"}"#)).await["id"], 7);
    bench.handle.publish(Change::ToolsList);
    assert_eq!(old.events.next().await.unwrap().what(), "notifications/tools/list_changed");
    // A question, and its answer.
    assert_eq!(old.ask(&bench, &call(8, "ask", "{}")).await["method"], "ping");
    let answered = old.ask(&bench, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    assert_eq!((&answered["id"], &answered["result"]["content"][0]["text"]), (&8.into(), &"answered".into()));
    assert_eq!(old.post(&bench, "{").await.status, 400);
    let count = old.ask(&bench, &call(9, "count", r#"{"n":2}"#)).await;
    assert_eq!(count["params"]["data"], 1);
}

/// SSE24-S-005: the session is as old as its stream.
#[tokio::test(start_paused = true)]
async fn the_session_ends_with_its_stream() {
    let mut bench = bench();
    let mut old = Old::open(&bench).await;
    old.ask(&bench, &initialize("2024-11-05")).await;
    assert_eq!(old.post(&bench, INITIALIZED).await.status, 202);
    assert_eq!(old.post(&bench, &call(1, "wait", "{}")).await.status, 202);
    assert_eq!(bench.told().await, "began");
    let Old { path, events } = old;
    let start = tokio::time::Instant::now();
    drop(events);
    assert_eq!(bench.told().await, "cancelled");
    let stats = bench.server.service.clone();
    until("nothing is left", || stats.sessions() == Default::default()).await;
    assert!(start.elapsed().is_zero(), "it does not wait to be idle for long enough");
    assert_eq!(bench.server.ask(post(LIST, &[]).replacen("/mcp", &path, 1)).await.status, 404);
}

/// PEERS 30: a server that stops answers what is under way there too, and ends the streams on which nothing is.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_answers_what_is_under_way() {
    let mut bench = bench();
    let mut idle = Old::open(&bench).await;
    idle.ask(&bench, &initialize("2024-11-05")).await;
    let silent = Old::open(&bench).await;
    let mut busy = Old::open(&bench).await;
    busy.ask(&bench, &initialize("2024-11-05")).await;
    assert_eq!(busy.post(&bench, INITIALIZED).await.status, 202);
    assert_eq!(busy.post(&bench, &call(1, "wait", r#"{"text":"late"}"#)).await.status, 202);
    assert_eq!(bench.told().await, "began");
    let start = tokio::time::Instant::now();
    bench.server.stop();
    let (Old { mut events, .. }, Old { events: mut silent, .. }) = (idle, silent);
    assert!(events.rest().await.is_empty() && silent.rest().await.is_empty());
    bench.gate.add_permits(1);
    let left = busy.events.rest().await;
    assert_eq!(left.iter().map(|event| event.what()).collect::<Vec<_>>(), ["late"]);
    let Bench { server, .. } = bench;
    assert_eq!(server.stopped().await.cut, 0);
    assert!(start.elapsed().is_zero());
}

/// SSE24-S-006, SSE24-B-010: off by default; the two kinds of session do not mix.
#[tokio::test(start_paused = true)]
async fn it_is_off_by_default_and_its_ids_are_good_for_nothing_else() {
    let off = Bench::new();
    assert_eq!(off.server.ask(get(&[])).await.status, 404);
    let bench = Bench::with(|config| {
        config.http_sse = true;
        config.sse_path = "/old/sse".into();
        config.messages_path = "/old/messages".into();
    });
    let mut events = Events::open(bench.server.open(), get(&[]).replacen("/sse", "/old/sse", 1)).await;
    let path = events.next().await.unwrap().data;
    let id = path.strip_prefix("/old/messages?sessionId=").unwrap();
    assert_eq!(bench.server.ask(post(LIST, &[("Mcp-Session-Id", id)])).await.status, 404);
    let new = bench.client("2025-06-18").await;
    for (query, status) in
        [(format!("?sessionId={}", new.id), 404), (String::new(), 400), ("?sessionId=x".into(), 404)]
    {
        let request = post(LIST, &[]).replacen("/mcp", &format!("/old/messages{query}"), 1);
        assert_eq!(bench.server.ask(request).await.status, status, "{query}");
    }
}

/// SEC-S-001 on both endpoints.
#[tokio::test(start_paused = true)]
async fn both_endpoints_check_host_and_origin() {
    let bench = bench();
    let old = Old::open(&bench).await;
    for origin in ["http://evil.example", "null"] {
        assert_eq!(bench.server.ask(get(&[("Origin", origin)])).await.status, 403);
        let request = post(LIST, &[("Origin", origin)]).replacen("/mcp", &old.path, 1);
        assert_eq!(bench.server.ask(request).await.status, 403);
    }
    for request in [get(&[]), post(LIST, &[]).replacen("/mcp", &old.path, 1)] {
        let request = request.replacen("Host: localhost", "Host: evil.example", 1);
        assert_eq!(bench.server.ask(request).await.status, 403);
    }
}
