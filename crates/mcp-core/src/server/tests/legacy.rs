//! Legacy clients: requests to them, input for handlers, their notifications.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join;
use tokio::sync::Notify;

use super::{Peer, server};
use crate::message::{ErrorObject, Message, Notification, RawJson};
use crate::server::{Context, Handler, Reply, Router};
use crate::session::{InputRequest, InputRequired};
use crate::tests::rejecting::Rejecting;
use crate::transport::{Binding, Envelope, Transport, memory};

/// A handler that sends a request to a legacy client; the answer is its reply.
fn asking() -> Router {
    Router::new().method("x/ask", |_, context| async move {
        match context.request("roots/list", None).await {
            Ok(result) => Ok(result.into_raw()),
            Err(error) => Err(ErrorObject::internal(error.to_string()).into()),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_handler_asks_a_legacy_client() {
    let server = server(asking());
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.initialize(r#"{"roots":{}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"x/ask"}"#).await;
    let Some(Message::Request(question)) = peer.next().await else { panic!("no question") };
    assert_eq!(question.method, "roots/list");
    let mut id = Vec::new();
    question.id.write_to(&mut id);
    let id = String::from_utf8(id).unwrap();
    peer.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#)).await;
    let reply = peer.text().await;
    assert!(reply.contains(r#""id":1"#) && reply.contains(r#""roots":[]"#), "{reply}");
}

/// DISC-S-006, era table 2.4: there are no requests to a modern client.
#[tokio::test(start_paused = true)]
async fn a_modern_client_is_never_asked() {
    let server = server(asking());
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "x/ask", "{}").await;
    let reply = peer.text().await;
    assert!(reply.contains(r#""id":1"#) && reply.contains("-32603"), "{reply}");
}

/// TIME-B-005: the end of the link settles the requests of handlers.
#[tokio::test(start_paused = true)]
async fn a_question_ends_with_its_link() {
    let outcome = Arc::new(Mutex::new(None));
    let ended = Arc::new(Notify::new());
    let (slot, signal) = (outcome.clone(), ended.clone());
    let server = server(Router::new().method("x/ask", move |_, context: Context| {
        let (slot, signal) = (slot.clone(), signal.clone());
        async move {
            let answer = context.request("roots/list", None).await;
            *slot.lock().unwrap() = Some(answer.map(|_| ()));
            signal.notify_one();
            Ok(RawJson::EMPTY_OBJECT)
        }
    }));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.initialize(r#"{"roots":{}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"x/ask"}"#).await;
    assert!(matches!(peer.next().await, Some(Message::Request(_))));
    drop(peer);
    ended.notified().await;
    assert!(matches!(*outcome.lock().unwrap(), Some(Err(crate::Error::Closed(_)))));
}

/// MRTR: one handler serves both eras. Here the client is legacy, so the handler is called twice.
#[tokio::test(start_paused = true)]
async fn input_is_asked_of_a_legacy_client_and_the_handler_called_again() {
    let server = server(Router::new().tool(crate::server::ToolDef::new("ask"), |_, context| async move {
        match context.input_responses() {
            None => Ok(crate::server::ToolReply::from(InputRequired {
                requests: vec![InputRequest {
                    key: "roots".to_owned(),
                    method: "roots/list".into(),
                    params: None,
                }],
                state: Some("s".to_owned()),
            })),
            Some(answers) => Ok(format!("{} {}", context.request_state().unwrap_or("none"), answers).into()),
        }
    }));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.initialize(r#"{"roots":{}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask"}}"#).await;
    let Some(Message::Request(question)) = peer.next().await else { panic!("no question") };
    let mut id = Vec::new();
    question.id.write_to(&mut id);
    let id = String::from_utf8(id).unwrap();
    peer.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#)).await;
    let reply = peer.text().await;
    assert!(reply.contains(r#""text":"s {"#) && reply.contains("roots"), "{reply}");
}

struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
    enough: Arc<Notify>,
}

#[async_trait]
impl Handler for Listener {
    async fn handle(&self, _: Context) -> Result<Reply, ErrorObject> {
        Ok(Reply::MethodNotFound)
    }

    fn capabilities(&self) -> RawJson {
        RawJson::parse(r#"{"resources":{"subscribe":true}}"#).unwrap()
    }

    async fn notified(&self, notification: Notification, _: Envelope) {
        // Slow, so that a wrong order would be seen.
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        self.heard.lock().unwrap().push(notification.method.as_str().to_owned());
    }

    async fn subscribed(&self, uri: String, on: bool) {
        self.heard.lock().unwrap().push(format!("{uri} {on}"));
        if !on {
            self.enough.notify_one();
        }
    }
}

/// The handler receives notifications and resource subscriptions in order.
#[tokio::test(start_paused = true)]
async fn a_handler_hears_what_a_client_tells_in_order() {
    let listener = Listener { heard: Arc::default(), enough: Arc::default() };
    let (heard, enough) = (listener.heard.clone(), listener.enough.clone());
    let server = server(listener);
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.initialize("{}").await;
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a://b"}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":2,"method":"resources/unsubscribe","params":{"uri":"a://b"}}"#).await;
    enough.notified().await;
    assert_eq!(*heard.lock().unwrap(), ["notifications/roots/list_changed", "a://b true", "a://b false"]);
}

/// Promise 6: of several requests on one lane, only the rejected one fails, at once.
#[tokio::test(start_paused = true)]
async fn a_rejected_question_fails_alone() {
    let server = server(Router::new().method("x/both", |_, context: Context| async move {
        let asked = join(context.request("roots/list", None), context.request("ping", None));
        let (roots, ping) = asked.await;
        let text = format!("{:?} {}", roots.map(|_| ()), ping.is_ok());
        Ok(RawJson::object([("text", RawJson::string(&text))]))
    }));
    let (client, end) = memory::pair(Binding::STREAM);
    tokio::spawn(async move {
        server.serve(Rejecting::new(Box::new(end) as Box<dyn Transport>, "roots/list")).await
    });
    let mut peer = Peer::on(client);
    peer.initialize(r#"{"roots":{}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"x/both"}"#).await;
    let ping = peer.text().await;
    assert!(ping.contains(r#""method":"ping""#), "{ping}");
    peer.send(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#).await;
    let reply = peer.text().await;
    assert!(reply.contains("no stream to the client") && reply.contains("true"), "{reply}");
}
