//! Text frames, message frames, batches, refusals, closing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::mpsc;
use futures::{SinkExt, StreamExt, future};

use super::*;
use crate::message::{Message, Notification, Request, Response};
use crate::transport::{EndReason, TransportReceiver, TransportSender};

fn out(message: impl Into<Message>, lane: Lane, last: bool) -> Outbound {
    let envelope = Envelope::default();
    Outbound::message(message, lane).last(last).with_envelope(envelope)
}

fn reply(id: i64) -> Response {
    Response::result(id.into(), crate::message::RawJson::EMPTY_OBJECT)
}

type Halves = (Box<dyn TransportSender>, Box<dyn TransportReceiver>);

/// A server's halves, and the raw ends of its carrier.
fn server() -> (Halves, mpsc::Sender<String>, mpsc::Receiver<String>) {
    let (write, incoming) = mpsc::channel::<String>(8);
    let (down, read) = mpsc::channel::<String>(8);
    let server = Framed::server("test", down, incoming.map(Ok::<_, std::io::Error>));
    (Box::new(server).split(), write, read)
}

/// FAULT C-8, C-9: a frame that is not a message is refused, and the link continues.
#[tokio::test]
async fn garbage_is_refused_and_the_link_continues() {
    let ((_down, mut requests), mut write, _read) = server();
    for text in ["{", "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n"] {
        write.send(text.to_owned()).await.unwrap();
    }
    assert!(matches!(requests.recv().await, Ok(Some(Inbound::Refused { lane: Lane::SHARED, .. }))));
    assert!(matches!(requests.recv().await, Ok(Some(Inbound::Message { lane: Lane::SHARED, .. }))));
    drop(write);
    assert!(matches!(requests.recv().await, Ok(None)));
    assert!(matches!(requests.recv().await, Ok(None)));
}

/// Promise 4: the answers to a batch are sent as one array, when the last of them is ready.
#[tokio::test]
async fn a_batch_is_answered_as_one_array() {
    let ((mut down, mut requests), mut write, mut read) = server();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":2,"method":"b"}]"#;
    write.send(batch.to_owned()).await.unwrap();
    let Ok(Some(Inbound::Batch { items, lane, .. })) = requests.recv().await else { panic!() };
    assert_eq!((items.len(), lane.is_shared()), (2, false));
    down.send(out(reply(2), lane, false)).await.unwrap();
    down.send(out(Notification::new("between", None), Lane::SHARED, false)).await.unwrap();
    down.send(out(reply(1), lane, true)).await.unwrap();
    down.flush().await.unwrap();
    assert_eq!(read.next().await.unwrap(), r#"{"jsonrpc":"2.0","method":"between"}"#);
    let answers = r#"[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","id":1,"result":{}}]"#;
    assert_eq!(read.next().await.unwrap(), answers);
    let late = down.send(out(reply(1), lane, true)).await;
    assert!(matches!(late, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute));
}

/// RPC-B-024: a batch without answers gets no reply, never an empty array.
#[tokio::test]
async fn a_batch_that_ends_early_sends_the_answers_so_far() {
    let ((mut down, mut requests), mut write, mut read) = server();
    for answered in [false, true] {
        write.send(r#"[{"jsonrpc":"2.0","id":1,"method":"a"}]"#.to_owned()).await.unwrap();
        let Ok(Some(Inbound::Batch { lane, .. })) = requests.recv().await else { panic!() };
        if answered {
            down.send(out(reply(1), lane, false)).await.unwrap();
        }
        down.send(Outbound::end(lane, EndReason::NoAnswer)).await.unwrap();
    }
    down.close().await.unwrap();
    assert_eq!(read.next().await.unwrap(), r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#);
    assert_eq!(read.next().await, None);
}

/// RPC-B-022, JSON-RPC section 6: a batch that is refused as a whole is answered by one object.
#[tokio::test]
async fn a_refused_batch_is_answered_by_one_object() {
    let ((mut down, mut requests), mut write, mut read) = server();
    let refusal = || Response::error(None, crate::message::ErrorObject::invalid_request("no"));
    for (others, answer) in [
        (0, r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}"#),
        (
            1,
            r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}]"#,
        ),
    ] {
        write.send("[1]".to_owned()).await.unwrap();
        let Ok(Some(Inbound::Batch { lane, .. })) = requests.recv().await else { panic!() };
        for id in 1..=others {
            down.send(out(reply(id), lane, false)).await.unwrap();
        }
        down.send(out(refusal(), lane, true)).await.unwrap();
        down.flush().await.unwrap();
        let (seen, answer): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(&read.next().await.unwrap()).unwrap(),
            serde_json::from_str(answer).unwrap(),
        );
        assert_eq!(seen["error"], answer["error"]);
        assert_eq!(seen.is_array(), answer.is_array());
    }
}

#[tokio::test]
async fn batches_in_flight_are_bounded() {
    let ((_down, mut requests), mut write, _read) = server();
    for opened in 0..=batches::MAX_OPEN {
        write.send("[]".to_owned()).await.unwrap();
        let seen = requests.recv().await;
        if opened < batches::MAX_OPEN {
            assert!(matches!(seen, Ok(Some(Inbound::Batch { .. }))), "{seen:?}");
        } else {
            assert!(matches!(seen, Ok(Some(Inbound::Refused { .. }))), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_carrier_is_reported_and_ends_the_link() {
    let broken = futures::stream::once(future::ready(Err::<String, _>(std::io::Error::other("torn"))));
    let client = Framed::client("test", mpsc::channel::<String>(1).0, broken);
    let (_up, mut replies) = Box::new(client).split();
    assert_eq!(replies.recv().await.unwrap_err().to_string(), "torn");
    assert!(matches!(replies.recv().await, Ok(None)));
}

/// A carrier that never finishes closing.
struct Stuck;

impl Sink<String> for Stuck {
    type Error = std::io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, _: String) -> Result<(), Self::Error> {
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Pending
    }
}

/// Promise 8: bounded in time, and idempotent.
#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_longer_than_its_limit() {
    for limit in [None, Some(Duration::from_secs(2))] {
        let stream = futures::stream::pending::<Result<String, std::io::Error>>();
        let mut client = Framed::client("test", Stuck, stream);
        if let Some(limit) = limit {
            client = client.close_within(move || tokio::time::sleep(limit));
        }
        let (mut up, _replies) = Box::new(client).split();
        let start = tokio::time::Instant::now();
        assert_eq!(up.close().await.unwrap(), up.close().await.unwrap());
        assert_eq!(start.elapsed(), limit.unwrap_or_default());
        let late = up.send(out(Request::new(1, "ask", None), Lane::numbered(1), true)).await;
        assert!(matches!(late, Err(SendError::Fatal(_))));
    }
}
