//! The client: the conversation of tests/interop/clients, one JSON line for each step.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    ElicitRequestParams, ElicitResult, ErrorData, Implementation, ProgressNotificationParam, ProtocolVersion,
    Request, ServerResult, SubscriptionFilter,
};
use rmcp::service::{
    NotificationContext, PeerRequestOptions, RequestContext, RoleClient, RunningService, ServiceError,
};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt};
use serde_json::{Value, from_value, json, to_value};
use tokio::process::Command;
use tokio::sync::Notify;

use crate::words::Words;

/// A step that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Handler {
    asked: Arc<AtomicUsize>,
    progress: Arc<std::sync::Mutex<Vec<f64>>>,
    progressed: Arc<Notify>,
    changed: Arc<Notify>,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let capabilities = from_value::<ClientCapabilities>(json!({"elicitation": {"form": {}}})).unwrap();
        ClientConfig::new(capabilities, Implementation::new("rmcp-3", "1.0.0"))
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(from_value(json!({"action": "accept", "content": {"name": "Ada"}})).unwrap())
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress.lock().unwrap().push(params.progress);
        self.progressed.notify_one();
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

type Outcome = Result<String, String>;

fn check(holds: bool, what: impl std::fmt::Display) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_string()) }
}

fn shown(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

struct Talk {
    client: RunningService<RoleClient, Handler>,
    handler: Handler,
    modern: bool,
    words: Words,
}

fn named(tool: &str, arguments: Value) -> CallToolRequestParams {
    from_value(json!({"name": tool, "arguments": arguments})).unwrap()
}

impl Talk {
    async fn call(&self, tool: &str, arguments: Value) -> Result<CallToolResult, String> {
        self.client.call_tool(named(tool, arguments)).await.map_err(shown)
    }

    async fn text(&self, (tool, arguments): (&str, Value)) -> Result<String, String> {
        let result = to_value(self.call(tool, arguments).await?).unwrap();
        check(result["isError"] != true, format!("the tool failed: {result}"))?;
        let blocks = result["content"].as_array().into_iter().flatten();
        Ok(blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n"))
    }

    async fn list(&self) -> Outcome {
        let tools = self.client.list_all_tools().await.map_err(shown)?;
        let is_there = |name: &str| tools.iter().any(|tool| tool.name == name);
        check(self.words.tools().into_iter().all(is_there), "tools")?;
        Ok(String::new())
    }

    async fn say(&self) -> Outcome {
        let text = "hé\n\u{2028}llo";
        let (call, wanted) = self.words.echo(text);
        check(self.text(call).await? == wanted, "another text came back")?;
        let (call, wanted) = self.words.add();
        check(self.text(call).await? == wanted, "another sum")?;
        Ok(String::new())
    }

    /// Starts a call of `slow`.
    async fn slow(&self, steps: u32) -> Result<rmcp::service::RequestHandle<RoleClient>, String> {
        self.handler.progress.lock().unwrap().clear();
        let (tool, arguments) = self.words.slow(steps);
        let request = Request::new(named(tool, arguments));
        let request = ClientRequest::CallToolRequest(request);
        let options = PeerRequestOptions::no_options();
        self.client.send_cancellable_request(request, options).await.map_err(shown)
    }

    async fn progress(&self) -> Outcome {
        let answer = self.slow(3).await?.await_response().await.map_err(shown)?;
        check(matches!(answer, ServerResult::CallToolResult(_)), "another result")?;
        // The handler may run behind the answer.
        while self.handler.progress.lock().unwrap().len() < 3 {
            self.handler.progressed.notified().await;
        }
        let told = self.handler.progress.lock().unwrap().clone();
        check(told == [1.0, 2.0, 3.0], format!("told: {told:?}"))?;
        Ok(String::new())
    }

    async fn cancel(&self) -> Outcome {
        let call = self.slow(1000).await?;
        while self.handler.progress.lock().unwrap().is_empty() {
            self.handler.progressed.notified().await;
        }
        call.cancel(Some("enough".to_owned())).await.map_err(shown)?;
        // Whatever is answered after the cancellation comes after the last progress.
        self.text(self.words.echo("x").0).await?;
        let before = self.handler.progress.lock().unwrap().len();
        self.text(self.words.slow(5)).await?;
        let after = self.handler.progress.lock().unwrap().len();
        // The second call asks for progress as well.
        check(after <= before + 5, format!("the server went on: {before}, {after}"))?;
        Ok(String::new())
    }

    async fn error(&self) -> Outcome {
        let (tool, arguments) = self.words.fail();
        let failed = to_value(self.call(tool, arguments).await?).unwrap();
        check(failed["isError"] == true, "it has to fail")?;
        let request = rmcp::model::CustomRequest::new("no/such/method", None);
        let unknown = self.client.send_request(ClientRequest::CustomRequest(request)).await;
        check(code(unknown.err()) == Some(-32601), "-32601")?;
        let missing = from_value(json!({"uri": "demo://no-such-thing"})).unwrap();
        let missing = code(self.client.read_resource(missing).await.err());
        check(matches!(missing, Some(-32002 | -32602)), format!("not found: {missing:?}"))?;
        Ok(String::new())
    }

    async fn large(&self) -> Outcome {
        let large = "x".repeat(1 << 20);
        let (call, wanted) = self.words.echo(&large);
        check(self.text(call).await? == wanted, "another text came back")?;
        if let Some(big) = self.words.big() {
            check(self.text(big).await?.len() == 2 << 20, "another length")?;
        }
        Ok(String::new())
    }

    async fn uris(&self) -> Result<Vec<String>, String> {
        let listed = self.client.list_all_resources().await.map_err(shown)?;
        Ok(listed.into_iter().map(|resource| resource.uri).collect())
    }

    async fn resource(&self) -> Outcome {
        let (listed, read, count) = self.words.resource();
        check(self.uris().await?.iter().any(|uri| uri == listed), listed)?;
        let read = from_value(json!({"uri": read})).unwrap();
        let read = to_value(self.client.read_resource(read).await.map_err(shown)?).unwrap();
        check(read["contents"][0]["text"].is_string(), "no text")?;
        let templates = self.client.list_all_resource_templates().await.map_err(shown)?;
        check(templates.len() == count, "another number of templates")?;
        Ok(String::new())
    }

    async fn prompt(&self) -> Outcome {
        let prompts = self.client.list_all_prompts().await.map_err(shown)?;
        let name = self.words.prompt();
        check(prompts.iter().any(|prompt| prompt.name == name), "the prompt is listed")?;
        let filled = from_value(json!({"name": name, "arguments": {"city": "Lima"}})).unwrap();
        let filled = to_value(self.client.get_prompt(filled).await.map_err(shown)?).unwrap();
        check(filled.to_string().contains("Lima"), &filled)?;
        let ([prompt, argument, begun], wanted) = self.words.completion();
        let completed = self.client.complete_prompt_simple(prompt, argument, begun).await.map_err(shown)?;
        check(completed == wanted, format!("{completed:?}"))?;
        Ok(String::new())
    }

    async fn input(&self) -> Outcome {
        let (call, wanted) = self.words.ask();
        check(self.text(call).await?.contains(wanted), "another greeting")?;
        let asked = self.handler.asked.load(Ordering::Relaxed);
        check(asked == 1, format!("asked {asked} times"))?;
        Ok(String::new())
    }

    async fn listen(&self) -> Outcome {
        let (touch, touched) = self.words.touch();
        if self.modern {
            let filter: SubscriptionFilter = from_value(json!({"resourcesListChanged": true})).unwrap();
            let mut listen = self.client.listen(filter).await.map_err(shown)?;
            self.text(touch).await?;
            let heard = listen.next().await.map_err(shown)?;
            check(heard.is_some(), "the subscription ended")?;
            listen.cancel().await.map_err(shown)?;
        } else {
            self.text(touch).await?;
            self.handler.changed.notified().await;
        }
        check(self.uris().await?.iter().any(|uri| uri == touched), touched)?;
        Ok(String::new())
    }
}

fn code(error: Option<ServiceError>) -> Option<i32> {
    match error {
        Some(ServiceError::McpError(error)) => Some(error.code.0),
        _ => None,
    }
}

async fn step(name: &str, body: impl Future<Output = Outcome>) {
    let outcome = tokio::time::timeout(LIMIT, body).await.unwrap_or_else(|_| Err("it hangs".to_owned()));
    let (ok, note) = match outcome {
        Ok(note) => (true, note),
        Err(why) => (false, why),
    };
    println!("{}", json!({"step": name, "ok": ok, "note": note}));
}

/// Connects in this mode (`legacy`, `auto`, `modern`), and runs all steps.
pub(crate) async fn run(mode: &str, server: &str, arguments: &[&str]) {
    let modern = || vec![ProtocolVersion::V_2026_07_28];
    let mode = match mode {
        "legacy" => ClientLifecycleMode::Initialize,
        "modern" => ClientLifecycleMode::Discover { preferred_versions: modern() },
        _ => ClientLifecycleMode::Auto { preferred_versions: modern(), legacy_version: None },
    };
    let handler = Handler::default();
    let client = if server.starts_with("http") {
        let transport = StreamableHttpClientTransport::from_uri(server);
        handler.clone().serve_with_lifecycle(transport, mode).await
    } else {
        let mut command = Command::new(server);
        command.args(arguments);
        let transport = TokioChildProcess::new(command).unwrap();
        handler.clone().serve_with_lifecycle(transport, mode).await
    };
    let client = match client {
        Ok(client) => client,
        Err(error) => return step("connect", async { Err(shown(error)) }).await,
    };
    let version = client.peer_info().map(|info| info.protocol_version.to_string()).unwrap_or_default();
    let talk = Talk { client, handler, modern: version.starts_with("2026"), words: Words::of_environment() };
    step("connect", async { Ok(version) }).await;
    step("list", talk.list()).await;
    step("call", talk.say()).await;
    step("progress", talk.progress()).await;
    step("cancel", talk.cancel()).await;
    step("error", talk.error()).await;
    step("large", talk.large()).await;
    step("resource", talk.resource()).await;
    step("prompt", talk.prompt()).await;
    step("input", talk.input()).await;
    step("listen", talk.listen()).await;
    step("close", async { talk.client.cancel().await.map(|_| String::new()).map_err(shown) }).await;
}
