//! Legacy sessions: whose id counts, and what happens when the server forgets one.

use hyper::Method;
use mcp_core::client::{Call, CallOptions, Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};

use crate::client_peer::{Ask, Peer, builder, initialized};

const V: ProtocolVersion = ProtocolVersion::V2025_11_25;
const TOOL: &str = r#"{"content":[{"type":"text","text":"ok"}]}"#;

fn call(client: &Client, name: &str) -> Call {
    let params = RawJson::object([("name", RawJson::string(name))]);
    client.call("tools/call", Some(params), CallOptions::default())
}

fn session(ask: &Ask) -> Option<&str> {
    ask.header("mcp-session-id")
}

/// T-44, FAULT A-B25: the id counts only with an InitializeResult, and a handshake without one clears it.
#[tokio::test(start_paused = true)]
async fn a_session_id_counts_only_with_an_initialize_result() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    let one = call(&client, "a");
    let ask = peer.post("tools/call").await;
    let body = ask.answer(TOOL);
    ask.reply(200, &[("content-type", "application/json")], Some("later"), body);
    one.await.unwrap();
    let two = call(&client, "b");
    let ask = peer.post("tools/call").await;
    assert_eq!(session(&ask), None);
    ask.result(TOOL);
    two.await.unwrap();

    let mut peer = Peer::new();
    let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
    let ask = peer.post("initialize").await;
    let body = ask.refusal(r#"{"code":-32602,"message":"no"}"#);
    ask.reply(200, &[("content-type", "application/json")], Some("refused"), body);
    assert!(client.ready().await.is_err());
    client.close().await;
}

/// SESS-S-003: an id that is not visible ASCII is not used.
#[tokio::test(start_paused = true)]
async fn an_unusable_session_id_is_left_alone() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("a b")).await;
    let one = call(&client, "a");
    let ask = peer.post("tools/call").await;
    assert_eq!(session(&ask), None);
    ask.result(TOOL);
    one.await.unwrap();
}

/// SESS-C-008, T-19, FAULT A-B19, C-33: 404 to a session, and what many servers say in its place, starts a new one
/// without the old id; the call that met it is sent once more.
#[tokio::test(start_paused = true)]
async fn a_lost_session_is_opened_anew_and_the_call_repeated() {
    let bad = r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}"#;
    let not_initialized = r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}"#;
    let gone = r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}"#;
    for (status, body) in
        [(404, ""), (404, gone), (400, bad), (400, not_initialized), (400, "Invalid session")]
    {
        let mut peer = Peer::new();
        let client = peer.legacy(V, Some("old")).await;
        let one = call(&client, "a");
        let ask = peer.post("tools/call").await;
        assert_eq!(session(&ask), Some("old"));
        ask.json_body(status, body);
        let again = peer.post("initialize").await;
        assert_eq!((session(&again), again.header("mcp-protocol-version")), (None, None), "{status} {body}");
        let text = again.answer(&initialized(V));
        again.reply(200, &[("content-type", "application/json")], Some("new"), text);
        let note = peer.post("notifications/initialized").await;
        assert_eq!(session(&note), Some("new"));
        note.status(202);
        let ask = peer.post("tools/call").await;
        assert_eq!(session(&ask), Some("new"));
        ask.result(TOOL);
        one.await.unwrap();
    }
}

/// T-44: what is said while the new session is not there yet names no session, and one that has no id clears the old.
#[tokio::test(start_paused = true)]
async fn an_old_session_is_forgotten_as_soon_as_a_new_one_is_asked_for() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("old")).await;
    let one = call(&client, "a");
    peer.post("tools/call").await.status(404);
    let again = peer.post("initialize").await;
    let answer = again.answer(&initialized(V));
    let stream = again.events();
    stream.event(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    let pong = peer.next_of(Method::POST).await;
    assert!(pong.text().contains(r#""result":{}"#));
    assert_eq!(session(&pong), None);
    pong.status(202);
    stream.event(&answer);
    peer.post("notifications/initialized").await.status(202);
    let ask = peer.post("tools/call").await;
    assert_eq!(session(&ask), None);
    ask.result(TOOL);
    one.await.unwrap();
}

/// FAULT C-33: an error that names its request, and one without a session, are what they say.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_about_the_session_is_an_answer() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("s")).await;
    let one = call(&client, "a");
    let ask = peer.post("tools/call").await;
    let body = ask.refusal(r#"{"code":-32602,"message":"no such session type"}"#);
    ask.json_body(400, body);
    assert_eq!(one.await.unwrap_err().rpc().unwrap().code, -32602);
    let two = call(&client, "a");
    let body = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"bad accept"},"id":null}"#;
    peer.post("tools/call").await.json_body(400, body);
    assert_eq!(two.await.unwrap_err().rpc().unwrap().code, -32600);
}

/// T-19: the server's own stream, once it stood, also tells that the session is gone.
#[tokio::test(start_paused = true)]
async fn a_404_to_a_stream_that_stood_opens_the_session_anew() {
    let mut peer = Peer::new();
    let _client = {
        let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
        peer.handshake(V, Some("old")).await;
        client.ready().await.unwrap();
        client
    };
    peer.next_of(Method::GET).await.events().end();
    let get = peer.next_of(Method::GET).await;
    assert_eq!(session(&get), Some("old"));
    get.status(404);
    let again = peer.post("initialize").await;
    assert_eq!(session(&again), None);
}

/// SESS-C-005: the id is in no log and no error of the session's loss.
#[tokio::test(start_paused = true)]
async fn the_session_id_is_not_shown() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("canary-4711")).await;
    let one = call(&client, "a");
    peer.post("tools/call").await.json_body(500, "broken");
    let error = one.await.unwrap_err();
    assert!(!format!("{error} {error:?} {client:?}").contains("canary-4711"));
}
