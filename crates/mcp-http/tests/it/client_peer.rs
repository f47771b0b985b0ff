//! A server that a test controls request by request: real hyper, in memory, so that the clock can be paused.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mcp_core::client::{Client, ClientBuilder};
use mcp_core::message::{Field, Message, ProtocolVersion, RawJson};
use mcp_core::transport::async_trait;
use mcp_http::HttpClient;
use mcp_http::net::{Dial, Io};
use tokio::sync::{mpsc, oneshot};

pub(crate) const URL: &str = "http://mcp.test:8080/api/mcp?tenant=7";

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One request that arrived, to be answered by the test.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    reply: oneshot::Sender<Response<Body>>,
}

/// The server, controlled by the test.
pub(crate) struct Peer {
    asks: mpsc::UnboundedReceiver<Ask>,
    connections: Connections,
    aside: VecDeque<Ask>,
}

/// Opens connections and counts them.
#[derive(Clone)]
pub(crate) struct Connections {
    asks: mpsc::UnboundedSender<Ask>,
    opened: Arc<Mutex<usize>>,
}

#[async_trait]
impl Dial for Connections {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let (ours, theirs) = tokio::io::duplex(256 << 10);
        let asks = self.asks.clone();
        *self.opened.lock().unwrap() += 1;
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(asks.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new();
            // A test that drops an ask cuts its connection.
            let _cut = connection.serve_connection(TokioIo::new(theirs), service).await;
        });
        Ok(Box::new(ours))
    }
}

fn answer(
    asks: mpsc::UnboundedSender<Ask>,
    request: Request<Incoming>,
) -> BoxFuture<'static, io::Result<Response<Body>>> {
    Box::pin(async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let (reply, replied) = oneshot::channel();
        let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let ask = Ask { method: head.method, path, headers: head.headers, body, reply };
        asks.send(ask).map_err(io::Error::other)?;
        replied.await.map_err(io::Error::other)
    })
}

impl Peer {
    pub(crate) fn new() -> Peer {
        let (sender, asks) = mpsc::unbounded_channel();
        let connections = Connections { asks: sender, opened: Arc::default() };
        Peer { asks, connections, aside: VecDeque::new() }
    }

    /// A connector to this server.
    pub(crate) fn http(&self) -> HttpClient {
        HttpClient::over(URL, self.connections.clone()).unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.opened.lock().unwrap()
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Ask {
        match self.aside.pop_front() {
            Some(ask) => ask,
            None => soon(self.asks.recv()).await.unwrap(),
        }
    }

    /// The next request of this HTTP method; others wait.
    pub(crate) async fn next_of(&mut self, method: Method) -> Ask {
        if let Some(at) = self.aside.iter().position(|ask| ask.method == method) {
            return self.aside.remove(at).unwrap();
        }
        loop {
            let ask = soon(self.asks.recv()).await.unwrap();
            if ask.method == method {
                return ask;
            }
            self.aside.push_back(ask);
        }
    }

    /// The next POST, which must have this JSON-RPC method.
    pub(crate) async fn post(&mut self, method: &str) -> Ask {
        let ask = self.next_of(Method::POST).await;
        assert_eq!(ask.rpc_method(), method);
        ask
    }

    /// Checks that nothing arrives within this time. Needs a paused clock.
    pub(crate) async fn silence(&mut self, time: Duration) {
        let seen = tokio::time::timeout(time, self.next()).await;
        assert!(seen.is_err(), "in place of silence: {:?}", seen.map(|ask| (ask.method.clone(), ask.text())));
    }

    /// Opens a modern client.
    pub(crate) async fn modern(&mut self) -> Client {
        let client = builder().start(self.http()).unwrap();
        self.post("server/discover").await.result(discovered());
        client.ready().await.unwrap();
        client
    }

    /// Opens a legacy client at this version, with a session if an id is given. The server has no standalone stream.
    pub(crate) async fn legacy(&mut self, version: ProtocolVersion, session: Option<&str>) -> Client {
        let client = builder().era(mcp_core::client::EraMode::Legacy(version)).start(self.http()).unwrap();
        self.handshake(version, session).await;
        self.next_of(Method::GET).await.status(405);
        client.ready().await.unwrap();
        client
    }

    /// Answers `initialize` and `notifications/initialized`.
    pub(crate) async fn handshake(&mut self, version: ProtocolVersion, session: Option<&str>) {
        let ask = self.post("initialize").await;
        let body = ask.answer(&initialized(version));
        ask.reply(200, &[("content-type", "application/json")], session, body);
        self.post("notifications/initialized").await.status(202);
    }
}

/// Waits for a future. With a paused clock, a future that never completes fails the test as soon as no other work is
/// left.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let day = Duration::from_secs(24 * 3600);
    tokio::time::timeout(day, future).await.expect("nothing happened for a day")
}

/// A client that is not started yet. Strict: unreadable input ends it.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder("test", "1").configure(|config| config.max_garbage = 0)
}

/// A DiscoverResult of a dual-era server.
pub(crate) fn discovered() -> &'static str {
    r#"{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}},
        "ttlMs":0,"cacheScope":"private"}"#
}

/// An InitializeResult.
pub(crate) fn initialized(version: ProtocolVersion) -> String {
    format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"s","version":"1"}}}}"#
    )
}

impl Ask {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> RawJson {
        RawJson::parse(self.body.clone()).unwrap()
    }

    pub(crate) fn message(&self) -> Message {
        match mcp_core::message::decode(self.body.clone()) {
            mcp_core::message::Decoded::One(Ok(message)) => message,
            other => panic!("not a message: {other:?}"),
        }
    }

    pub(crate) fn rpc_method(&self) -> String {
        self.json().member("method").and_then(|method| method.to_text()).unwrap_or_default()
    }

    /// The request's id, as JSON text.
    pub(crate) fn id(&self) -> String {
        let id = self.json().member("id").unwrap_or(RawJson::NULL);
        String::from_utf8_lossy(id.as_bytes()).into_owned()
    }

    /// The progress token, as JSON text.
    pub(crate) fn progress_token(&self) -> String {
        let Message::Request(request) = self.message() else { panic!("not a request") };
        String::from_utf8_lossy(request.field(Field::MetaProgressToken).unwrap()).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A result for this request, as text.
    pub(crate) fn answer(&self, result: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, self.id())
    }

    /// An error for this request, as text.
    pub(crate) fn refusal(&self, error: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#, self.id())
    }

    pub(crate) fn result(self, result: &str) {
        let body = self.answer(result);
        self.json_body(200, body);
    }

    pub(crate) fn json_body(self, status: u16, body: impl Into<Bytes>) {
        self.reply(status, &[("content-type", "application/json")], None, body);
    }

    pub(crate) fn status(self, status: u16) {
        self.reply(status, &[], None, "");
    }

    /// Answers with this body, and a session id if one is given.
    pub(crate) fn reply(
        self,
        status: u16,
        headers: &[(&str, &str)],
        session: Option<&str>,
        body: impl Into<Bytes>,
    ) {
        let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
        self.respond(status, headers, session, body);
    }

    fn respond(self, status: u16, headers: &[(&str, &str)], session: Option<&str>, body: Body) {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let session = session.map(|id| ("mcp-session-id", id));
        for (name, value) in headers.iter().copied().chain(session) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        // The client may have hung up.
        let _gone = self.reply.send(response);
    }

    /// Answers with an event stream.
    pub(crate) fn events(self) -> EventStream {
        self.events_with(&[], None)
    }

    /// Answers with a body of this type that goes on.
    pub(crate) fn streamed(self, kind: &str) -> EventStream {
        self.body_with(&[("content-type", kind)], None)
    }

    pub(crate) fn events_with(self, headers: &[(&str, &str)], session: Option<&str>) -> EventStream {
        self.body_with(&[&[("content-type", "text/event-stream")], headers].concat(), session)
    }

    fn body_with(self, headers: &[(&str, &str)], session: Option<&str>) -> EventStream {
        let (sender, receiver) = mpsc::unbounded_channel::<io::Result<Bytes>>();
        let stream = futures::stream::unfold(receiver, |mut receiver| async move {
            let piece = receiver.recv().await?;
            Some((piece.map(Frame::data), receiver))
        });
        self.respond(200, headers, session, BodyExt::boxed_unsync(StreamBody::new(stream)));
        EventStream { sender }
    }

    /// Waits until the client hangs up without an answer.
    pub(crate) async fn hung_up(mut self) {
        soon(self.reply.closed()).await;
    }
}

/// An open stream. Dropping it is a clean end.
pub(crate) struct EventStream {
    sender: mpsc::UnboundedSender<io::Result<Bytes>>,
}

impl EventStream {
    pub(crate) fn raw(&self, text: impl Into<String>) {
        // The client may have hung up.
        let _gone = self.sender.send(Ok(text.into().into()));
    }

    pub(crate) fn event(&self, data: &str) {
        self.raw(format!("data: {}\n\n", data.replace('\n', " ")));
    }

    /// Breaks the connection.
    pub(crate) fn cut(self) {
        let _gone = self.sender.send(Err(io::Error::other("cut")));
    }

    pub(crate) fn end(self) {}

    /// Waits until the client hangs up.
    pub(crate) async fn hung_up(&self) {
        soon(self.sender.closed()).await;
    }
}

/// A tool's result with this text.
pub(crate) fn said(text: &str) -> String {
    format!(r#"{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}]}}"#)
}
