//! Legacy streams that break: when, how often and from where they are taken up again. Time stands still.

use std::time::Duration;

use hyper::Method;
use mcp_core::Error;
use mcp_core::client::{Call, CallOptions, Client};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::transport::LossKind;
use tokio::time::Instant;

use crate::client_peer::{Ask, Peer, builder, soon};

const V: ProtocolVersion = ProtocolVersion::V2025_11_25;
const TOOL: &str = r#"{"content":[{"type":"text","text":"ok"}]}"#;

fn call(client: &Client) -> Call {
    let params = RawJson::object([("name", RawJson::string("a"))]);
    let forever = CallOptions::new().timeout(Duration::MAX).maximum(Duration::MAX);
    client.call("tools/call", Some(params), forever)
}

fn last_id(ask: &Ask) -> Option<&str> {
    ask.header("last-event-id")
}

fn lost(error: &Error) -> LossKind {
    match error {
        Error::Lost(loss) => loss.kind,
        other => panic!("not lost: {other:?}"),
    }
}

/// RES-C-003, SSE-C-005, SSE-C-008, SSE-C-009, T-25, T-26, FAULT C-24, C-25: after a priming event the stream is taken
/// up by GET, not before `retry` and little after it, cut or ended, and the answer comes there.
#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_resumed_after_retry_and_brings_the_answer() {
    for clean in [true, false] {
        let mut peer = Peer::new();
        let client = peer.legacy(V, Some("s")).await;
        let mut call = call(&client);
        let ask = peer.post("tools/call").await;
        let answer = ask.answer(TOOL);
        let stream = ask.events();
        stream.raw("id: e-1\nretry: 500\ndata:\n\n");
        stream.raw("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\nid: torn\ndata: {");
        assert_eq!(soon(call.next_notification()).await.unwrap().method, "notifications/x");
        let before = Instant::now();
        if clean {
            stream.end()
        } else {
            stream.cut()
        }
        let get = peer.next_of(Method::GET).await;
        let waited = before.elapsed().as_millis();
        assert!((500..=700).contains(&waited), "{waited}");
        assert_eq!(last_id(&get), Some("e-1"));
        assert_eq!(get.header("mcp-session-id"), Some("s"));
        assert_eq!(get.header("mcp-protocol-version"), Some(V.as_str()));
        assert_eq!(get.header("accept"), Some("text/event-stream"));
        let stream = get.events();
        stream.event(&answer);
        call.await.unwrap();
    }
}

/// SSE-C-011's legacy side, PEERS "POST stream ends, no id": without an event id the call is lost at once.
#[tokio::test(start_paused = true)]
async fn a_stream_without_an_event_id_is_lost_with_its_call() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    for head in ["", "retry: 10\n\n", ": only a comment\n\n", "id:\ndata:\n\n"] {
        let call = call(&client);
        let stream = peer.post("tools/call").await.events();
        stream.raw(head);
        stream.end();
        assert_eq!(lost(&call.await.unwrap_err()), LossKind::Cut);
    }
    peer.silence(Duration::from_secs(600)).await;
}

/// FAULT C-25, PEERS 14, 15: clean ends count; five tries without a new id, with growing waits, then the call is lost.
#[tokio::test(start_paused = true)]
async fn five_tries_without_news_and_no_more() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let call = call(&client);
    let stream = peer.post("tools/call").await.events();
    stream.raw("id: 1\ndata:\n\n");
    stream.end();
    let mut at = Instant::now();
    let mut waits = Vec::new();
    for turn in 0..5 {
        let get = peer.next_of(Method::GET).await;
        assert_eq!(last_id(&get), Some("1"), "an empty resume does not lose the cursor");
        waits.push(at.elapsed().as_millis());
        match turn {
            0 => get.status(503),
            1 => drop(get),
            // The same id again is nothing new.
            2 => get.events().raw("id: 1\ndata:\n\n"),
            _ => get.events().end(),
        }
        at = Instant::now();
    }
    for (wait, least) in waits.iter().zip([1000, 1500, 2250, 3375, 5062]) {
        assert!((least..=least * 5 / 4 + 5).contains(wait), "{waits:?}");
    }
    let error = call.await.unwrap_err();
    assert_eq!(lost(&error), LossKind::Cut);
    assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains("5 tries"), "{error}");
    peer.silence(Duration::from_secs(600)).await;
}

/// SSE-C-008: polling goes on for as long as each connection brings a new id.
#[tokio::test(start_paused = true)]
async fn a_new_event_id_renews_the_budget() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let call = call(&client);
    let ask = peer.post("tools/call").await;
    let answer = ask.answer(TOOL);
    let stream = ask.events();
    stream.raw("id: 0\nretry: 10\ndata:\n\n");
    stream.end();
    for turn in 0..20 {
        let get = peer.next_of(Method::GET).await;
        assert_eq!(last_id(&get), Some(turn.to_string().as_str()));
        let stream = get.events();
        stream.raw(format!("id: {}\ndata:\n\n", turn + 1));
        stream.end();
    }
    let last = peer.next_of(Method::GET).await.events();
    last.event(&answer);
    call.await.unwrap();
}

/// DESIGN 8, T-26: a wait of more than five minutes ends the stream with an error that names it.
#[tokio::test(start_paused = true)]
async fn an_absurd_retry_ends_the_stream() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let call = call(&client);
    let stream = peer.post("tools/call").await.events();
    stream.raw("id: 1\nretry: 300001\ndata:\n\n");
    stream.end();
    let error = call.await.unwrap_err();
    assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains("300"), "{error}");
    peer.silence(Duration::from_secs(900)).await;
}

/// PEERS 16, FAULT C-26: a server that does not resume is not asked again, and neither is one that answers with
/// something else.
#[tokio::test(start_paused = true)]
async fn a_refused_resume_is_final() {
    for status in [405, 404, 400, 401, 403, 200] {
        let mut peer = Peer::new();
        let client = peer.legacy(V, None).await;
        let call = call(&client);
        let stream = peer.post("tools/call").await.events();
        stream.raw("id: 1\ndata:\n\n");
        stream.end();
        peer.next_of(Method::GET).await.reply(status, &[("content-type", "text/html")], None, "<p>");
        let kind = lost(&call.await.unwrap_err());
        let auth = matches!(status, 401 | 403);
        assert_eq!(kind, if auth { LossKind::Unauthorized } else { LossKind::Cut }, "{status}");
        peer.silence(Duration::from_secs(600)).await;
    }
}

/// T-19: 404 to a resume loses the session; the call may have been executed, so it fails and is not repeated.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_gone_on_resume_fails_the_call_and_is_opened_anew() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("old")).await;
    let call = call(&client);
    let stream = peer.post("tools/call").await.events();
    stream.raw("id: 1\ndata:\n\n");
    stream.end();
    peer.next_of(Method::GET).await.status(404);
    assert_eq!(lost(&call.await.unwrap_err()), LossKind::session_lost(true));
    peer.handshake(V, Some("new")).await;
    peer.next_of(Method::GET).await.status(405);
    peer.silence(Duration::from_secs(60)).await;
}

/// HTTP-C-008: giving the call up ends the wait for its stream.
#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_not_resumed() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let call = call(&client);
    let stream = peer.post("tools/call").await.events();
    stream.raw("id: 1\ndata:\n\n");
    stream.end();
    drop(call);
    peer.post("notifications/cancelled").await.status(202);
    peer.silence(Duration::from_secs(60)).await;
}

/// FAULT C-25, PEERS 13: the server's own stream is opened again from its last event, and quietly given up.
#[tokio::test(start_paused = true)]
async fn the_servers_own_stream_is_reopened_and_quietly_given_up() {
    let mut peer = Peer::new();
    let client = builder().era(mcp_core::client::EraMode::Legacy(V)).start(peer.http()).unwrap();
    let mut notes = client.notifications();
    peer.handshake(V, Some("s")).await;
    client.ready().await.unwrap();
    let get = peer.next_of(Method::GET).await;
    assert_eq!(last_id(&get), None);
    let stream = get.events();
    stream.raw("id: 7\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n");
    assert_eq!(soon(notes.next()).await.unwrap().method, "notifications/x");
    // An hour of silence is no failure.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    stream.event(r#"{"jsonrpc":"2.0","method":"notifications/y"}"#);
    assert_eq!(soon(notes.next()).await.unwrap().method, "notifications/y");
    stream.cut();
    for _ in 0..5 {
        let get = peer.next_of(Method::GET).await;
        assert_eq!(last_id(&get), Some("7"));
        get.events().end();
    }
    peer.silence(Duration::from_secs(600)).await;
    let call = call(&client);
    peer.post("tools/call").await.result(TOOL);
    call.await.unwrap();
}

/// FAULT C-31: a stream that owes an answer and says nothing for five minutes is taken for dead.
#[tokio::test(start_paused = true)]
async fn a_silent_stream_that_owes_an_answer_is_resumed() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let call = call(&client);
    let ask = peer.post("tools/call").await;
    let answer = ask.answer(TOOL);
    let stream = ask.events();
    stream.raw("id: 1\ndata:\n\n");
    let get = peer.next_of(Method::GET).await;
    stream.hung_up().await;
    let stream = get.events();
    stream.event(&answer);
    call.await.unwrap();
}

/// An event above the limit ends its stream for good: the server would send it again on every connection.
#[tokio::test(start_paused = true)]
async fn a_stream_with_too_large_an_event_is_not_resumed() {
    let limited = |peer: &Peer| peer.http().configure(|config| config.limits.event = 1000);
    let large = format!("id: 2\ndata: \"{}\"\n\n", "x".repeat(2000));
    let mut peer = Peer::new();
    let client = builder().era(mcp_core::client::EraMode::Legacy(V)).start(limited(&peer)).unwrap();
    peer.handshake(V, None).await;
    client.ready().await.unwrap();
    let own = peer.next_of(Method::GET).await.events();
    own.raw("id: 1\ndata:\n\n");
    own.raw(large.as_str());
    own.hung_up().await;
    peer.silence(Duration::from_secs(600)).await;
    let call = call(&client);
    let stream = peer.post("tools/call").await.events();
    stream.raw("id: 1\ndata:\n\n");
    stream.raw(large.as_str());
    tokio::select! {
        outcome = call => assert_eq!(lost(&outcome.unwrap_err()), LossKind::TooLarge),
        ask = peer.next() => panic!("resumed by {} with {:?}", ask.method, ask.header("last-event-id")),
    }
    peer.silence(Duration::from_secs(600)).await;
}

/// FAULT C-29: a server that refuses a resume with `Retry-After` is not asked earlier.
#[tokio::test(start_paused = true)]
async fn a_resume_waits_as_long_as_retry_after_asks() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let call = call(&client);
    let ask = peer.post("tools/call").await;
    let answer = ask.answer(TOOL);
    let stream = ask.events();
    stream.raw("id: 1\ndata:\n\n");
    stream.end();
    peer.next_of(Method::GET).await.reply(503, &[("retry-after", "40")], None, "");
    let before = Instant::now();
    let get = peer.next_of(Method::GET).await;
    let waited = before.elapsed().as_secs();
    assert!((40..=50).contains(&waited), "{waited}");
    get.events().event(&answer);
    call.await.unwrap();
}
