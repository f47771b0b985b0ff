//! Foreign peers: the WebSocket client and server of the Python SDK 1.30.0, in the legacy era.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use mcp_core::client::{CallOptions, Client, InputContext, SubscriptionEvent};
use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::model::{CallToolResult, ElicitForm, ElicitResult, Model};
use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef, ToolReply};
use mcp_core::session::{Change, InputRequest, InputRequired, SubscriptionFilter};
use third_party_websocket::WebSocketClient;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::listen;

/// A script, on the packages of `requirements-1.lock`; `None` if they are not installed, which an unattended run must not
/// accept.
fn script(file: &str) -> Option<Command> {
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop");
    let python = std::env::var_os("MCP_TEST_PYTHON_1").map(PathBuf::from);
    let python = python.unwrap_or_else(|| interop.join(".venv-1/bin/python"));
    if !python.is_file() {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!is_ci, "{} is not there, and CI=true lets nothing be skipped", python.display());
        println!("SKIPPED: {} is not there; `cargo xtask test` makes it", python.display());
        return None;
    }
    let mut command = Command::new(python);
    command.arg(interop.join(file)).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    Some(command)
}

fn text(result: &RawJson) -> String {
    CallToolResult::from_raw(result).unwrap().texts().collect()
}

fn params(tool: &str, arguments: &'static str) -> Option<RawJson> {
    let arguments = RawJson::parse(arguments).unwrap();
    Some(RawJson::object([("name", RawJson::string(tool)), ("arguments", arguments)]))
}

async fn answer(_: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
    Ok(RawJson::parse(r#"{"action":"accept","content":{"name":"Ada"}}"#).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_talks_to_the_python_server() {
    let Some(mut command) = script("servers/websocket_1.py") else { return };
    // It writes a traceback to stderr for each method that it does not know.
    let mut server = command.stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let port: u16 = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    // It has bound its port, and starts to listen a little later.
    let url = format!("ws://127.0.0.1:{port}/");
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    let form = RawJson::parse(r#"{"form":{}}"#).unwrap();
    let builder = Client::builder("test", "1").capability("elicitation", form).input_handler(answer);
    let client = builder.connect(WebSocketClient::new(url)).await.unwrap();
    assert!(client.list_tools().await.unwrap().iter().any(|tool| tool.name == "add"));
    let call = |tool, arguments| client.request("tools/call", params(tool, arguments));
    assert_eq!(text(call("add", r#"{"a":2,"b":3}"#).await.unwrap().raw()), "5");

    let options = CallOptions::new().progress();
    let mut slow = client.call("tools/call", params("slow", r#"{"steps":3}"#), options.clone());
    let mut steps = 0;
    while slow.next_notification().await.is_some() {
        steps += 1;
    }
    assert_eq!((steps, text(slow.await.unwrap().raw()).as_str()), (3, "3 steps"));

    let mut slow = client.call("tools/call", params("slow", r#"{"steps":1000}"#), options);
    slow.next_notification().await.unwrap();
    drop(slow);
    while text(call("cancelled", "{}").await.unwrap().raw()) != "1" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    assert_eq!(text(call("ask", "{}").await.unwrap().raw()), "Hello, Ada");
    let filter = SubscriptionFilter::new().tools_list_changed();
    let mut listen = client.listen(filter);
    assert!(matches!(listen.next().await, Some(SubscriptionEvent::Started { .. })));
    call("touch", "{}").await.unwrap();
    assert!(matches!(listen.next().await, Some(SubscriptionEvent::Changed(_))));
    drop(listen);
    let refused = client.request("no/such/method", None).await.unwrap_err();
    assert!(refused.rpc().is_some(), "{refused}");
    client.close().await;
}

fn number(arguments: &RawJson, name: &str) -> i64 {
    arguments.member(name).and_then(|number| number.deserialize().ok()).unwrap_or_default()
}

fn ask(context: &Context) -> Result<ToolReply, HandlerError> {
    let Some(answer) = context.answer::<ElicitResult>("name")? else {
        let schema = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;
        let form = ElicitForm::new("What is your name?", RawJson::parse(schema).unwrap());
        return Ok(InputRequired::ask("name", "elicitation/create", Some(form.to_raw())).into());
    };
    let name = answer.content.and_then(|content| content.member("name")?.to_text()).unwrap_or_default();
    Ok(ToolReply::text(&format!("Hello, {name}!")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_talks_to_our_server() {
    let Some(mut command) = script("clients/websocket_1.py") else { return };
    let router = Router::new()
        .tools_list_changed()
        .tool(ToolDef::new("add"), |arguments, _| async move {
            Ok::<_, HandlerError>((number(&arguments, "a") + number(&arguments, "b")).to_string())
        })
        .tool(ToolDef::new("count"), |arguments, context| async move {
            let to = number(&arguments, "to");
            for step in 1..=to {
                context.progress(step as f64, Some(to as f64), None).await;
            }
            Ok::<_, HandlerError>(format!("counted to {to}"))
        })
        .tool(ToolDef::new("ask"), |_, context| async move { ask(&context) })
        .tool(ToolDef::new("touch"), |_, context| async move {
            context.publish(Change::ToolsList);
            Ok::<_, HandlerError>("touched")
        });
    let (url, _serving) =
        listen(Arc::new(Server::builder("test", "1").build(router).unwrap())).await.unwrap();
    let output = command.arg(url).stderr(Stdio::piped()).output().await.unwrap();
    let steps = String::from_utf8(output.stdout).unwrap();
    let expected = "connect\nlist\ncall\nprogress\ninput\nlisten\nerror\nclose\n";
    assert_eq!(steps, expected, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}
