//! Our client, in auto mode, with third-party servers and with the quirks of deployed ones.

use mcp_core::client::{CallOptions, Client, SubscriptionEvent};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::model::{CallToolResult, Model};
use mcp_core::session::{InputRequest, SubscriptionFilter};
use mcp_stdio::{ChildCommand, StderrMode};
use serde_json::{Value, json};

use crate::fixtures::{self, Program};

fn child(program: &Program) -> ChildCommand {
    ChildCommand::new(&program.path).args(&program.args).stderr(StderrMode::Capture)
}

/// Accepts every form, with the name Ada.
async fn name_is_ada(
    request: InputRequest,
    _: mcp_core::client::InputContext,
) -> Result<RawJson, ErrorObject> {
    assert_eq!(request.method, "elicitation/create");
    Ok(raw(&json!({"action": "accept", "content": {"name": "Ada"}})))
}

async fn connect(program: &Program) -> Client {
    let form = raw(&json!({"form": {}}));
    let builder =
        Client::builder("interop", "1.0.0").capability("elicitation", form).input_handler(name_is_ada);
    builder.connect(child(program)).await.unwrap()
}

fn raw(value: &Value) -> RawJson {
    RawJson::serialize(value).unwrap()
}

fn arguments(tool: &str, arguments: Value) -> Option<RawJson> {
    Some(raw(&json!({"name": tool, "arguments": arguments})))
}

async fn text_of(client: &Client, tool: &str, args: Value) -> String {
    let payload = client.request("tools/call", arguments(tool, args)).await.unwrap();
    CallToolResult::from_raw(payload.raw()).unwrap().texts().collect::<Vec<_>>().join("\n")
}

async fn tool_names(client: &Client) -> Vec<String> {
    let tools = client.request("tools/list", None).await.unwrap().raw().member("tools").unwrap();
    tools.elements().iter().map(|tool| tool.member("name").unwrap().to_text().unwrap()).collect()
}

/// ERA-C-001, ERA-C-003, T-06: `-32601` to the probe means a legacy server. One whole conversation follows.
#[tokio::test]
async fn server_everything_is_found_to_be_legacy() {
    let Some(server) = fixtures::node_server_everything() else { return };
    let client = connect(&server).await;
    assert_eq!(client.negotiated().unwrap().version, ProtocolVersion::V2025_11_25);
    assert!(tool_names(&client).await.contains(&"echo".to_owned()));
    assert_eq!(text_of(&client, "echo", json!({"message": "hé\nllo"})).await, "Echo: hé\nllo");

    let options = CallOptions::new().progress();
    let params = arguments("trigger-long-running-operation", json!({"duration": 1, "steps": 3}));
    let mut call = client.call("tools/call", params, options);
    let mut steps = 0;
    while call.next_notification().await.is_some() {
        steps += 1;
    }
    assert_eq!(steps, 3);
    call.await.unwrap();

    let unknown = client.request("tools/call", arguments("no-such-tool", json!({}))).await;
    let says_no = match unknown {
        Err(error) => error.rpc().is_some(),
        Ok(payload) => CallToolResult::from_raw(payload.raw()).unwrap().failed(),
    };
    assert!(says_no);
    assert!(client.request("no/such/method", None).await.unwrap_err().rpc().is_some());
    client.request("ping", None).await.unwrap();
    let closed = client.close().await;
    assert!(client.request("ping", None).await.unwrap_err().is_closed(), "{closed}");
}

/// ERA-C-002: a DiscoverResult means a modern server, and no `initialize` is sent. One whole conversation follows.
#[tokio::test]
async fn the_python_server_is_found_to_be_modern() {
    let Some(server) = fixtures::modern_server() else { return };
    let client = connect(&server).await;
    let negotiated = client.negotiated().unwrap();
    assert_eq!(negotiated.version, ProtocolVersion::V2026_07_28);
    assert_eq!(negotiated.instructions.as_deref(), Some("A fixture for interop tests."));
    assert_eq!(text_of(&client, "add", json!({"a": 2, "b": 40})).await, "42");

    // MRTR: the question reaches the input handler, and the call continues with its answer.
    assert_eq!(text_of(&client, "ask", json!({})).await, "Hello, Ada");

    let options = CallOptions::new().progress();
    let mut call = client.call("tools/call", arguments("slow", json!({"steps": 3})), options);
    let mut progress = Vec::new();
    while let Some(notification) = call.next_notification().await {
        progress.push(notification.params.unwrap().raw().member("progress").unwrap().to_string());
    }
    assert_eq!(progress.len(), 3, "{progress:?}");
    call.await.unwrap();

    // Dropping the call after its first progress cancels it. The link continues.
    let options = CallOptions::new().progress();
    let mut dropped = client.call("tools/call", arguments("slow", json!({"steps": 1000})), options);
    dropped.next_notification().await.unwrap();
    drop(dropped);

    let failed = client.request("tools/call", arguments("fail", json!({}))).await.unwrap();
    assert!(CallToolResult::from_raw(failed.raw()).unwrap().failed());
    let large = "x".repeat(1 << 20);
    assert_eq!(text_of(&client, "echo", json!({"text": large.clone()})).await, large);

    let filter = SubscriptionFilter::new().tools_list_changed();
    let mut listen = client.listen(filter.clone());
    let Some(SubscriptionEvent::Started { honoured, gap: false }) = listen.next().await else { panic!() };
    assert_eq!(honoured, filter);
    text_of(&client, "touch", json!({})).await;
    let Some(SubscriptionEvent::Changed(change)) = listen.next().await else { panic!() };
    assert_eq!(change.method, "notifications/tools/list_changed");
    drop(listen);

    assert!(client.request("ping", None).await.is_err(), "the modern era has no ping");
    client.close().await;
}

/// The same server in the legacy era: the same handler answers its `elicitation/create`.
#[tokio::test]
async fn the_python_server_serves_the_legacy_era_too() {
    let Some(server) = fixtures::modern_server() else { return };
    let form = raw(&json!({"form": {}}));
    let client = Client::builder("interop", "1.0.0")
        .capability("elicitation", form)
        .input_handler(name_is_ada)
        .era(mcp_core::client::EraMode::Legacy(ProtocolVersion::V2025_06_18))
        .connect(child(&server))
        .await
        .unwrap();
    assert_eq!(client.negotiated().unwrap().version, ProtocolVersion::V2025_06_18);
    assert_eq!(text_of(&client, "ask", json!({})).await, "Hello, Ada");
    client.close().await;
}

/// FAULT C-42, ERA-C-003: a server that exits on an unknown first request is started again.
#[tokio::test]
async fn a_server_that_exits_on_the_probe_is_started_again() {
    let Some(server) = fixtures::legacy_server("exits_on_unknown_first.py", &[]) else { return };
    let client = connect(&server).await;
    assert!(client.negotiated().unwrap().version.is_legacy());
    assert_eq!(text_of(&client, "echo", json!({"text": "again"})).await, "again");
    client.close().await;
}

/// FAULT C-22: the start may take long. The test lets the server start after the client has begun to wait.
#[tokio::test]
async fn a_server_that_starts_late_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("start");
    let Some(server) = fixtures::legacy_server("slow_start.py", &["--file", file.to_str().unwrap()]) else {
        return;
    };
    let client = Client::builder("interop", "1.0.0").start(child(&server)).unwrap();
    let mut early = std::pin::pin!(client.request("tools/call", arguments("echo", json!({"text": "late"}))));
    assert!(futures::poll!(early.as_mut()).is_pending());
    std::fs::write(&file, "").unwrap();
    let result = early.await.unwrap();
    assert!(result.raw().to_string().contains("late"));
    client.close().await;
}

/// ERA-C-004, FAULT C-42: a server is usable with any error to the probe, and with a banner before it.
#[tokio::test]
async fn every_way_to_refuse_the_probe_means_legacy() {
    for mode in ["error-32601", "error-32602", "error-0", "stray-banner"] {
        let Some(server) = fixtures::legacy_server("legacy_quirks.py", &[mode]) else { return };
        let client = connect(&server).await;
        assert!(client.negotiated().unwrap().version.is_legacy(), "{mode}");
        assert_eq!(text_of(&client, "echo", json!({"text": mode})).await, mode);
        client.close().await;
    }
}

/// FAULT C-42, ERA-C-003: silence to the probe means legacy, on the same link.
#[tokio::test]
async fn silence_to_the_probe_means_legacy() {
    let Some(server) = fixtures::legacy_server("legacy_quirks.py", &["silent-to-discover"]) else { return };
    let builder = Client::builder("interop", "1.0.0")
        .configure(|config| config.probe_timeout = std::time::Duration::from_millis(50));
    let client = builder.connect(child(&server)).await.unwrap();
    assert!(client.negotiated().unwrap().version.is_legacy());
    client.close().await;
}

/// STDIO-C-012, FAULT C-1: the call in flight fails with the signal that killed the server. The next call starts a
/// new server.
#[tokio::test]
async fn a_killed_server_is_restarted_for_the_next_call() {
    let Some(server) = fixtures::modern_server() else { return };
    let command = child(&server);
    let client = Client::builder("interop", "1.0.0").connect(Kill(command)).await.unwrap();
    let options = CallOptions::new().progress();
    let mut call = client.call("tools/call", arguments("slow", json!({"steps": 10_000})), options);
    call.next_notification().await.unwrap();
    let pid = PID.load(std::sync::atomic::Ordering::SeqCst);
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    let error = call.await.unwrap_err();
    let mcp_core::Error::Closed(reason) = &error else { panic!("{error}") };
    assert_eq!(reason.closed().unwrap().signal, Some(9), "{error}");
    assert_eq!(text_of(&client, "add", json!({"a": 1, "b": 1})).await, "2");
    client.close().await;
}

static PID: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Records the process id of each child that it starts.
struct Kill(ChildCommand);

#[async_trait::async_trait]
impl mcp_core::transport::Connect for Kill {
    async fn connect(
        &mut self,
    ) -> Result<Box<dyn mcp_core::transport::Transport>, mcp_core::transport::ConnectError> {
        let link = self.0.spawn().unwrap();
        PID.store(link.id(), std::sync::atomic::Ordering::SeqCst);
        Ok(Box::new(link))
    }
}
