//! The exchange under a scripted server: the answer for each first output, and for each end.

use std::sync::Mutex;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use mcp_core::message::{Notification, ProtocolVersion, Request, Response as Reply};
use mcp_core::transport::{
    Lane, LossKind, Outbound, SendError, Transport, TransportReceiver, TransportSender, async_trait,
};
use tokio::sync::oneshot;

use hyper::Response;

use super::*;
use crate::server::HttpServerConfig;

type Halves = (Box<dyn TransportSender>, Box<dyn TransportReceiver>);
type Script = Box<dyn FnOnce(Halves) -> BoxFuture<'static, ()> + Send>;

/// Serves one link by a script.
struct Scripted(Mutex<Option<Script>>);

#[async_trait]
impl Accept for Scripted {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        let script = self.0.lock().unwrap().take().expect("one link");
        assert!(link.binding().one_exchange);
        script(link.split()).await;
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &[ProtocolVersion::V2026_07_28]
    }
}

fn server<F>(script: impl FnOnce(Halves) -> F + Send + 'static) -> Arc<ServerState>
where
    F: Future<Output = ()> + Send + 'static,
{
    let script: Script = Box::new(|halves| script(halves).boxed());
    let mut config = HttpServerConfig::default();
    config.limits.stream_queue = 2;
    Arc::new(ServerState::new(Arc::new(Scripted(Mutex::new(Some(script)))), config, true).unwrap())
}

fn key() -> BudgetKey {
    BudgetKey::new(mcp_core::transport::Owner::anonymous(), 1)
}

async fn ask(server: &Arc<ServerState>, formats: Formats) -> Response<Body> {
    let inbound = Inbound::message(Request::new(1, "ask", None), LANE);
    serve(server, inbound, Some(1.into()), formats, key()).await.into_response()
}

async fn ask_with<F>(formats: Formats, script: impl FnOnce(Halves) -> F + Send + 'static) -> Response<Body>
where
    F: Future<Output = ()> + Send + 'static,
{
    ask(&server(script), formats).await
}

fn out(message: impl Into<Message>, lane: Lane, last: bool) -> Outbound {
    Outbound::message(message, lane).last(last)
}

fn reply() -> Outbound {
    out(Reply::result(1.into(), mcp_core::message::RawJson::EMPTY_OBJECT), LANE, true)
}

fn note() -> Outbound {
    out(Notification::new("note", None), LANE, false)
}

async fn text(response: Response<Body>) -> String {
    let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn rejected(result: Result<(), SendError>) -> bool {
    matches!(result, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute)
}

/// The hot path: an answer that is there at once needs no task, no timer, and no runtime to have them.
#[test]
fn an_answer_at_once_needs_no_runtime() {
    let server = server(|(mut sender, mut receiver)| async move {
        assert!(matches!(receiver.recv().await, Ok(Some(Inbound::Message { lane: LANE, .. }))));
        sender.send(reply()).await.unwrap();
        assert!(matches!(receiver.recv().await, Ok(None)));
        sender.close().await.unwrap();
    });
    let response = ask(&server, Formats::Either).now_or_never().expect("nothing to wait for");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.body().is_stream());
}

/// An answer from another task wakes the request at once; it does not wait for the keep-alive, which would make it a stream.
#[tokio::test(start_paused = true)]
async fn an_answer_of_another_task_is_not_waited_for() {
    const LATER: Duration = Duration::from_millis(5);
    let began = tokio::time::Instant::now();
    let response = ask_with(Formats::Either, |(mut sender, mut receiver)| async move {
        tokio::spawn(async move {
            tokio::time::sleep(LATER).await;
            sender.send(reply()).await.unwrap();
        });
        while let Ok(Some(_)) = receiver.recv().await {}
    })
    .await;
    assert!(!response.body().is_stream());
    assert_eq!(began.elapsed(), LATER);
}

/// An exchange that ends without an answer has a status.
#[tokio::test]
async fn an_end_without_a_message_has_a_status() {
    for (why, status, body) in [
        (EndReason::Closing, 503, r#""id":1,"error""#),
        (EndReason::TimedOut, 500, r#""id":1,"error""#),
        (EndReason::NoAnswer, 202, ""),
        (EndReason::Cancelled, 200, ""),
    ] {
        let response = ask_with(Formats::Either, move |(mut sender, _receiver)| async move {
            sender.send(Outbound::end(LANE, why)).await.unwrap();
            sender.send(Outbound::end(LANE, why)).await.unwrap();
            assert!(rejected(sender.send(reply()).await));
        })
        .await;
        assert_eq!(response.status(), status, "{why:?}");
        assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
        let text = text(response).await;
        assert!(if body.is_empty() { text.is_empty() } else { text.contains(body) }, "{why:?}: {text}");
    }
}

/// A link that ends without a word, or in a panic, is an error of the server, and not silence.
#[tokio::test]
async fn a_link_that_fails_is_answered() {
    let dropped = ask_with(Formats::Either, |halves| async move { drop(halves) }).await;
    let closed = ask_with(Formats::Either, |(mut sender, _receiver)| async move {
        sender.close().await.unwrap();
        std::future::pending().await
    })
    .await;
    let panicked = ask_with(Formats::Either, |_halves| async move { panic!("a fault of the server") }).await;
    for response in [dropped, closed, panicked] {
        assert_eq!(response.status(), 500);
        assert!(text(response).await.contains(r#""id":1,"error":{"code":-32603"#));
    }
}

/// Promise 6: what has nowhere to go is rejected at once, and costs the exchange nothing.
#[tokio::test]
async fn what_does_not_belong_to_the_exchange_is_rejected() {
    let response = ask_with(Formats::Either, |(mut sender, _receiver)| async move {
        let beside = out(Notification::new("note", None), Lane::SHARED, false);
        assert!(rejected(sender.send(beside).await));
        assert!(rejected(sender.send(out(Request::new(1, "roots/list", None), LANE, false)).await));
        sender.send(reply()).await.unwrap();
        assert!(rejected(sender.send(note()).await));
        assert!(rejected(sender.send(reply()).await));
    })
    .await;
    assert_eq!(text(response).await, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
}

/// HTTP-S-012: dropping the pending answer is a hang-up. The link receives it once, in a separate task, and can send
/// nothing more.
#[tokio::test]
async fn a_dropped_answer_is_a_hang_up() {
    let (told, heard) = oneshot::channel();
    let server = server(|(mut sender, mut receiver)| async move {
        let _request = receiver.recv().await;
        let event = receiver.recv().await;
        assert!(matches!(event, Ok(Some(Inbound::Ended { lane: LANE, .. }))), "{event:?}");
        assert!(matches!(receiver.recv().await, Ok(None)));
        assert!(rejected(sender.send(note()).await));
        assert!(rejected(sender.send(reply()).await));
        told.send(()).unwrap();
    });
    let mut answer = Box::pin(ask(&server, Formats::Either));
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(answer);
    heard.await.unwrap();
}

/// The same for the body of a stream; one that was read whole has not hung up.
#[tokio::test]
async fn a_dropped_stream_is_a_hang_up() {
    for whole in [false, true] {
        let (told, heard) = oneshot::channel();
        let response = ask_with(Formats::Either, move |(mut sender, mut receiver)| async move {
            let _request = receiver.recv().await;
            sender.send(note()).await.unwrap();
            if whole {
                sender.send(reply()).await.unwrap();
            }
            told.send(receiver.recv().await).unwrap();
        })
        .await;
        assert!(response.body().is_stream());
        if whole {
            assert!(text(response).await.ends_with("\"result\":{}}\n\n"));
            assert!(matches!(heard.await, Ok(Ok(None))));
        } else {
            drop(response);
            assert!(matches!(heard.await, Ok(Ok(Some(Inbound::Ended { .. })))));
        }
    }
}

/// FAULT C-13, FAULT B: a reader that is behind has the write limit to catch up; then the link, and no other, is lost.
#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_loses_its_link() {
    let (told, heard) = oneshot::channel();
    let response = ask_with(Formats::Either, move |(mut sender, _receiver)| async move {
        let start = tokio::time::Instant::now();
        for _ in 0..2 {
            sender.send(note()).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        let stalled = sender.send(note()).await;
        told.send((stalled, start.elapsed())).unwrap();
    })
    .await;
    let (stalled, waited) = heard.await.unwrap();
    assert!(
        matches!(&stalled, Err(SendError::Fatal(error)) if error.to_string().contains("60s")),
        "{stalled:?}"
    );
    assert_eq!(waited, Duration::from_secs(60));
    // What was queued is read, and then the stream ends without an answer.
    assert_eq!(text(response).await.matches("note").count(), 2);
}

/// T-23: who takes no stream gets the answer alone; who takes nothing else gets a stream of one event.
#[tokio::test]
async fn the_form_is_the_client_s_choice() {
    for (formats, body) in [
        (Formats::Json, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"),
        (Formats::Events, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"),
    ] {
        let response = ask_with(formats, move |(mut sender, _receiver)| async move {
            if formats == Formats::Json {
                sender.send(note()).await.unwrap();
            }
            sender.send(reply()).await.unwrap();
        })
        .await;
        assert_eq!(text(response).await, body);
    }
}

/// A task of the server may hold the halves: the waiting answer is woken.
#[tokio::test]
async fn an_answer_may_come_from_another_task() {
    let response = ask_with(Formats::Either, |(mut sender, receiver)| async move {
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            sender.send(reply()).await.unwrap();
            drop(receiver);
        });
        std::future::pending().await
    })
    .await;
    assert_eq!(response.status(), StatusCode::OK);
}
