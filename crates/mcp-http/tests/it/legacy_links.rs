//! Legacy sessions whose link is served by a script, as a gateway might: what our own server never does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use mcp_core::message::{Message, Notification, ProtocolVersion, RawJson, Request, Response};
use mcp_core::transport::{
    Accept, EndReason, Envelope, Inbound, Lane, Outbound, SendError, Transport, TransportReceiver,
    TransportSender, async_trait,
};
use mcp_http::server::HttpServerConfig;
use tokio::sync::oneshot;

use crate::legacy_kit::{INITIALIZED, LIST, call, initialize, post, until, what};
use crate::server_kit::{Raw, Running, soon};

/// The last is dropped when the link is served to its end.
type Halves = (Box<dyn TransportSender>, Box<dyn TransportReceiver>, oneshot::Sender<()>);

/// Hands the first link over to be served by hand.
struct Script(Mutex<Option<oneshot::Sender<Halves>>>);

#[async_trait]
impl Accept for Script {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        assert_eq!((link.binding().name, link.binding().one_exchange), ("http", false));
        let first = self.0.lock().expect("no panic").take();
        if let Some(first) = first {
            let (sender, receiver) = link.split();
            let (done, over) = oneshot::channel();
            let _gone = first.send((sender, receiver, done));
            let _served = over.await;
        }
    }

    fn versions(&self) -> &[ProtocolVersion] {
        ProtocolVersion::ALL
    }
}

fn script() -> (Running, oneshot::Receiver<Halves>) {
    script_with(|_| {})
}

fn script_with(change: impl FnOnce(&mut HttpServerConfig)) -> (Running, oneshot::Receiver<Halves>) {
    let (tell, link) = oneshot::channel();
    (Running::start(Script(Mutex::new(Some(tell))), change), link)
}

fn out(message: impl Into<Message>, lane: Lane, last: bool) -> Outbound {
    let mut envelope = Envelope::default();
    envelope.version = Some(ProtocolVersion::V2025_11_25);
    Outbound::message(message, lane).last(last).with_envelope(envelope)
}

fn note(n: i64) -> Notification {
    let params = RawJson::object([("level", RawJson::string("info")), ("data", RawJson::integer(n))]);
    Notification::new("notifications/message", Some(params))
}

async fn next(receiver: &mut Box<dyn TransportReceiver>) -> (Message, Lane) {
    match receiver.recv().await {
        Ok(Some(Inbound::Message { message, lane, .. })) => (message, lane),
        other => panic!("in place of a message: {other:?}"),
    }
}

/// A session whose opening was answered.
async fn opened(server: &Running, link: oneshot::Receiver<Halves>) -> (String, Halves) {
    let mut raw = server.open();
    raw.write(post(&initialize("2025-11-25"), &[])).await;
    let (mut sender, mut receiver, done) = link.await.expect("a link");
    let (_, lane) = next(&mut receiver).await;
    let answer = Response::result(0.into(), RawJson::EMPTY_OBJECT);
    sender.send(out(answer, lane, true)).await.expect("sent");
    let answer = raw.answer().await;
    (answer.header("mcp-session-id").expect("an id").to_owned(), (sender, receiver, done))
}

async fn ask(server: &Running, id: &str, body: &str) -> Raw {
    let mut raw = server.open();
    raw.write(post(body, &[("Mcp-Session-Id", id)])).await;
    raw
}

/// SESS-S-001: the id comes with the result, whatever came before; FAULT C-42 in other projects: a request of the server
/// before it cannot be answered, and is rejected.
#[tokio::test]
async fn what_is_said_before_the_session_is_open_comes_with_the_answer() {
    let (server, link) = script();
    let mut raw = server.open();
    raw.write(post(&initialize("2025-11-25"), &[])).await;
    let (mut sender, mut receiver, done) = link.await.expect("a link");
    let (_, lane) = next(&mut receiver).await;
    sender.send(out(note(1), lane, false)).await.expect("held");
    let asked = sender.send(out(Request::new(1, "ping", None), lane, false)).await;
    assert!(matches!(asked, Err(SendError::Rejected(_))), "{asked:?}");
    let result = Response::result(0.into(), RawJson::EMPTY_OBJECT);
    sender.send(out(result, lane, true)).await.expect("sent");
    let answer = raw.answer().await;
    assert!(answer.header("mcp-session-id").is_some());
    let said: Vec<String> = answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| what(&serde_json::from_str(json).expect("JSON")))
        .collect();
    assert_eq!(said, ["1", "result"]);
    drop(done);
}

/// PEERS 17: a client that hangs up before its session is open leaves nothing behind.
#[tokio::test]
async fn a_session_that_nobody_was_told_of_ends() {
    let (server, link) = script();
    let mut raw = server.open();
    raw.write(post(&initialize("2025-11-25"), &[])).await;
    let (mut sender, mut receiver, done) = link.await.expect("a link");
    let (_, lane) = next(&mut receiver).await;
    drop(raw);
    assert!(!matches!(receiver.recv().await, Ok(Some(_))), "the link ends");
    let late = sender.send(out(Response::result(0.into(), RawJson::EMPTY_OBJECT), lane, true)).await;
    assert!(matches!(late, Err(SendError::Fatal(_))), "{late:?}");
    drop((sender, receiver, done));
    let stats = server.service.clone();
    until("nothing is left", || stats.sessions() == Default::default()).await;
}

/// T-19: a session that ends during a request is not 404 for it, unless the link had not taken the request.
#[tokio::test]
async fn a_link_that_ends_fails_what_it_took_and_forgets_the_session() {
    let (server, link) = script();
    let (id, (mut sender, mut receiver, done)) = opened(&server, link).await;
    let mut first = ask(&server, &id, LIST).await;
    let mut second = ask(&server, &id, LIST).await;
    let (_, lane) = next(&mut receiver).await;
    let (_, other) = next(&mut receiver).await;
    sender.send(Outbound::end(lane, EndReason::Closing)).await.expect("ended");
    let again = sender.send(out(note(1), lane, false)).await;
    assert!(matches!(again, Err(SendError::Rejected(_))), "{again:?}");
    sender.send(out(note(1), other, false)).await.expect("sent");
    let mut third = ask(&server, &id, &call(1, "t", "{}")).await;
    let mut told = ask(&server, &id, INITIALIZED).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop((sender, receiver, done));
    let statuses = [&mut first, &mut second, &mut third, &mut told];
    let mut seen = Vec::new();
    for raw in statuses {
        seen.push(raw.answer().await.status);
    }
    // The first two were asked in an order that nobody promised.
    seen[..2].sort_unstable();
    assert_eq!(seen, [200, 500, 404, 404]);
    assert_eq!(ask(&server, &id, LIST).await.answer().await.status, 404);
}

/// Promise 3: 202 once the link has taken it, not before.
#[tokio::test]
async fn a_notification_is_accepted_when_the_link_took_it() {
    let (server, link) = script();
    let (id, (_sender, mut receiver, _done)) = opened(&server, link).await;
    let mut raw = ask(&server, &id, INITIALIZED).await;
    let mut head = Box::pin(raw.head());
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(head.as_mut().now_or_never().is_none());
    }
    next(&mut receiver).await;
    assert_eq!(head.await.status, 202);
}

// FAULT F-A6.
/// Messages that wait for a session's link are charged to the budget of bodies, from 1 KiB on. Shorter ones are
/// covered by their place in the queue.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_link_is_charged_from_1_kib_on() {
    let (server, link) = script_with(|config| config.limits.bodies = 1500);
    let (id, (_sender, mut receiver, _done)) = opened(&server, link).await;
    let note = |bytes: usize| {
        let empty = r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"x":""}}"#;
        empty.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - empty.len())))
    };
    let mut waiting = Vec::new();
    // The first one finds an empty queue, and the second one the budget.
    for bytes in [1024, 1024] {
        waiting.push(waits(&server, &id, &note(bytes)).await);
    }
    let refused = ask(&server, &id, &note(1024)).await.answer().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.body.contains(r#"the limit \"request bodies\""#), "{}", refused.body);
    for bytes in [1023, 200, 1023] {
        waiting.push(waits(&server, &id, &note(bytes)).await);
    }
    for mut raw in waiting {
        next(&mut receiver).await;
        assert_eq!(soon(raw.head()).await.status, 202);
    }
}

/// A POST that is not answered until the link has taken it.
async fn waits(server: &Running, id: &str, body: &str) -> Raw {
    let mut raw = ask(server, id, body).await;
    let early = tokio::time::timeout(Duration::from_secs(5), raw.head()).await;
    assert!(early.is_err(), "{}", early.map(|answer| answer.body).unwrap_or_default());
    raw
}
