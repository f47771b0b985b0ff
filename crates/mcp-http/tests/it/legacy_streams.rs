//! GET in a legacy session: the stream of no request, streams that are taken up again, polling (ledger 3.10, 3.12).

use std::time::Duration;

use mcp_core::session::Change;

use crate::legacy_kit::{Bench, Client, Event, Events, LIST, call, until};
use crate::server_kit::http;

fn texts(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::what).collect()
}

/// HTTP-S-013, T-23; FAULT C-27: the first byte comes at once.
#[tokio::test(start_paused = true)]
async fn get_opens_a_stream_for_those_that_take_one() {
    let bench = Bench::new();
    for (version, primed) in [("2025-06-18", false), ("2025-11-25", true)] {
        let client = bench.client(version).await;
        let mut raw = bench.server.open();
        raw.write(client.get(None)).await;
        assert_eq!(raw.head().await.status, 200);
        let first = raw.chunk().await.unwrap();
        assert_eq!(first.starts_with(':'), !primed, "{first}");
        assert_eq!(first.contains("id: 0_0\nretry: 1000\ndata:\n"), primed, "{first}");
        let headers = [("Host", "localhost"), ("Accept", "application/json"), ("Mcp-Session-Id", &client.id)];
        assert_eq!(bench.server.ask(http("GET /mcp", &headers, "")).await.status, 406);
    }
}

/// HTTP-S-014, HTTP-S-015, HTTP-S-016: each message goes to one stream; answers never to this one.
#[tokio::test(start_paused = true)]
async fn every_message_goes_to_exactly_one_stream() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut standalone = client.listen(&bench, None).await;
    let mut post = client.stream(&bench, &call(1, "count", r#"{"n":3,"gated":1,"text":"done"}"#)).await;
    for _ in 0..3 {
        bench.handle.publish(Change::ToolsList);
        assert_eq!(standalone.message().await.what(), "notifications/tools/list_changed");
        bench.gate.add_permits(1);
    }
    assert_eq!(texts(&post.rest().await), ["1", "2", "3", "done"]);
    assert_eq!(client.delete(&bench).await.status, 204);
    assert!(standalone.rest().await.is_empty());
}

/// T-24, PEERS 13: the newest wins, the older one ends.
#[tokio::test(start_paused = true)]
async fn a_second_get_takes_over_and_the_first_ends() {
    let bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let mut first = client.listen(&bench, None).await;
    let mut second = client.listen(&bench, None).await;
    assert!(first.rest().await.is_empty());
    bench.handle.publish(Change::ToolsList);
    assert_eq!(second.message().await.what(), "notifications/tools/list_changed");
    let stats = bench.server.service.clone();
    until("one is left", || stats.sessions().streams == 1).await;
}

/// T-46: notifications wait for a stream, once each; with or without an event store.
#[tokio::test(start_paused = true)]
async fn news_wait_for_a_stream() {
    for store in [true, false] {
        let bench = Bench::with(|config| {
            if !store {
                config.event_store = None;
            }
        });
        let client = bench.client("2025-06-18").await;
        for change in [Change::ToolsList, Change::PromptsList, Change::ToolsList] {
            bench.handle.publish(change);
        }
        // The link has said it once it has answered what came later.
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
        let mut stream = client.listen(&bench, None).await;
        assert_eq!(stream.message().await.what(), "notifications/tools/list_changed");
        drop(stream);
        let stats = bench.server.service.clone();
        until("the client is gone", || stats.sessions().streams == 0).await;
        bench.handle.publish(Change::ToolsList);
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
        let mut stream = client.listen(&bench, None).await;
        assert_eq!(stream.message().await.what(), "notifications/tools/list_changed");
        bench.handle.publish(Change::ToolsList);
        assert_eq!(stream.message().await.what(), "notifications/tools/list_changed");
    }
}

/// T-46, promise 6: a question goes to the stream of its request, else to the one of no request, and fails at once
/// without either, not after ten minutes.
#[tokio::test(start_paused = true)]
async fn a_question_goes_to_the_stream_or_fails_at_once() {
    let mut bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let answered = async |bench: &Bench, stream: &mut Events| {
        let question = stream.message().await.json();
        assert_eq!(question["method"], "ping");
        let reply = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, question["id"]);
        assert_eq!(client.ask(bench, &reply).await.status, 202);
    };
    let mut own = client.stream(&bench, &call(1, "ask", "{}")).await;
    answered(&bench, &mut own).await;
    assert!(own.message().await.data.contains("answered"));

    client.ask(&bench, &call(2, "later", "{}")).await;
    bench.gate.add_permits(1);
    let outcome = bench.told().await;
    assert!(outcome.contains("no open stream"), "{outcome}");

    let mut stream = client.listen(&bench, None).await;
    client.ask(&bench, &call(3, "later", "{}")).await;
    bench.gate.add_permits(1);
    answered(&bench, &mut stream).await;
    assert_eq!(bench.told().await, "answered");
}

/// RES-S-004, RES-S-005; FAULT C-24: the connection breaks after event k; k+1 and so on come once, in order.
#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_taken_up_behind_the_last_event_that_was_read() {
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let bench = Bench::new();
        let client = bench.client(version).await;
        let mut other = client.stream(&bench, &call(2, "count", r#"{"n":9,"gated":2,"text":"other"}"#)).await;
        bench.second_gate.add_permits(1);
        other.message().await;
        for k in 1..=4_usize {
            bench.gate.add_permits(4);
            let body = call(1, "count", r#"{"n":6,"gated":1,"text":"done"}"#);
            let mut stream = client.stream(&bench, &body).await;
            let mut last = None;
            for n in 1..=k {
                let event = stream.message().await;
                assert!(event.what() == n.to_string(), "{event:?}");
                last = event.id;
            }
            drop(stream);
            let mut stream = client.listen(&bench, last.as_deref()).await;
            bench.gate.add_permits(2);
            let expected: Vec<String> =
                (k + 1..=6).map(|n| n.to_string()).chain(["done".to_owned()]).collect();
            assert_eq!(texts(&stream.rest().await), expected, "{version}, after {k}");
            // Once more, from the very same event: all of it is still there.
            assert_eq!(texts(&client.listen(&bench, last.as_deref()).await.rest().await), expected);
        }
        bench.second_gate.add_permits(8);
        assert_eq!(texts(&other.rest().await), ["2", "3", "4", "5", "6", "7", "8", "9", "other"]);
    }
}

/// RES-S-004 for the stream of no request.
#[tokio::test(start_paused = true)]
async fn the_stream_of_no_request_is_taken_up_too() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut stream = client.listen(&bench, None).await;
    bench.handle.publish(Change::ToolsList);
    let first = stream.message().await;
    drop(stream);
    bench.handle.publish(Change::ToolsList);
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
    let mut stream = client.listen(&bench, first.id.as_deref()).await;
    let second = stream.message().await;
    assert_eq!(second.id.as_deref(), Some("0_2"));
    bench.handle.publish(Change::ToolsList);
    assert_eq!(stream.message().await.id.as_deref(), Some("0_3"));
    let mut again = client.listen(&bench, first.id.as_deref()).await;
    assert_eq!(again.message().await.id.as_deref(), Some("0_2"));
    assert_eq!(again.message().await.id.as_deref(), Some("0_3"));
    assert!(stream.rest().await.is_empty(), "the newest wins");
}

/// T-19; PEERS 14: 400, which says that the session lives, and never a stream that ends at once for ever.
#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_kept_is_400() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut stream = client.stream(&bench, &call(1, "count", r#"{"n":2}"#)).await;
    let last = stream.rest().await.pop().unwrap().id.unwrap();
    let (number, _) = last.split_once('_').unwrap();
    let beyond = format!("{number}_{}", u64::MAX);
    for id in ["x", "99_0", "1_0_0", "-1_0", last.as_str(), beyond.as_str()] {
        let answer = bench.server.ask(client.get(Some(id))).await;
        assert_eq!((answer.status, answer.code()), (400, -32600), "{id:?}");
    }
    let bench = Bench::with(|config| config.event_store = None);
    let client = bench.client("2025-11-25").await;
    assert_eq!(bench.server.ask(client.get(Some("1_0"))).await.status, 400);
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
}

/// SSE-S-006, SSE-S-007: the connection ends, the exchange does not.
#[tokio::test(start_paused = true)]
async fn a_handler_lets_its_client_poll() {
    let mut bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut stream = client.stream(&bench, &call(1, "poll", r#"{"n":2,"text":"done"}"#)).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.data.as_str(), first.retry), ("", Some(Duration::from_secs(1))));
    assert_eq!(stream.next().await, None, "closed before the answer");
    assert_eq!(bench.told().await, "Ok(())");
    // It comes back too early, then in time.
    let early = client.listen(&bench, first.id.as_deref()).await;
    drop(early);
    bench.gate.add_permits(1);
    let stats = bench.server.service.clone();
    until("the exchange is over", || stats.sessions().exchanges == 0).await;
    let mut stream = client.listen(&bench, first.id.as_deref()).await;
    assert_eq!(texts(&stream.rest().await), ["1", "2", "done"]);
}

/// SSE-S-006: where a client could not come back nothing is closed.
#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_taken_up_is_not_closed() {
    let mut cases = Vec::new();
    for version in ["2025-03-26", "2025-06-18"] {
        cases.push((Bench::new(), version, "application/json, text/event-stream"));
    }
    cases.push((Bench::new(), "2025-11-25", "application/json"));
    cases.push((Bench::with(|config| config.event_store = None), "2025-11-25", "*/*"));
    for (mut bench, version, accept) in cases {
        let client = bench.client(version).await;
        bench.gate.add_permits(1);
        let request = client.post_with(&call(1, "poll", r#"{"text":"done"}"#), &[("Accept", accept)]);
        let answer = bench.server.ask(request).await;
        assert_eq!(bench.told().await, "Err(NotResumable)");
        assert!(answer.body.contains("done"), "{answer:?}");
    }
}

/// FAULT C-13, B: slow read. A reader that stops holds up neither its session nor the memory; it can come back.
#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_is_cut_and_comes_back_for_the_rest() {
    let bench = Bench::with(|config| config.limits.stream_queue = 8);
    let client = bench.client("2025-11-25").await;
    let mut slow =
        SlowReader::open(&bench, &client, &call(1, "count", r#"{"n":900,"pad":900,"text":"done"}"#)).await;
    let stats = bench.server.service.clone();
    // Others are served meanwhile.
    assert_eq!(client.ask(&bench, &call(2, "echo", r#"{"text":"b"}"#)).await.status, 200);
    tokio::time::timeout(Duration::from_secs(60), until_cut(&stats)).await.expect("the reader is cut");
    let read = slow.rest().await;
    assert!(read.len() < 900, "{}", read.len());
    let last = read.last().cloned().and_then(|event| event.id);
    let mut stream = client.listen(&bench, last.as_deref()).await;
    let mut all = texts(&read);
    all.extend(texts(&stream.rest().await));
    let expected: Vec<String> = (1..=900).map(|n| n.to_string()).chain(["done".to_owned()]).collect();
    assert_eq!(all, expected);
}

/// FAULT C-13: a client that cannot come back loses notifications, never its answer.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_without_a_store_loses_notifications_and_no_answer() {
    let bench = Bench::with(|config| {
        config.limits.stream_queue = 8;
        config.event_store = None;
    });
    let client = bench.client("2025-06-18").await;
    let mut slow =
        SlowReader::open(&bench, &client, &call(1, "count", r#"{"n":900,"pad":900,"text":"done"}"#)).await;
    let stats = bench.server.service.clone();
    tokio::time::timeout(Duration::from_secs(60), until_cut(&stats)).await.expect("the exchange ends");
    let read = texts(&slow.rest().await);
    assert_eq!(read.last().map(String::as_str), Some("done"));
    let dropped = stats.sessions().dropped;
    assert_eq!(read.len() as u64 + dropped, 901);
    assert!(dropped > 0);
}

async fn until_cut(stats: &mcp_http::server::HttpService) {
    while stats.sessions().exchanges > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A client with a small window that reads only on demand.
struct SlowReader(Events);

impl SlowReader {
    async fn open(bench: &Bench, client: &Client, body: &str) -> SlowReader {
        SlowReader(Events::open(bench.server.open_small(2048), client.post(body)).await)
    }

    async fn rest(&mut self) -> Vec<Event> {
        self.0.rest().await
    }
}
