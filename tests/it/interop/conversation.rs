//! The whole conversation of our client with one server, step by step.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use mcp_core::client::{Call, CallOptions, Client, EraMode, InputContext, SubscriptionEvent};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::model::{CallToolResult, Model};
use mcp_core::session::InputRequest;
use mcp_core::transport::Connect;
use mcp_core::transport::trace::Tracer;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::leftovers;
use super::process::Process;
use super::row::{Cell, Row, Step};
use super::script::{Begins, Can, Cancel, Change, Counter, Exchange, Prompt, REFUSED, Script};
use super::servers::{self, Bridge, Peer, Way};
use super::watched::{Seen, SeenTrace, Watched};

/// Only a step that hangs takes longer.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the conversation, and records the row.
pub(super) async fn run(script: &Script, peer: Peer, folder: &Path) {
    let mut row = Row::new(script.row);
    let seen = Arc::new(Seen::default());
    let (processes, cluster) = (Arc::new(peer.processes), peer.cluster);
    let server = Watched { reach: peer.reach, seen: Arc::clone(&seen) };
    let server = Tracer::new(SeenTrace(Arc::clone(&seen))).connect(server);
    let mut talk = None;
    let connect = async {
        talk = Some(Talk::start(script, server, folder, &seen, Arc::clone(&processes)).await);
        talk.as_mut().unwrap().cluster = cluster.as_ref();
        script.version.as_str()
    };
    step(&mut row, Step::Connect, connect).await;
    if let Some(talk) = &talk {
        talk.steps(&mut row).await;
    }
    let close = async {
        if let Some(talk) = talk {
            talk.close().await;
        }
        let groups: Vec<u32> = seen.groups.lock().unwrap().clone();
        let starts = matches!(
            script.way,
            Way::Stdio | Way::Bridge(Bridge { stdio: true, .. }) | Way::OurBridge { stdio: true }
        );
        // A bridge that does not survive the probe is started a second time.
        let most = if matches!(script.way, Way::Bridge(_)) { 2 } else { 1 };
        assert!(if starts { (1..=most).contains(&groups.len()) } else { groups.is_empty() }, "{groups:?}");
        for group in groups {
            leftovers::group_is_gone(group).await.unwrap();
        }
        if let (Some(farewell), Some(process)) = (script.farewell, processes.first()) {
            process.wrote(farewell).await;
        }
        for process in Arc::into_inner(processes).unwrap() {
            process.end().await;
        }
        if starts { ending(&seen.ends.lock().unwrap()) } else { "" }
    };
    step(&mut row, Step::Close, close).await;
    row.finish();
}

/// The text for the matrix, which is empty if the server ended when its input did.
fn ending(ends: &[String]) -> &'static str {
    let kinds =
        [("exited when its input was closed", ""), ("ended by SIGTERM", "SIGTERM"), ("killed", "SIGKILL")];
    let found = kinds.iter().find(|(text, _)| ends.iter().any(|how| how.contains(text)));
    found.unwrap_or_else(|| panic!("unexpected end: {ends:?}")).1
}

/// Runs a step, which returns a note. A panic fails the step.
async fn step(row: &mut Row, step: Step, body: impl Future<Output = &'static str>) {
    let outcome = tokio::time::timeout(LIMIT, AssertUnwindSafe(body).catch_unwind()).await;
    row.set(
        step,
        match outcome {
            Ok(Ok(note)) => Cell::Passed(note.to_owned()),
            Ok(Err(panic)) => Cell::Failed(words(panic.as_ref())),
            Err(_) => Cell::Failed(format!("nothing for {LIMIT:?}")),
        },
    );
}

/// Runs a step that this peer may be unable to do.
async fn able<'a, T, F>(row: &mut Row, name: Step, can: &'a Can<T>, body: impl FnOnce(&'a T) -> F)
where
    F: Future<Output = &'static str>,
{
    match can {
        Can::Do(how) => step(row, name, body(how)).await,
        Can::Not(why) => row.set(name, Cell::Absent(why)),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}

fn raw(value: &Value) -> RawJson {
    RawJson::serialize(value).unwrap()
}

/// An open conversation.
struct Talk<'a> {
    script: &'a Script,
    client: Client,
    folder: String,
    large: String,
    seen: &'a Seen,
    processes: Arc<Vec<Process>>,
    cluster: Option<&'a Cluster>,
    /// Whether closing the exchange cancels a call.
    hangs_up: bool,
}

impl<'a> Talk<'a> {
    async fn start(
        script: &'a Script,
        server: impl Connect,
        folder: &Path,
        seen: &'a Seen,
        processes: Arc<Vec<Process>>,
    ) -> Talk<'a> {
        let root = format!("file://{}/root", folder.display());
        let answer = move |request: InputRequest, _: InputContext| {
            let root = root.clone();
            async move {
                match request.method.as_str() {
                    "elicitation/create" => Ok(raw(&json!({"action": "accept", "content": {"name": "Ada"}}))),
                    "roots/list" => Ok(raw(&json!({"roots": [{"uri": root, "name": "root"}]}))),
                    other => Err(ErrorObject::method_not_found(other)),
                }
            }
        };
        let builder = Client::builder("interop", "1.0.0")
            .capability("elicitation", raw(&json!({"form": {}})))
            .capability("roots", raw(&json!({})))
            .era(script.legacy.map_or(EraMode::Auto, EraMode::Legacy))
            .input_handler(answer);
        let client = builder.connect(server).await.unwrap();
        assert_eq!(client.negotiated().unwrap().version, script.version);
        let folder = folder.display().to_string();
        let hangs_up = !matches!(script.way, Way::Stdio | Way::Bridge(Bridge { stdio: true, .. }))
            && script.version == ProtocolVersion::V2026_07_28;
        Talk { script, client, folder, large: "x".repeat(1 << 20), seen, processes, cluster: None, hangs_up }
    }

    async fn close(self) {
        self.client.close().await;
    }

    /// All steps between `connect` and `close`.
    async fn steps(&self, row: &mut Row) {
        let script = self.script;
        step(row, Step::List, self.list()).await;
        step(row, Step::Call, self.exchange(&script.call)).await;
        able(row, Step::Progress, &script.progress, |call| self.progress(call)).await;
        able(row, Step::Cancel, &script.cancel, |cancel| self.cancel(cancel)).await;
        step(row, Step::Error, self.error()).await;
        step(row, Step::Large, self.large()).await;
        able(row, Step::Resource, &script.resource, |(uri, want)| self.resource(uri, want)).await;
        able(row, Step::Prompt, &script.prompt, |prompt| self.prompt(prompt)).await;
        able(row, Step::Input, &script.input, |call| self.input(call)).await;
        able(row, Step::Listen, &script.listen, |change| self.listen(change)).await;
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{folder}", &self.folder).replace("{large}", &self.large)
    }

    fn params(&self, tool: &str, arguments: &str) -> Option<RawJson> {
        let arguments: Value = serde_json::from_str(&self.filled(arguments)).unwrap();
        Some(raw(&json!({"name": tool, "arguments": arguments})))
    }

    async fn call(&self, tool: &str, arguments: &str) -> CallToolResult {
        let payload = self.client.request("tools/call", self.params(tool, arguments)).await.unwrap();
        CallToolResult::from_raw(payload.raw()).unwrap()
    }

    fn check(&self, result: &CallToolResult, want: &str) {
        let text = text_of(result);
        let clipped: String = text.chars().take(500).collect();
        assert!(!result.failed(), "the tool failed: {clipped}");
        assert!(text.contains(&self.filled(want)), "unexpected text: {clipped}");
    }

    async fn exchange(&self, exchange: &Exchange) -> &'static str {
        let result = self.call(exchange.tool, exchange.arguments).await;
        self.check(&result, exchange.want);
        ""
    }

    /// Retries, because a server that asks independently of calls may do so after it has answered some.
    async fn input(&self, exchange: &Exchange) -> &'static str {
        for _ in 0..100 {
            let text = text_of(&self.call(exchange.tool, exchange.arguments).await);
            if text.contains(&self.filled(exchange.want)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.exchange(exchange).await
    }

    async fn list(&self) -> &'static str {
        let tools = self.client.list_tools().await.unwrap();
        assert!(tools.iter().any(|tool| tool.name == self.script.call.tool), "{} tools", tools.len());
        ""
    }

    async fn progress(&self, exchange: &Exchange) -> &'static str {
        let options = CallOptions::new().progress();
        let params = self.params(exchange.tool, exchange.arguments);
        let mut call = self.client.call("tools/call", params, options);
        let mut steps = Vec::new();
        while let Some(note) = call.next_notification().await {
            let progress = note.params.unwrap().raw().member("progress").unwrap();
            steps.push(progress.deserialize::<f64>().unwrap());
        }
        assert_eq!(steps, [1.0, 2.0, 3.0]);
        self.check(&CallToolResult::from_raw(call.await.unwrap().raw()).unwrap(), exchange.want);
        ""
    }

    /// A long call that has begun.
    async fn running(&self, cancel: &Cancel) -> Call {
        let options = CallOptions::new().progress();
        let before = self.cluster.map_or(0, Cluster::connections);
        let mut call = self.client.call("tools/call", self.params(cancel.tool, cancel.arguments), options);
        match (cancel.begins, self.cluster) {
            (Begins::Cluster, Some(cluster)) => cluster.more_than(before).await,
            _ if call.next_notification().await.is_none() => panic!("no progress: {:?}", call.await),
            _ => {}
        }
        call
    }

    /// Cancels one of two running calls explicitly, and the other by dropping it.
    async fn cancel(&self, cancel: &Cancel) -> &'static str {
        let mut call = self.running(cancel).await;
        // Calls that ask the cluster wait for each other.
        let together = matches!(cancel.begins, Begins::Progress);
        let other = if together { Some(self.running(cancel).await) } else { None };
        call.cancel();
        let error = call.await.unwrap_err();
        assert!(matches!(error, mcp_core::Error::Cancelled), "{error}");
        drop(match other {
            Some(other) => other,
            None => self.running(cancel).await,
        });
        while self.reached(cancel.counter).await != 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.exchange(&self.script.call).await;
        let sent = if self.hangs_up { &self.seen.ended } else { &self.seen.cancels };
        assert_eq!(sent.load(Ordering::Relaxed), 2, "each was cancelled on the wire");
        ""
    }

    /// How often the processes have written this text.
    fn written(&self, text: &str) -> usize {
        self.processes.iter().map(|process| process.output().matches(text).count()).sum()
    }

    /// How many cancellations have reached the server.
    async fn reached(&self, counter: Counter) -> usize {
        match counter {
            Counter::Tool(tool) => text_of(&self.call(tool, "{}").await).parse().unwrap(),
            Counter::Log(text) => self.written(text),
            Counter::Accepted => self.seen.accepted.load(Ordering::Relaxed),
            Counter::Input => {
                let read = std::fs::read_to_string(Path::new(&self.folder).join(servers::INPUT)).unwrap();
                read.matches(r#""method":"notifications/cancelled""#).count()
            }
        }
    }

    async fn error(&self) -> &'static str {
        let error = &self.script.error;
        let failed = self.call(error.tool, error.arguments).await;
        assert!(failed.failed(), "the tool must fail");
        assert!(text_of(&failed).contains(error.want), "{}", text_of(&failed));
        let unknown = self.client.request("no/such/method", None).await.unwrap_err();
        let code = unknown.rpc().map_or(REFUSED, |error| error.code);
        assert_eq!(code, self.script.unknown, "{unknown}");
        ""
    }

    async fn large(&self) -> &'static str {
        for exchange in self.script.large {
            self.exchange(exchange).await;
        }
        let there = self.script.large.iter().any(|exchange| exchange.arguments.contains("{large}"));
        if there { "" } else { "back" }
    }

    async fn resource(&self, uri: &str, want: &str) -> &'static str {
        let listed = self.client.list_resources().await.unwrap().len();
        assert!(listed > 0, "nothing is listed");
        let read = self.client.read_resource(uri).await.unwrap().to_raw().to_string();
        assert!(read.contains(want), "{read}");
        ""
    }

    async fn prompt(&self, prompt: &Prompt) -> &'static str {
        let prompts = self.client.list_prompts().await.unwrap();
        assert!(prompts.iter().any(|listed| listed.name == prompt.name), "{} prompts", prompts.len());
        let (key, value) = prompt.argument;
        let arguments = serde_json::json!({ key: value });
        let filled = self.client.get_prompt(prompt.name, arguments).await.unwrap().to_raw().to_string();
        assert!(filled.contains(prompt.want), "{filled}");
        ""
    }

    async fn listen(&self, change: &Change) -> &'static str {
        let filter = (change.filter)();
        let mut listen = self.client.listen(filter.clone());
        match listen.next().await {
            Some(SubscriptionEvent::Started { honoured, gap: false }) => assert_eq!(honoured, filter),
            other => panic!("{other:?}"),
        }
        self.exchange(&change.cause).await;
        match listen.next().await {
            Some(SubscriptionEvent::Changed(note)) => assert_eq!(note.method, change.method),
            other => panic!("{other:?}"),
        }
        ""
    }
}

fn text_of(result: &CallToolResult) -> String {
    result.texts().collect::<Vec<_>>().join("\n")
}
