//! 2025-03-26 to 2025-11-25: sessions, the standalone stream, and their end.

use std::time::Duration;

use hyper::Method;
use mcp_core::CloseReason;
use mcp_core::Error;
use mcp_core::client::{CallOptions, Client, EraMode, InputContext};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::session::InputRequest;

use crate::client_peer::{Ask, Peer, builder, initialized, soon};

const V: ProtocolVersion = ProtocolVersion::V2025_11_25;
const TOOL: &str = r#"{"content":[{"type":"text","text":"ok"}]}"#;

fn call(client: &Client, name: &str) -> mcp_core::client::Call {
    let params = RawJson::object([("name", RawJson::string(name))]);
    client.call("tools/call", Some(params), CallOptions::default())
}

fn session(ask: &Ask) -> Option<&str> {
    ask.header("mcp-session-id")
}

/// HTTP-C-009, SESS-C-004, HTTP-C-003, SESS-C-009, HTTP-C-007: the session headers of each request, from the first
/// POST to DELETE.
#[tokio::test(start_paused = true)]
async fn every_request_after_initialize_names_the_session_and_its_version() {
    for version in [V, ProtocolVersion::V2025_06_18, ProtocolVersion::V2025_03_26] {
        let mut peer = Peer::new();
        let client = builder().era(EraMode::Legacy(version)).start(peer.http()).unwrap();
        let ask = peer.post("initialize").await;
        assert_eq!((session(&ask), ask.header("mcp-protocol-version")), (None, None));
        assert_eq!(ask.header("mcp-method"), None);
        let body = ask.answer(&initialized(version));
        ask.reply(200, &[("content-type", "application/json")], Some("s-1"), body);
        let mut seen = vec![peer.post("notifications/initialized").await];
        assert_eq!(seen[0].header("mcp-method"), None);
        seen.pop().unwrap().status(202);
        client.ready().await.unwrap();
        let get = peer.next_of(Method::GET).await;
        assert_eq!(get.header("accept"), Some("text/event-stream"));
        let call = call(&client, "a");
        let post = peer.post("tools/call").await;
        assert_eq!((post.header("mcp-name"), post.header("mcp-method")), (None, None));
        for ask in [&get, &post] {
            assert_eq!(
                (session(ask), ask.header("mcp-protocol-version")),
                (Some("s-1"), Some(version.as_str()))
            );
        }
        get.status(405);
        post.result(TOOL);
        call.await.unwrap();
        let closing = tokio::spawn({
            let client = client.clone();
            async move { client.close().await }
        });
        let delete = peer.next_of(Method::DELETE).await;
        let said = (session(&delete), delete.header("mcp-protocol-version"));
        assert_eq!(said, (Some("s-1"), Some(version.as_str())));
        delete.status(405);
        assert!(matches!(closing.await.unwrap(), CloseReason::Requested));
    }
}

/// HTTP-C-007, PEERS 23, 34: a server needs neither sessions nor a stream, and may answer a notification with any
/// 2xx.
#[tokio::test(start_paused = true)]
async fn servers_without_sessions_and_streams_work() {
    for (status, kind, body) in [
        (202, "", ""),
        (200, "", ""),
        (204, "", ""),
        (200, "text/html", "<p>ok"),
        (200, "application/json", r#"{"jsonrpc":"2.0","result":{}}"#),
    ] {
        for get in [404, 405, 400, 500, 403] {
            let mut peer = Peer::new();
            let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
            peer.post("initialize").await.result(&initialized(V));
            let note = peer.post("notifications/initialized").await;
            let headers = [("content-type", kind)];
            note.reply(status, if kind.is_empty() { &[] } else { &headers }, None, body);
            client.ready().await.unwrap();
            peer.next_of(Method::GET).await.status(get);
            let call = call(&client, "a");
            peer.post("tools/call").await.result(TOOL);
            call.await.unwrap();
            // Without a session there is no DELETE, so this returns without an answer.
            client.close().await;
        }
    }
}

/// PEERS 22, 23: a GET that is never answered delays no call. Promise 7: no call is sent before the notification is
/// accepted.
#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_handshake_and_for_nothing_else() {
    let mut peer = Peer::new();
    let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
    let one = call(&client, "a");
    peer.post("initialize").await.result(&initialized(V));
    let note = peer.post("notifications/initialized").await;
    tokio::task::yield_now().await;
    note.status(202);
    let silent = peer.next_of(Method::GET).await;
    let slow = peer.post("tools/call").await;
    let other = call(&client, "b");
    peer.post("tools/call").await.result(TOOL);
    other.await.unwrap();
    slow.result(TOOL);
    one.await.unwrap();
    drop(silent);
}

/// HTTP-C-007, HTTP-S-014: messages on the standalone stream belong to no call. Questions on it are answered by POST.
#[tokio::test(start_paused = true)]
async fn the_standalone_stream_delivers_notifications_and_questions() {
    let mut peer = Peer::new();
    let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
    let mut notes = client.notifications();
    peer.handshake(V, Some("s")).await;
    let stream = peer.next_of(Method::GET).await.events();
    stream.event(r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#);
    assert_eq!(soon(notes.next()).await.unwrap().method, "notifications/message");
    stream.event(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    let pong = peer.next_of(Method::POST).await;
    assert_eq!(pong.text(), r#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    assert_eq!(session(&pong), Some("s"));
    pong.status(202);
}

/// HTTP-S-006, HTTP-C-008: a question on the stream of a call is answered while the call waits. A call is cancelled
/// by message, and its stream is closed afterwards.
#[tokio::test(start_paused = true)]
async fn a_question_within_a_call_is_answered_on_a_separate_exchange() {
    async fn accept(request: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
        assert_eq!(request.method, "elicitation/create");
        Ok(RawJson::parse(r#"{"action":"accept","content":{"x":1}}"#).unwrap())
    }
    let mut peer = Peer::new();
    let client = builder()
        .era(EraMode::Legacy(V))
        .capability("elicitation", RawJson::EMPTY_OBJECT)
        .input_handler(accept)
        .start(peer.http())
        .unwrap();
    peer.handshake(V, None).await;
    peer.next_of(Method::GET).await.status(405);
    let asking = call(&client, "a");
    let ask = peer.post("tools/call").await;
    let (answer, id) = (ask.answer(TOOL), ask.id());
    let stream = ask.events();
    stream.event(r#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#);
    let reply = peer.next_of(Method::POST).await;
    assert_eq!(reply.text(), r#"{"jsonrpc":"2.0","id":0,"result":{"action":"accept","content":{"x":1}}}"#);
    reply.status(202);
    stream.event(&answer);
    asking.await.unwrap();
    drop((stream, id));

    let dropped = call(&client, "b");
    let ask = peer.post("tools/call").await;
    let id = ask.id();
    let stream = ask.events();
    drop(dropped);
    let cancelled = peer.post("notifications/cancelled").await;
    assert!(cancelled.text().contains(&format!(r#""requestId":{id}"#)));
    cancelled.status(202);
    stream.hung_up().await;
}

/// SESS-C-009: a server that never answers DELETE delays the close by five seconds at most. No DELETE is sent for a
/// session that the server has lost.
#[tokio::test(start_paused = true)]
async fn delete_is_bounded_and_skipped_for_a_lost_session() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("s")).await;
    let before = tokio::time::Instant::now();
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    let delete = peer.next_of(Method::DELETE).await;
    closing.await.unwrap();
    delete.hung_up().await;
    assert!(before.elapsed() <= Duration::from_secs(6), "{:?}", before.elapsed());

    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("s")).await;
    let _waiting = call(&client, "a");
    peer.post("tools/call").await.status(404);
    let _unanswered = peer.post("initialize").await;
    client.close().await;
    peer.silence(Duration::from_secs(60)).await;
}

/// Promise 8: messages that were sent before the close arrive before the session ends.
#[tokio::test(start_paused = true)]
async fn a_cancellation_in_flight_is_not_cut_by_the_close() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("s")).await;
    let one = call(&client, "a");
    let waiting = peer.post("tools/call").await;
    drop(one);
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    let cancelled = peer.post("notifications/cancelled").await;
    waiting.hung_up().await;
    peer.silence(Duration::from_millis(900)).await;
    cancelled.status(202);
    peer.next_of(Method::DELETE).await.status(200);
    closing.await.unwrap();
}

/// RPC-B-018, RPC-B-023, FAULT A-B32: an array is accepted in 2025-03-26 and refused in later revisions. A call never
/// hangs on it.
#[tokio::test(start_paused = true)]
async fn arrays_are_understood_in_one_revision_only() {
    let old = ProtocolVersion::V2025_03_26;
    let mut peer = Peer::new();
    let client = peer.legacy(old, None).await;
    let one = call(&client, "a");
    let ask = peer.post("tools/call").await;
    let body = format!("[{}]", ask.answer(TOOL));
    ask.json_body(200, body);
    one.await.unwrap();
    let two = call(&client, "a");
    let ask = peer.post("tools/call").await;
    let body = format!(r#"[{{"jsonrpc":"2.0","method":"notifications/x"}},{}]"#, ask.answer(TOOL));
    ask.events().event(&body);
    two.await.unwrap();
    let three = call(&client, "a");
    peer.post("tools/call").await.json_body(200, "[]");
    assert!(matches!(three.await.unwrap_err(), Error::Lost(_)));

    let mut peer = Peer::new();
    let client = peer.legacy(V, None).await;
    for stream in [false, true] {
        let one = call(&client, "a");
        let ask = peer.post("tools/call").await;
        let body = format!("[{}]", ask.answer(TOOL));
        if stream {
            ask.events().event(&body)
        } else {
            ask.json_body(200, body)
        }
        assert!(matches!(one.await.unwrap_err(), Error::Violation(_)));
    }
}

/// SEC-C-006: every request carries the credentials, with any HTTP method.
#[tokio::test(start_paused = true)]
async fn every_request_carries_the_credentials() {
    let mut peer = Peer::new();
    let http = peer.http().bearer("token-1").header("x-tenant".parse().unwrap(), "7".parse().unwrap());
    let client = builder().era(EraMode::Legacy(V)).start(http).unwrap();
    let check = |ask: &Ask| {
        assert_eq!(
            (ask.header("authorization"), ask.header("x-tenant")),
            (Some("Bearer token-1"), Some("7"))
        );
    };
    let ask = peer.post("initialize").await;
    check(&ask);
    let body = ask.answer(&initialized(V));
    ask.reply(200, &[("content-type", "application/json")], Some("s"), body);
    let note = peer.post("notifications/initialized").await;
    check(&note);
    note.status(202);
    let get = peer.next_of(Method::GET).await;
    check(&get);
    get.status(405);
    client.ready().await.unwrap();
    tokio::join!(client.close(), async {
        let delete = peer.next_of(Method::DELETE).await;
        check(&delete);
        delete.status(200);
    });
}
