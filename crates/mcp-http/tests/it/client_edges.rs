//! Edge cases of a client: closing during a handshake, and servers that never answer.

use std::time::Duration;

use hyper::Method;
use mcp_core::client::{Call, CallOptions, Client, EraMode, InputContext, SubscriptionEvent};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::session::{InputRequest, SubscriptionFilter};
use tokio::time::Instant;

use crate::client_peer::{Peer, builder, initialized, soon};

const V: ProtocolVersion = ProtocolVersion::V2025_11_25;
const TOOL: &str = r#"{"content":[]}"#;

fn call(client: &Client, name: &str) -> Call {
    let params = RawJson::object([("name", RawJson::string(name))]);
    client.call("tools/call", Some(params), CallOptions::default())
}

/// SESS-C-009: after the client closes, it sends only the DELETE. It opens no stream for a message that was in
/// flight.
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

/// A server that never answers notifications does not block calls forever: each notification times out, and calls
/// continue.
#[tokio::test(start_paused = true)]
async fn unanswered_notifications_do_not_block_calls_forever() {
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
    // The notification that exceeds the limit is sent before the call.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let params = RawJson::object([("name", RawJson::string("a"))]);
    let options = CallOptions::new().timeout(Duration::from_secs(600));
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

/// SESS-S-003: an invalid session id is never sent, not even to resume the stream of `initialize`.
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

/// HTTP-S-006: one connection for calls, for which further calls wait. A question within the call is still answered,
/// a waiting call is cancelled without being sent, and the next one is sent afterwards.
#[tokio::test(start_paused = true)]
async fn one_connection_is_enough_for_a_question_within_a_call() {
    async fn accept(_: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
        Ok(RawJson::parse(r#"{"action":"decline"}"#).unwrap())
    }
    let mut peer = Peer::new();
    let http = peer.http().configure(|config| config.net.connections = 1);
    let client = builder()
        .era(EraMode::Legacy(V))
        .capability("elicitation", RawJson::EMPTY_OBJECT)
        .input_handler(accept)
        .start(http)
        .unwrap();
    peer.handshake(V, None).await;
    peer.next_of(Method::GET).await.status(405);
    let asking = call(&client, "asking");
    let ask = peer.post("tools/call").await;
    let answer = ask.answer(TOOL);
    let stream = ask.events();
    let (cancelled, waiting) = (call(&client, "cancelled"), call(&client, "waiting"));
    stream.event(r#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#);
    let reply = peer.next_of(Method::POST).await;
    assert!(reply.text().contains("decline"), "{}", reply.text());
    reply.status(202);
    drop(cancelled);
    peer.post("notifications/cancelled").await.status(202);
    stream.event(&answer);
    stream.end();
    asking.await.unwrap();
    let ask = peer.post("tools/call").await;
    assert!(ask.text().contains(r#""waiting""#), "{}", ask.text());
    ask.result(TOOL);
    waiting.await.unwrap();
    client.close().await;
}

/// SUB-C-010: subscriptions take no connection from calls, and a cancelled call keeps none, in any state.
#[tokio::test(start_paused = true)]
async fn one_connection_is_enough_beside_subscriptions_and_cancelled_calls() {
    let mut peer = Peer::new();
    let client = builder().start(peer.http().configure(|config| config.net.connections = 1)).unwrap();
    peer.post("server/discover").await.result(crate::client_peer::discovered());
    client.ready().await.unwrap();
    let filter = || SubscriptionFilter::new().tools_list_changed();
    let (mut listens, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut listen = client.listen(filter());
        let ask = peer.post("subscriptions/listen").await;
        let id = ask.id();
        let stream = ask.events();
        stream.event(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},"notifications":{{"toolsListChanged":true}}}}}}"#
        ));
        assert!(matches!(soon(listen.next()).await, Some(SubscriptionEvent::Started { .. })));
        listens.push(listen);
        streams.push(stream);
    }
    // Cancelled before the head, between head and answer, and while waiting for the connection.
    let headless = call(&client, "headless");
    let ask = peer.post("tools/call").await;
    let waiting = call(&client, "waiting");
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(waiting);
    drop(headless);
    ask.hung_up().await;
    let headed = call(&client, "headed");
    let stream = peer.post("tools/call").await.events();
    stream.raw(": here\n\n");
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(headed);
    stream.hung_up().await;
    let last = call(&client, "last");
    let ask = peer.post("tools/call").await;
    assert_eq!(ask.header("mcp-name"), Some("last"));
    ask.result(&crate::client_peer::said("ok"));
    last.await.unwrap();
}

/// The session bounds a request that is never answered, and its connection is released: silence before the head,
/// silence after it, endless comments, endless priming events, an unfinished body.
#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_in_bounded_time() {
    for turn in 0..5 {
        let mut peer = Peer::new();
        let http = peer.http().configure(|config| config.net.connections = 1);
        let client = builder().era(EraMode::Legacy(V)).start(http).unwrap();
        peer.handshake(V, None).await;
        peer.next_of(Method::GET).await.status(405);
        client.ready().await.unwrap();
        let began = Instant::now();
        let lost = call(&client, "lost");
        let ask = peer.post("tools/call").await;
        let (mut silent, mut open) = (None, None);
        match turn {
            0 => silent = Some(ask),
            1 => open = Some(ask.events()),
            2 | 3 => {
                let stream = ask.events();
                let text = if turn == 2 { ": still here\n\n" } else { "id: 1\nretry: 0\ndata:\n\n" };
                tokio::spawn(async move {
                    for _ in 0..10_000 {
                        stream.raw(text);
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                });
            }
            _ => open = Some(ask.events_with(&[], None)),
        }
        if let (4, Some(stream)) = (turn, &open) {
            stream.raw("data: {\"jsonrpc\":\"2.0\",");
        }
        assert!(soon(lost).await.is_err(), "{turn}");
        assert!(began.elapsed() <= Duration::from_secs(600), "{turn}: {:?}", began.elapsed());
        peer.post("notifications/cancelled").await.status(202);
        let next = call(&client, "next");
        peer.post("tools/call").await.result(TOOL);
        next.await.unwrap();
        drop((silent, open));
    }
}

/// SESS-C-008, SESS-C-009: a 404 to a notification does not mean a lost session, because some servers answer 404 to
/// notifications that they do not know. Calls continue in the session, and DELETE ends it.
#[tokio::test(start_paused = true)]
async fn a_404_to_a_notification_does_not_end_the_session() {
    let mut peer = Peer::new();
    let client = peer.legacy(V, Some("s")).await;
    client.notify("notifications/x", None).await.unwrap();
    peer.post("notifications/x").await.status(404);
    let one = call(&client, "a");
    let ask = peer.post("tools/call").await;
    assert_eq!(ask.header("mcp-session-id"), Some("s"));
    ask.result(TOOL);
    one.await.unwrap();
    let delete = async {
        let ask = peer.next().await;
        assert_eq!((ask.method.clone(), ask.header("mcp-session-id")), (Method::DELETE, Some("s")));
        ask.status(200);
    };
    tokio::join!(client.close(), delete);
}
