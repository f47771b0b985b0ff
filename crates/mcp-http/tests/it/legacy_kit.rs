//! A server with tools that do what tests need, and a legacy client that writes bytes and reads bytes.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::message::{Method, RawJson};
use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef};
use mcp_core::session::LogLevel;
use mcp_http::HttpServer;
use mcp_http::server::{CloseStreamError, HttpServerConfig, StreamControl};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::server_kit::{Answer, Raw, Running, http};

/// A server, and what its tools wait for.
pub(crate) struct Bench {
    pub(crate) server: Running,
    /// Each `wait` takes one.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) second_gate: Arc<Semaphore>,
    /// What tools came to.
    pub(crate) told: mpsc::UnboundedReceiver<String>,
    pub(crate) handle: Server,
}

const OBJECT: &str = r#"{"type":"object"}"#;

/// - `echo`: answers `text` at once.
/// - `wait`: waits for the gate, then answers `text`.
/// - `count`: sends `n` log messages of `pad` bytes, each after a place at the gate if `gated` (at the second gate if that is 2), then
///   answers.
/// - `poll`: closes its stream, waits for the gate, sends `n` log messages, answers.
/// - `ask`: sends `ping` to the client and answers what came of it.
/// - `later`: answers at once, and sends `ping` after its answer, once the gate opens.
fn router(gate: Arc<Semaphore>, second: Arc<Semaphore>, tell: mpsc::UnboundedSender<String>) -> Router {
    let open = |gate: Arc<Semaphore>| async move {
        if let Ok(place) = gate.acquire().await {
            place.forget();
        }
    };
    let number = |arguments: &RawJson, name: &str| {
        arguments.member(name).and_then(|n| serde_json::from_slice::<u64>(n.as_bytes()).ok()).unwrap_or(0)
    };
    let text = |arguments: &RawJson| {
        arguments
            .member("text")
            .and_then(|text| text.to_text())
            .map(|text| text.to_string())
            .unwrap_or_default()
    };
    // A message of its own size, and its number.
    let log = |context: Context, n: u64, pad: usize| async move {
        let logger = "x".repeat(pad);
        context.log(LogLevel::Info, Some(&logger), RawJson::integer(n as i64)).await;
    };
    let (wait_gate, count_gate, poll_gate, later_gate) = (gate.clone(), gate.clone(), gate.clone(), gate);
    let (wait_tell, poll_tell, later_tell) = (tell.clone(), tell.clone(), tell);
    Router::new()
        .logging()
        .tool(ToolDef::new("echo").input(OBJECT), move |arguments, _context| async move {
            Ok::<_, HandlerError>(text(&arguments))
        })
        .tool(ToolDef::new("wait").input(OBJECT), move |arguments, context| {
            let (gate, tell) = (wait_gate.clone(), wait_tell.clone());
            async move {
                let _nobody_looks = tell.send("began".into());
                tokio::select! {
                    () = open(gate) => {}
                    () = context.cancelled() => {
                        let _nobody_looks = tell.send("cancelled".into());
                        return Err(HandlerError::from("cancelled"));
                    }
                }
                let _nobody_looks = tell.send("done".into());
                Ok(text(&arguments))
            }
        })
        .tool(ToolDef::new("count").input(OBJECT), move |arguments, context| {
            let gate = if number(&arguments, "gated") == 2 { second.clone() } else { count_gate.clone() };
            async move {
                for n in 1..=number(&arguments, "n") {
                    if number(&arguments, "gated") > 0 {
                        open(gate.clone()).await;
                    }
                    log(context.clone(), n, number(&arguments, "pad") as usize).await;
                }
                Ok::<_, HandlerError>(text(&arguments))
            }
        })
        .tool(ToolDef::new("poll").input(OBJECT), move |arguments, context| {
            let (gate, tell) = (poll_gate.clone(), poll_tell.clone());
            async move {
                let closed = match context.envelope().get::<StreamControl>() {
                    Some(stream) => stream.close_stream(),
                    None => Err(CloseStreamError::NotResumable),
                };
                let _nobody_looks = tell.send(format!("{closed:?}"));
                open(gate).await;
                for n in 1..=number(&arguments, "n") {
                    log(context.clone(), n, 0).await;
                }
                Ok::<_, HandlerError>(text(&arguments))
            }
        })
        .tool(ToolDef::new("ask").input(OBJECT), move |_arguments, context| async move {
            Ok::<_, HandlerError>(ping(&context).await)
        })
        .tool(ToolDef::new("later").input(OBJECT), move |_arguments, context| {
            let (gate, tell) = (later_gate.clone(), later_tell.clone());
            tokio::spawn(async move {
                open(gate).await;
                let _nobody_looks = tell.send(ping(&context).await);
            });
            async move { Ok::<_, HandlerError>("later") }
        })
}

async fn ping(context: &Context) -> String {
    match context.request(Method::from("ping"), None).await {
        Ok(_) => "answered".to_owned(),
        Err(error) => mcp_core::transport::ErrorChain::new(&error).to_string(),
    }
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut HttpServerConfig)) -> Bench {
        let gate = Arc::new(Semaphore::new(0));
        let second_gate = Arc::new(Semaphore::new(0));
        let (tell, told) = mpsc::unbounded_channel();
        let router = router(gate.clone(), second_gate.clone(), tell).tools_list_changed();
        let handle = Server::builder("legacy", "1").build(router).unwrap();
        let server = Running::serve(HttpServer::new(handle.clone()).configure(change));
        Bench { server, gate, second_gate, told, handle }
    }

    pub(crate) async fn told(&mut self) -> String {
        self.told.recv().await.expect("the router lives")
    }

    /// Opens a session of this version.
    pub(crate) async fn client(&self, version: &str) -> Client {
        Client::open(self, version, &[]).await
    }
}

/// What a client sends first.
pub(crate) fn initialize(version: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{"elicitation":{{}}}},"clientInfo":{{"name":"c","version":"1"}}}}}}"#
    )
}

/// A `tools/call`.
pub(crate) fn call(id: impl std::fmt::Display, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
pub(crate) const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;

/// The headers of every legacy POST, and these.
pub(crate) fn post(body: &str, more: &[(&str, &str)]) -> String {
    let mut headers = vec![("Host", "localhost"), ("Content-Type", "application/json")];
    if !more.iter().any(|(name, _)| *name == "Accept") {
        headers.push(("Accept", "application/json, text/event-stream"));
    }
    headers.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    http("POST /mcp", &headers, body)
}

/// A legacy client in a session.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) more: Vec<(String, String)>,
}

impl Client {
    pub(crate) async fn open(bench: &Bench, version: &str, more: &[(&str, &str)]) -> Client {
        let answer = bench.server.ask(post(&initialize(version), more)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.header("mcp-session-id").expect("an id").to_owned();
        let more = more.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let client = Client { id, more };
        let initialized = client.ask(bench, INITIALIZED).await;
        assert_eq!((initialized.status, initialized.body.as_str()), (202, ""));
        client
    }

    fn headers<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut all = vec![("Mcp-Session-Id", self.id.as_str())];
        all.extend(self.more.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        all.extend(more);
        all
    }

    pub(crate) fn post(&self, body: &str) -> String {
        self.post_with(body, &[])
    }

    pub(crate) fn post_with(&self, body: &str, more: &[(&str, &str)]) -> String {
        post(body, &self.headers(more))
    }

    pub(crate) async fn ask(&self, bench: &Bench, body: &str) -> Answer {
        bench.server.ask(self.post(body)).await
    }

    pub(crate) fn get(&self, last: Option<&str>) -> String {
        let mut more = vec![("Host", "localhost"), ("Accept", "text/event-stream")];
        more.extend(last.map(|last| ("Last-Event-ID", last)));
        http("GET /mcp", &self.headers(&more), "")
    }

    pub(crate) async fn delete(&self, bench: &Bench) -> Answer {
        bench.server.ask(http("DELETE /mcp", &self.headers(&[("Host", "localhost")]), "")).await
    }

    /// A POST whose answer is a stream.
    pub(crate) async fn stream(&self, bench: &Bench, body: &str) -> Events {
        Events::open(bench.server.open(), self.post(body)).await
    }

    /// The stream of no request, or one that is taken up again.
    pub(crate) async fn listen(&self, bench: &Bench, last: Option<&str>) -> Events {
        Events::open(bench.server.open(), self.get(last)).await
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<Duration>,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect("JSON")
    }

    /// The number that a log message carries, or the text of a tool's answer.
    pub(crate) fn what(&self) -> String {
        what(&self.json())
    }
}

/// The number that a log message carries, the text of a tool's answer, the code of an error, or the method.
pub(crate) fn what(message: &Value) -> String {
    if let Some(n) = message["params"]["data"].as_i64() {
        return n.to_string();
    }
    if let Some(text) = message["result"]["content"][0]["text"].as_str() {
        return text.to_owned();
    }
    if let Some(code) = message["error"]["code"].as_i64() {
        return code.to_string();
    }
    message["method"].as_str().unwrap_or("result").to_owned()
}

/// The event of a block, in the form in which the server writes it: lines that end in LF, one space after the colon.
fn event(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        let mut lines = block
            .lines()
            .map(|line| line.strip_prefix(&prefix).or((line == &prefix[..prefix.len() - 1]).then_some("")));
        lines.find_map(|value| value).map(str::to_owned)
    };
    let event = Event {
        kind: field("event").unwrap_or_default(),
        id: field("id"),
        retry: field("retry").map(|millis| Duration::from_millis(millis.parse().expect("milliseconds"))),
        data: field("data").unwrap_or_default(),
    };
    let is_event = event.id.is_some() || event.retry.is_some() || field("data").is_some();
    is_event.then_some(event)
}

/// A stream as a client reads it.
pub(crate) struct Events {
    raw: Raw,
    text: String,
}

impl Events {
    pub(crate) async fn open(mut raw: Raw, request: String) -> Events {
        raw.write(request).await;
        let head = raw.head().await;
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert_eq!(head.header("cache-control"), Some("no-cache, no-transform"));
        assert_eq!(head.header("x-accel-buffering"), Some("no"));
        Events { raw, text: String::new() }
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = self.text.drain(..end + 2).collect::<String>();
                // A comment is not an event.
                if let Some(event) = event(&block) {
                    return Some(event);
                }
                continue;
            }
            self.text.push_str(&self.raw.chunk().await?);
        }
    }

    /// The next message, past priming events.
    pub(crate) async fn message(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("a message, not the end");
            if !event.data.is_empty() {
                return event;
            }
        }
    }

    /// What is left: messages until the end.
    pub(crate) async fn rest(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            if !event.data.is_empty() {
                all.push(event);
            }
        }
        all
    }
}

/// Gives other tasks turns until this holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never: {what}");
}
