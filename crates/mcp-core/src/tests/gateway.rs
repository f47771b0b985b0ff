//! What gateways and programs that push need: handles of links, questions that name their call, links that were looked at.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use super::{EXCHANGES, KINDS, builder, object};
use crate::client::{CallOptions, Client, EraMode, InputContext};
use crate::error::Error;
use crate::lock::Lock;
use crate::message::{ErrorObject, Message, ProtocolVersion, RawJson};
use crate::server::{Context, Handler, Reply, Router, Server, ServerLink, ToolDef, ToolReply};
use crate::session::{CallId, InputRequest, InputRequired};
use crate::transport::{Accept, Binding, Envelope, Inbound, Peek, Transport, memory};

const LEGACY: EraMode = EraMode::Legacy(ProtocolVersion::V2025_11_25);

/// Gives the handles of its links away.
struct Opener(mpsc::UnboundedSender<ServerLink>);

#[async_trait]
impl Handler for Opener {
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
        let answer = context.request("roots/list", None).await;
        answer
            .map(|answer| Reply::Verbatim(Ok(answer.into_raw())))
            .map_err(|error| ErrorObject::internal(error.to_string()))
    }

    fn capabilities(&self) -> RawJson {
        RawJson::parse(r#"{"logging":{}}"#).unwrap()
    }

    fn opened(&self, link: ServerLink) {
        self.0.send(link).unwrap();
    }
}

async fn opened(binding: Binding) -> (Client, ServerLink) {
    let (links, mut arrived) = mpsc::unbounded_channel();
    let server = Server::builder("test server", "1").build(Opener(links)).unwrap();
    let (connector, listener) = memory::connector(binding);
    tokio::spawn(listener.serve(server));
    let client = builder(LEGACY)
        .capability("roots", RawJson::EMPTY_OBJECT)
        .input_handler(|_: InputRequest, _| async { Ok(RawJson::parse(r#"{"roots":[]}"#).unwrap()) })
        .connect(connector)
        .await
        .unwrap();
    let link = arrived.recv().await.unwrap();
    (client, link)
}

/// The handle of a link notifies and asks outside of requests, and knows when the link is over.
#[tokio::test(start_paused = true)]
async fn a_handle_of_a_link_outlives_requests() {
    for binding in [Binding::STREAM, EXCHANGES] {
        let (client, link) = opened(binding).await;
        assert_eq!(link.version(), ProtocolVersion::V2025_11_25);
        assert!(link.client_info().unwrap().to_string().contains("test client"));
        let mut heard = client.notifications();
        link.notify("notifications/x", object(r#"{"n":1.0}"#)).await;
        let note = heard.next().await.unwrap();
        assert_eq!(
            (note.method.as_str(), note.params.unwrap().raw().to_string()),
            ("notifications/x", r#"{"n":1.0}"#.into())
        );
        assert_eq!(link.request("roots/list", None).await.unwrap().raw().to_string(), r#"{"roots":[]}"#);
        assert!(matches!(link.request("sampling/createMessage", None).await, Err(Error::Misuse(_))));
        // Within a request, too.
        assert!(client.request("x/ask", None).await.unwrap().raw().to_string().contains("roots"));
        assert!(!link.is_closed());
        client.close().await;
        link.closed().await;
        assert!(matches!(link.request("roots/list", None).await, Err(Error::Closed(_))));
        // Returns, although nobody takes it.
        link.notify("notifications/x", None).await;
    }
}

/// A link that was idle for so long that it has no driver any more goes on where it was: for messages of both sides,
/// and for those who hold its handle.
#[tokio::test(start_paused = true)]
async fn an_idle_link_goes_on_where_it_was() {
    let idle = || tokio::time::sleep(Duration::from_secs(5));
    for binding in [Binding::STREAM, EXCHANGES] {
        let (client, link) = opened(binding).await;
        let mut heard = client.notifications();
        idle().await;
        assert!(!link.is_closed());
        link.notify("notifications/x", None).await;
        assert_eq!(heard.next().await.unwrap().method, "notifications/x");
        idle().await;
        assert_eq!(link.request("roots/list", None).await.unwrap().raw().to_string(), r#"{"roots":[]}"#);
        idle().await;
        assert!(client.request("x/ask", None).await.unwrap().raw().to_string().contains("roots"));
        idle().await;
        client.close().await;
        link.closed().await;
    }
}

fn asking() -> Router {
    Router::new().tool(ToolDef::new("ask"), |arguments, context| async move {
        Ok(match context.input_responses() {
            Some(answers) => ToolReply::text(&answers.to_string()),
            None => InputRequired::ask("k", "elicitation/create", Some(arguments)).into(),
        })
    })
}

/// The call that a question named, and what the program gave with it.
type Asked = (Option<CallId>, u32);

/// A question names its call and brings what the program gave with it, also if several calls are in flight.
#[tokio::test(start_paused = true)]
async fn a_question_names_its_call() {
    for (era, binding) in KINDS {
        let server = Server::builder("test server", "1").build(asking()).unwrap();
        let (connector, listener) = memory::connector(binding);
        tokio::spawn(listener.serve(server));
        let seen = Arc::<Lock<Vec<Asked>>>::default();
        let told = seen.clone();
        let client = builder(era)
            .capability("elicitation", RawJson::EMPTY_OBJECT)
            .input_handler(move |_: InputRequest, context: InputContext| {
                let mine = context.envelope.get::<u32>().copied();
                if let Some(mine) = mine {
                    told.lock().push((context.call, mine));
                }
                async move { Ok(RawJson::object([("mine", RawJson::integer(mine.map_or(-1, i64::from)))])) }
            })
            .connect(connector)
            .await
            .unwrap();
        // A legacy server on a byte stream does not say which of several calls it asks for.
        let most = if matches!((era, binding), (EraMode::Legacy(_), Binding { continuous: true, .. })) {
            1
        } else {
            8
        };
        let mut calls: Vec<_> = (0..most)
            .map(|number: u32| {
                let options = CallOptions::new().envelope(Envelope::default().with(number));
                client.call("tools/call", object(r#"{"name":"ask","arguments":{"message":"?"}}"#), options)
            })
            .collect();
        for (number, call) in calls.iter_mut().enumerate() {
            let id_before = call.id();
            let answer = (&mut *call).await.unwrap().raw().to_string();
            assert!(answer.contains(&format!(r#"\"mine\":{number}"#)), "{era:?} {binding:?}: {answer}");
            assert!(id_before.is_none() || id_before == call.id());
        }
        let mut seen = seen.lock().clone();
        seen.sort_by_key(|(_, number)| *number);
        let named: Vec<_> = calls.iter().map(crate::client::Call::id).zip(0..).collect();
        assert_eq!(seen, named, "{era:?} {binding:?}");
    }
}

/// Says what comes first on a link, then serves it.
struct Looking(Server, Arc<Lock<Vec<String>>>, Arc<Notify>);

#[async_trait]
impl Accept for Looking {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        let mut link = Peek::new(link);
        for _ in 0..2 {
            let first = link.first().await.cloned();
            let seen = match first {
                Some(Inbound::Message { message: Message::Request(request), .. }) => {
                    request.method.to_string()
                }
                other => format!("{other:?}"),
            };
            self.1.lock().push(seen);
        }
        self.0.serve(link).await;
        self.2.notify_one();
    }

    fn versions(&self) -> &[ProtocolVersion] {
        ProtocolVersion::ALL
    }
}

/// A link that was looked at is served as if it had not been looked at: the first message is there once, and the end is seen.
#[tokio::test(start_paused = true)]
async fn a_link_that_was_looked_at_is_whole() {
    for (era, binding) in KINDS {
        let server = Server::builder("test server", "1").build(asking()).unwrap();
        let (seen, over) = (Arc::<Lock<Vec<String>>>::default(), Arc::new(Notify::new()));
        let (connector, listener) = memory::connector(binding);
        tokio::spawn(listener.serve(Looking(server, seen.clone(), over.clone())));
        let client = builder(era).connect(connector).await.unwrap();
        assert_eq!(client.list_tools().await.unwrap().len(), 1);
        let first = if matches!(era, EraMode::Legacy(_)) { "initialize" } else { "server/discover" };
        assert_eq!(*seen.lock(), [first, first], "{era:?}");
        client.close().await;
        over.notified().await;
    }
    let (connector, listener) = memory::connector(Binding::STREAM);
    let (seen, over) = (Arc::<Lock<Vec<String>>>::default(), Arc::new(Notify::new()));
    let server = Server::builder("test server", "1").build(asking()).unwrap();
    tokio::spawn(listener.serve(Looking(server, seen.clone(), over.clone())));
    let mut connector = connector;
    drop(crate::transport::Connect::connect(&mut connector).await.unwrap());
    over.notified().await;
    assert_eq!(*seen.lock(), ["None", "None"]);
}
