//! POST in a legacy session: forms, statuses, batches, cancellation, disconnects (ledger 3.9).

use std::time::Duration;

use serde_json::Value;

use crate::legacy_kit::{Bench, INITIALIZED, LIST, call, post, until, what};

/// HTTP-S-002, HTTP-S-003.
#[tokio::test(start_paused = true)]
async fn what_wants_no_answer_is_202_without_a_body_and_400_if_it_is_malformed() {
    let bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    for accepted in [
        INITIALIZED,
        r#"{"jsonrpc":"2.0","method":"notifications/of-nobody"}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"no"}}"#,
    ] {
        let answer = client.ask(&bench, accepted).await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{accepted}");
    }
    for malformed in [
        r#"{"jsonrpc":"1.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"both"}}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
    ] {
        let answer = client.ask(&bench, malformed).await;
        assert_eq!((answer.status, answer.code()), (400, -32600), "{malformed}");
    }
    let answer = client.ask(&bench, "{").await;
    assert_eq!((answer.status, answer.code(), answer.json().get("id")), (400, -32700, None));
}

/// HTTP-S-004, HTTP-S-010, 2.5: JSON-RPC errors travel with 200 here, unknown methods too.
#[tokio::test(start_paused = true)]
async fn an_answer_is_one_json_body_with_200() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let answer = client.ask(&bench, &call(7, "echo", r#"{"text":"hi"}"#)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!((what(&answer.json()).as_str(), &answer.json()["id"]), ("hi", &Value::from(7)));
    let answer = client.ask(&bench, r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#).await;
    assert_eq!((answer.status, answer.code()), (200, -32601));
    let answer = client.ask(&bench, &call(1, "unknown", "{}")).await;
    assert_eq!(answer.status, 200);
}

/// T-23.
#[tokio::test(start_paused = true)]
async fn the_form_is_one_that_the_client_takes() {
    let bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let echo = call(1, "echo", r#"{"text":"hi"}"#);
    for (accept, status, kind) in [
        ("text/html", 406, Some("application/json")),
        ("application/json;q=0, text/event-stream;q=0", 406, Some("application/json")),
        ("application/json", 200, Some("application/json")),
        ("text/event-stream", 200, Some("text/event-stream")),
        ("text/*", 200, Some("text/event-stream")),
        ("*/*", 200, Some("application/json")),
    ] {
        let answer = bench.server.ask(client.post_with(&echo, &[("Accept", accept)])).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, kind), "{accept}");
    }
    let absent = client.post(&echo).replace("Accept: application/json, text/event-stream\r\n", "");
    assert_eq!(bench.server.ask(absent).await.status, 200);
    // What a client that takes no stream cannot be told is not told.
    let count = call(1, "count", r#"{"n":3,"text":"done"}"#);
    let answer = bench.server.ask(client.post_with(&count, &[("Accept", "application/json")])).await;
    assert_eq!(what(&answer.json()), "done");
    assert_eq!(bench.server.service.sessions().dropped, 3);
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let request =
            client.post(&echo).replace("Content-Type: application/json", &format!("Content-Type: {kind}"));
        assert_eq!(bench.server.ask(request).await.status, 415);
    }
}

/// HTTP-S-005, HTTP-S-006, HTTP-S-008, HTTP-S-010, SSE-B-003; older revisions get no priming event (T-25).
#[tokio::test(start_paused = true)]
async fn notifications_make_it_a_stream_that_ends_with_the_answer() {
    let bench = Bench::new();
    for version in ["2025-03-26", "2025-06-18"] {
        let client = bench.client(version).await;
        let mut stream = client.stream(&bench, &call(1, "count", r#"{"n":3,"text":"done"}"#)).await;
        let first = stream.next().await.unwrap();
        assert_eq!((first.what().as_str(), first.kind.as_str(), first.retry), ("1", "", None));
        let rest: Vec<String> = stream.rest().await.iter().map(|event| event.what()).collect();
        assert_eq!(rest, ["2", "3", "done"]);
    }
}

/// SSE-S-004, SSE-S-007, T-25: id, retry and empty data first, unnamed.
#[tokio::test(start_paused = true)]
async fn a_stream_of_2025_11_25_starts_with_a_priming_event() {
    let bench = Bench::with(|config| config.sessions.retry = Duration::from_millis(1500));
    let client = bench.client("2025-11-25").await;
    let mut stream = client.stream(&bench, &call(1, "count", r#"{"n":2}"#)).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.data.as_str(), first.kind.as_str()), ("", ""));
    assert_eq!(first.retry, Some(Duration::from_millis(1500)));
    let ids: Vec<String> = stream.rest().await.into_iter().filter_map(|event| event.id).collect();
    let name = first.id.unwrap();
    let stream = name.strip_suffix("_0").unwrap();
    assert_eq!(ids, [1, 2, 3].map(|n| format!("{stream}_{n}")));
    // Without a place to keep events none of that is promised.
    let bench = Bench::with(|config| config.event_store = None);
    let client = bench.client("2025-11-25").await;
    let mut stream = client.stream(&bench, &call(1, "count", r#"{"n":1}"#)).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.what().as_str(), first.id), ("1", None));
}

/// RES-S-001: ids are unique in the session, whatever the stream.
#[tokio::test(start_paused = true)]
async fn event_ids_are_unique_in_a_session() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        let mut streams = Vec::new();
        for n in 0..5 {
            streams.push(client.stream(&bench, &call(n, "count", r#"{"n":5}"#)).await);
        }
        for mut stream in streams {
            while let Some(event) = stream.next().await {
                assert!(seen.insert(event.id.unwrap()));
            }
        }
    }
    assert_eq!(seen.len(), 10 * 5 * 7);
}

/// HTTP-S-021: a silent exchange becomes a stream, so that proxies see that the server is alive.
#[tokio::test(start_paused = true)]
async fn a_late_answer_comes_on_a_stream_with_comments() {
    let mut bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let mut raw = bench.server.open();
    raw.write(client.post(&call(1, "wait", r#"{"text":"late"}"#))).await;
    assert_eq!(bench.told().await, "began");
    let start = tokio::time::Instant::now();
    let head = raw.head().await;
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(start.elapsed(), Duration::from_secs(15));
    assert_eq!(raw.chunk().await.as_deref(), Some(": \n\n"));
    assert_eq!(raw.chunk().await.as_deref(), Some(": \n\n"));
    assert_eq!(start.elapsed().as_secs(), 45);
    bench.gate.add_permits(1);
    let answer = raw.chunk().await.unwrap();
    assert!(answer.contains("late") && answer.contains("id: "), "{answer}");
    assert_eq!(raw.chunk().await, None);
}

/// FAULT C-35, T-21: a widely used client sends the same id every time; each gets its own answer.
#[tokio::test(start_paused = true)]
async fn equal_ids_in_flight_get_each_their_own_answer() {
    let mut bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let mut raws = Vec::new();
    for n in 0..20 {
        let mut raw = bench.server.open();
        raw.write(client.post(&call(1, "wait", &format!(r#"{{"text":"{n}"}}"#)))).await;
        assert_eq!(bench.told().await, "began");
        raws.push(raw);
    }
    bench.gate.add_permits(20);
    for (n, raw) in raws.iter_mut().enumerate().rev() {
        assert_eq!(what(&raw.answer().await.json()), n.to_string());
    }
}

/// HTTP-S-011, T-16: a client that hangs up has not cancelled.
#[tokio::test(start_paused = true)]
async fn a_disconnect_does_not_cancel_and_leaves_nothing_behind() {
    let mut bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    let mut raw = bench.server.open();
    raw.write(client.post(&call(1, "wait", "{}"))).await;
    assert_eq!(bench.told().await, "began");
    drop(raw);
    bench.gate.add_permits(1);
    assert_eq!(bench.told().await, "done");
    let stats = bench.server.service.clone();
    until("the exchange is over", || stats.sessions().exchanges == 0).await;
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
}

/// T-18: a client that waits for one body gets the error.
#[tokio::test(start_paused = true)]
async fn a_cancelled_exchange_ends_with_an_error_where_somebody_waits_for_an_answer() {
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    for store in [true, false] {
        let mut bench = Bench::with(|config| {
            if !store {
                config.event_store = None;
            }
        });
        let client = bench.client("2025-11-25").await;
        let mut raw = bench.server.open();
        raw.write(client.post(&call(1, "wait", "{}"))).await;
        assert_eq!(bench.told().await, "began");
        assert_eq!(client.ask(&bench, cancel).await.status, 202);
        let answer = raw.answer().await;
        assert_eq!((answer.status, answer.code(), &answer.json()["id"]), (200, -32800, &Value::from(1)));
        // On a stream only if there is something to come back for.
        let count = call(1, "count", r#"{"n":2,"gated":1}"#);
        bench.gate.add_permits(1);
        let mut stream = client.stream(&bench, &count).await;
        assert_eq!(stream.message().await.what(), "1");
        assert_eq!(client.ask(&bench, cancel).await.status, 202);
        let rest: Vec<String> = stream.rest().await.iter().map(|event| event.what()).collect();
        assert_eq!(rest, if store { vec!["-32800"] } else { vec![] });
    }
}

/// RPC-B-018, RPC-B-022, T-01: arrays belong to 2025-03-26.
#[tokio::test(start_paused = true)]
async fn a_batch_gets_one_array_or_one_event_for_each_answer() {
    let bench = Bench::new();
    let client = bench.client("2025-03-26").await;
    let (one, two) = (call(1, "echo", r#"{"text":"a"}"#), call(2, "echo", r#"{"text":"b"}"#));
    let batch = format!("[{one},{INITIALIZED},{two}]");
    let answer = client.ask(&bench, &batch).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let mut texts: Vec<String> = answer.json().as_array().unwrap().iter().map(what).collect();
    texts.sort();
    assert_eq!(texts, ["a", "b"]);
    let answer = client.ask(&bench, &format!("[{one}]")).await;
    assert_eq!(answer.json().as_array().map(Vec::len), Some(1));
    let request = client.post_with(&batch, &[("Accept", "text/event-stream")]);
    let mut texts: Vec<String> = bench.server.ask(request).await.events().iter().map(what).collect();
    texts.sort();
    assert_eq!(texts, ["a", "b"]);
    for (body, status) in [
        (format!("[{INITIALIZED}]"), 202),
        (r#"[{"jsonrpc":"2.0","id":9,"result":{}},{"jsonrpc":"2.0","id":8,"result":{}}]"#.to_owned(), 202),
        ("[]".to_owned(), 400),
        (format!("[{}]", crate::legacy_kit::initialize("2025-03-26")), 400),
    ] {
        let answer = client.ask(&bench, &body).await;
        assert_eq!(answer.status, status, "{body}");
        if status == 400 {
            assert_eq!(answer.code(), -32600);
        }
    }
    let answer = client.ask(&bench, "[1]").await;
    assert_eq!(answer.json()[0]["error"]["code"], -32600, "one of several is refused alone: {answer:?}");
    let newer = bench.client("2025-06-18").await;
    let answer = newer.ask(&bench, &batch).await;
    assert_eq!((answer.status, answer.code()), (400, -32600));
    assert_eq!(bench.server.ask(post(&batch, &[])).await.status, 400);
}

/// A batch that takes long becomes a stream, which starts with the answers so far.
#[tokio::test(start_paused = true)]
async fn a_slow_batch_becomes_a_stream_that_loses_no_answer() {
    let mut bench = Bench::new();
    let client = bench.client("2025-03-26").await;
    let (fast, slow) = (call(1, "echo", r#"{"text":"fast"}"#), call(2, "wait", r#"{"text":"slow"}"#));
    let mut stream = client.stream(&bench, &format!("[{slow},{fast}]")).await;
    assert_eq!(bench.told().await, "began");
    bench.gate.add_permits(1);
    let texts: Vec<String> = stream.rest().await.iter().map(|event| event.what()).collect();
    assert_eq!(texts, ["fast", "slow"]);
}

/// FAULT C-39: memory and ids hold with many calls at once.
#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_are_all_answered() {
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut raws = Vec::new();
    for n in 0..1000 {
        let mut raw = bench.server.open();
        raw.write(client.post(&call(n, "wait", &format!(r#"{{"text":"{n}"}}"#)))).await;
        raws.push(raw);
    }
    let stats = bench.server.service.clone();
    until("all are under way", || stats.sessions().exchanges == 1000).await;
    bench.gate.add_permits(1000);
    for (n, mut raw) in raws.into_iter().enumerate() {
        assert_eq!(what(&raw.answer().await.json()), n.to_string());
    }
    assert_eq!(stats.sessions().exchanges, 0);
}

/// FAULT F-S9: copies of the version header that agree are one; copies that differ are refused.
#[tokio::test(start_paused = true)]
async fn equal_copies_of_the_version_are_one() {
    let bench = Bench::new();
    let client = bench.client("2025-06-18").await;
    const NAME: &str = "Mcp-Protocol-Version";
    for (copies, status) in [
        (&[(NAME, "2025-06-18"), (NAME, "2025-06-18")][..], 200),
        (&[(NAME, "2025-06-18, 2025-06-18")], 200),
        (&[(NAME, "2025-06-18,2025-06-18"), (NAME, " 2025-06-18 ")], 200),
        (&[(NAME, "2025-06-18"), (NAME, "2025-11-25")], 400),
        (&[(NAME, "2025-06-18, 2025-11-25")], 400),
        (&[(NAME, "2026-07-28, 2026-07-28")], 400),
        (&[(NAME, "2025-06-18, ")], 400),
    ] {
        assert_eq!(bench.server.ask(client.post_with(LIST, copies)).await.status, status, "{copies:?}");
        let get = client.get(None).replace("\r\n\r\n", &{
            let lines: String = copies.iter().map(|(name, value)| format!("\r\n{name}: {value}")).collect();
            lines + "\r\n\r\n"
        });
        let mut raw = bench.server.open();
        raw.write(get).await;
        assert_eq!(raw.head().await.status, status, "{copies:?}");
    }
}
