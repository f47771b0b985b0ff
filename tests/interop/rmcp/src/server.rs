//! The server. Its tools are those of tests/fixtures/servers/modern_server.py.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequest,
    ElicitRequestParams, ElicitationAction, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, Implementation, InputRequest, InputRequests, InputRequiredResult, ListPromptsResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, PromptMessage,
    ReadResourceRequestParams, ReadResourceResponse, Role, ServerCapabilities, ServerConfig,
    SubscriptionFilter,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, from_value, json};
use tokio::sync::broadcast;

/// `slow` waits this long between two steps, so that a test has time to cancel it.
const STEP: Duration = Duration::from_millis(50);

#[derive(Clone)]
struct Fixture {
    cancelled: Arc<AtomicUsize>,
    /// Changes, for those who listen in the modern era.
    changes: broadcast::Sender<()>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture { cancelled: Arc::default(), changes: broadcast::channel(16).0 }
    }
}

fn text(text: impl Into<String>) -> Result<CallToolResponse, ErrorData> {
    Ok(CallToolResult::success(vec![ContentBlock::text(text.into())]).into())
}

fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.meta.protocol_version().is_some()
}

fn question() -> ElicitRequestParams {
    from_value(json!({
        "mode": "form",
        "message": "What is your name?",
        "requestedSchema": {
            "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
        },
    }))
    .unwrap()
}

/// Counts a call of `slow` that ends early, by its token or by a drop.
struct Unfinished(Arc<AtomicUsize>, bool);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Fixture {
    async fn slow(
        &self,
        steps: u64,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut unfinished = Unfinished(Arc::clone(&self.cancelled), false);
        for step in 1..=steps {
            tokio::select! {
                () = tokio::time::sleep(STEP) => {}
                () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
            }
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, step as f64).with_total(steps as f64);
                let _the_client_is_gone = context.peer.notify_progress(progress).await;
            }
        }
        unfinished.1 = true;
        text(format!("{steps} steps"))
    }

    async fn ask(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !is_modern(context) {
            let answer = context.peer.create_elicitation(question()).await;
            let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            return match (answer.action, answer.content) {
                (ElicitationAction::Accept, Some(content)) => {
                    text(format!("Hello, {}", content["name"].as_str().unwrap_or_default()))
                }
                (action, _) => text(format!("no name: {action:?}")),
            };
        }
        let name = request.input_responses.as_ref().and_then(|responses| responses.get("name"));
        match name.and_then(|answer| answer["content"]["name"].as_str()) {
            Some(name) => text(format!("Hello, {name}")),
            None => {
                let question = InputRequest::Elicitation(ElicitRequest::new(question()));
                let requests = InputRequests::from_iter([("name".to_owned(), question)]);
                Ok(InputRequiredResult::new(Some(requests), Some("asked".into())).into())
            }
        }
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_prompts()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("rmcp-3", "1.0.0"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &str, properties: Value| json!({"name": name, "inputSchema": {"type": "object", "properties": properties}});
        let none = || json!({});
        let tools = json!([
            tool("add", json!({"a": {"type": "integer"}, "b": {"type": "integer"}})),
            tool("echo", json!({"text": {"type": "string"}})),
            tool("slow", json!({"steps": {"type": "integer"}})),
            tool("cancelled", none()),
            tool("ask", none()),
            tool("touch", none()),
            tool("fail", none()),
        ]);
        Ok(ListToolsResult::with_all_items(from_value(tools).unwrap()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let argument = |name: &str| {
            let arguments = request.arguments.as_ref();
            arguments.and_then(|arguments| arguments.get(name)).cloned().unwrap_or_default()
        };
        match &*request.name {
            "add" => {
                text((argument("a").as_i64().unwrap_or(0) + argument("b").as_i64().unwrap_or(0)).to_string())
            }
            "echo" => text(argument("text").as_str().unwrap_or_default()),
            "slow" => self.slow(argument("steps").as_u64().unwrap_or(0), &context).await,
            "cancelled" => text(self.cancelled.load(Ordering::Relaxed).to_string()),
            "ask" => self.ask(&request, &context).await,
            "touch" => {
                if is_modern(&context) {
                    // The SDK says that a subscription is open before it calls `listen`.
                    while self.changes.send(()).is_err() {
                        tokio::time::sleep(STEP).await;
                    }
                } else {
                    let _the_client_is_gone = context.peer.notify_tool_list_changed().await;
                }
                text("touched")
            }
            "fail" => Ok(CallToolResult::error(vec![ContentBlock::text("this tool always fails")]).into()),
            other => Err(ErrorData::invalid_params(format!("unknown tool {other}"), None)),
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let listed = json!([{"uri": "fixture://greeting", "name": "greeting", "mimeType": "text/plain"}]);
        Ok(ListResourcesResult::with_all_items(from_value(listed).unwrap()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != "fixture://greeting" {
            return Err(ErrorData::resource_not_found("no such resource", None));
        }
        let contents = json!([{"uri": request.uri, "mimeType": "text/plain", "text": "hello"}]);
        Ok(rmcp::model::ReadResourceResult::new(from_value(contents).unwrap()).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let listed = json!([{"name": "introduce", "arguments": [{"name": "name", "required": true}]}]);
        Ok(ListPromptsResult::with_all_items(from_value(listed).unwrap()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = json!(request.arguments);
        let name = arguments["name"].as_str().unwrap_or_default();
        let message = PromptMessage::new_text(Role::User, format!("Introduce yourself to {name}."));
        Ok(GetPromptResult::new(vec![message]).into())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            tokio::select! {
                Ok(()) = changes.recv() => {
                    let _the_client_is_gone = context.sink().notify_tool_list_changed().await;
                }
                () = context.cancelled() => return Ok(()),
            }
        }
    }
}

pub(crate) async fn over_stdio() {
    let running = Fixture::new().serve(rmcp::transport::stdio()).await.unwrap();
    let _reason = running.waiting().await;
}

pub(crate) async fn over_http() {
    let fixture = Fixture::new();
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(true);
    let service: StreamableHttpService<Fixture, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(fixture.clone()), Default::default(), config);
    let told = from_fn(|request: Request, next: Next| async move {
        eprintln!("{} {}", request.method(), request.uri().path());
        next.run(request).await
    });
    let router = axum::Router::new().route_service("/mcp", service).layer(told);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprintln!("listening on http://{}/mcp", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}
