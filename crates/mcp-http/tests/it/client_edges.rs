//! The edges of a client's life: closing in the middle of things, and servers that say nothing at all.

use std::time::Duration;

use hyper::Method;
use mcp_core::client::{CallOptions, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use tokio::time::Instant;

use crate::client_peer::{Peer, builder, initialized, soon};

const V: ProtocolVersion = ProtocolVersion::V2025_11_25;

/// SESS-C-009: once the client closes, DELETE is all that follows: no stream is opened for a message that was on its
/// way.
#[tokio::test(start_paused = true)]
async fn no_stream_is_opened_while_the_client_closes() {
    let mut peer = Peer::new();
    let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
    let ask = peer.post("initialize").await;
    let body = ask.answer(&initialized(V));
    ask.reply(200, &[("content-type", "application/json")], Some("s"), body);
    let note = peer.post("notifications/initialized").await;
    let closing = tokio::spawn(async move { client.close().await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    note.status(202);
    let last = peer.next().await;
    assert_eq!((last.method.clone(), last.header("mcp-session-id")), (Method::DELETE, Some("s")));
    last.status(200);
    soon(closing).await.unwrap();
    peer.silence(Duration::from_secs(60)).await;
}

/// A server that never answers notifications holds up nothing for ever: each of them is given up after a while, and
/// calls go on.
#[tokio::test(start_paused = true)]
async fn notifications_that_are_never_taken_do_not_stop_the_calls() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let mut held = Vec::new();
    for _ in 0..1024 {
        client.notify("notifications/x", None).await.unwrap();
        held.push(peer.next_of(Method::POST).await);
    }
    let more = client.clone();
    tokio::spawn(async move { more.notify("notifications/y", None).await });
    let began = Instant::now();
    // The one too many is sent before the call.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let params = RawJson::object([("name", RawJson::string("a"))]);
    let options = CallOptions { timeout: Some(Duration::from_secs(600)), ..CallOptions::default() };
    let call = client.call("tools/call", Some(params), options);
    loop {
        let ask = peer.next_of(Method::POST).await;
        if ask.rpc_method() == "tools/call" {
            ask.result(r#"{"content":[]}"#);
            break;
        }
        held.push(ask);
    }
    call.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(300), "{:?}", began.elapsed());
}

/// SESS-S-003: what is no session id is sent nowhere, not even to take up the stream of `initialize` again.
#[tokio::test(start_paused = true)]
async fn an_unusable_session_id_is_not_used_to_resume_the_handshake() {
    let mut peer = Peer::new();
    let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
    let ask = peer.post("initialize").await;
    let answer = ask.answer(&initialized(V));
    let stream = ask.events_with(&[], Some("a b"));
    stream.raw("id: 1\nretry: 10\ndata:\n\n");
    stream.end();
    let get = peer.next_of(Method::GET).await;
    assert_eq!((get.header("last-event-id"), get.header("mcp-session-id")), (Some("1"), None));
    get.events().event(&answer);
    peer.post("notifications/initialized").await.status(202);
    client.ready().await.unwrap();
}
