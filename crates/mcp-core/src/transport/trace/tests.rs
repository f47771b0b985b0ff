//! What a trace shows, and what it does not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::message::{Message, Notification, RawJson, Request};
use crate::transport::{Binding, ConnectError, Envelope, Inbound, Lane, Outbound, Transport, memory};

type Lines = Arc<Mutex<Vec<String>>>;

fn tracer(redaction: Redaction) -> (Tracer, Lines) {
    let lines = Lines::default();
    let sink = lines.clone();
    let tracer = Tracer::with(
        move |record: &Record| sink.lock().unwrap().push(record.to_ndjson()),
        redaction,
        || tokio::time::Instant::now().into_std(),
    );
    (tracer, lines)
}

fn out(message: impl Into<Message>) -> Outbound {
    let lane = Lane::numbered(3);
    let envelope = Envelope::default();
    Outbound::message(message, lane).last(true).with_envelope(envelope)
}

fn secret() -> Request {
    let params = RawJson::parse(
        "{\"name\":\"x\",\n\"arguments\":{\"Api-Key\":\"K1\",\"h\":[\"bearer K2\"],\"accessToken\":{\"v\":\"K3\"}},\
         \"_meta\":{\"progressToken\":9}}",
    );
    Request::new(1, "tools/call", Some(params.unwrap()))
}

/// Both directions, the size before redaction, the time since the tracer was made; no newline.
#[tokio::test(start_paused = true)]
async fn a_line_for_each_thing_that_crosses() {
    let (tracer, lines) = tracer(Redaction::default());
    let (client, server) = memory::pair(Binding::STREAM);
    let (mut up, _replies) = Box::new(tracer.transport(client)).split();
    let (mut down, mut requests) = Box::new(tracer.transport(server)).split();
    tokio::time::advance(Duration::from_millis(5)).await;
    up.send(out(Notification::new("a", None))).await.unwrap();
    assert!(matches!(requests.recv().await, Ok(Some(Inbound::Message { .. }))));
    up.close().await.unwrap();
    assert!(matches!(requests.recv().await, Ok(None)));
    assert!(matches!(requests.recv().await, Ok(None)));
    assert!(down.send(out(Notification::new("b", None))).await.is_err());
    let expected = [
        r#"{"elapsed_us":0,"link":1,"dir":"out","opened":"stream"}"#,
        r#"{"elapsed_us":0,"link":2,"dir":"out","opened":"stream"}"#,
        r#"{"elapsed_us":5000,"link":1,"dir":"out","lane":3,"size":30,"message":{"jsonrpc":"2.0","method":"a"}}"#,
        r#"{"elapsed_us":5000,"link":2,"dir":"in","lane":0,"size":30,"message":{"jsonrpc":"2.0","method":"a"}}"#,
        r#"{"elapsed_us":5000,"link":1,"dir":"out","closed":"closed"}"#,
        r#"{"elapsed_us":5000,"link":2,"dir":"in","closed":"the peer ended the link"}"#,
        r#"{"elapsed_us":5000,"link":2,"dir":"out","lane":3,"size":30,"message":{"jsonrpc":"2.0","method":"b"}}"#,
        r#"{"elapsed_us":5000,"link":2,"dir":"out","lane":3,"failed":"not sent: no route to the peer: unknown lane"}"#,
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[tokio::test]
async fn secrets_are_not_shown_but_arrive() {
    for (redaction, hidden) in [(Redaction::default(), true), (Redaction::none(), false)] {
        let (tracer, lines) = tracer(redaction);
        let (client, server) = memory::pair(Binding::STREAM);
        let (mut up, _replies) = Box::new(tracer.transport(client)).split();
        let (_down, mut requests) = Box::new(server).split();
        up.send(out(secret())).await.unwrap();
        let Ok(Some(Inbound::Message { message, .. })) = requests.recv().await else { panic!() };
        assert_eq!(message, secret().into());
        let shown = lines.lock().unwrap().join("\n");
        for key in ["K1", "K2", "K3"] {
            assert_eq!(shown.contains(key), !hidden, "{shown}");
        }
        assert!(shown.contains(r#""progressToken":9"#), "{shown}");
        assert_eq!(shown.lines().count(), 2, "{shown}");
    }
}

#[test]
fn names_can_be_added() {
    let json = RawJson::parse(r#"{"MY_thing":1,"maxTokens":2,"client_secret":3}"#).unwrap();
    let shown = Redaction::none().also("my-thing").apply(&json);
    assert_eq!(shown.as_bytes(), br#"{"MY_thing":"[redacted]","maxTokens":2,"client_secret":3}"#);
    let shown = Redaction::default().apply(&json);
    assert_eq!(shown.as_bytes(), br#"{"MY_thing":1,"maxTokens":2,"client_secret":"[redacted]"}"#);
}

/// Both ends of a connector can be traced, and a failed attempt to connect is recorded.
#[tokio::test]
async fn connectors_and_servers_are_traced() {
    let (tracer, lines) = tracer(Redaction::default());
    let (connector, listener) = memory::connector(Binding::STREAM);
    let mut connector = tracer.connect(connector);
    connector.connect().await.unwrap();
    drop(listener);
    assert!(matches!(connector.connect().await, Err(ConnectError::Unreachable(_))));
    let lines = lines.lock().unwrap();
    assert!(lines[1].contains(r#""link":0,"dir":"out","failed":"#), "{lines:?}");
}
