//! What newcomers write first, and what works as it is.

use mcp_core::client::Client;
use mcp_core::message::RawJson;
use mcp_core::model;
use mcp_core::server::{Context, HandlerError, Json, PromptDef, ResourceDef, Router, Server};
use mcp_core::session::InputRequired;
use mcp_core::transport::{Binding, memory};
use mcp_http::HttpServer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Path {
    path: String,
}

async fn function(path: Path, _context: Context) -> Result<String, HandlerError> {
    Ok(path.path)
}

#[derive(Serialize, JsonSchema)]
struct Size {
    bytes: usize,
}

fn parse(text: &str) -> anyhow::Result<u32> {
    text.parse().map_err(|error| anyhow::anyhow!("not a number: {error}"))
}

fn router() -> Router {
    Router::new()
        .tool_typed("io", async |path: Path, _| Ok(std::fs::read_to_string(path.path)?))
        .tool("anyhow", async |_, _| Ok(parse("x")?.to_string()))
        .tool_typed("function", function)
        .tool("async-closure", async |arguments, _| Ok(arguments.to_string()))
        .tool_typed("struct", async |path: Path, _| Ok(Json(Size { bytes: path.path.len() })))
        .tool(model::Tool::without_parameters("model"), async |_, _| Ok("a definition of the model"))
        .tool("ask-or-answer", async |_, context| {
            if context.input_responses().is_none() {
                Err(InputRequired::ask("where", "roots/list", None))?;
            }
            Ok("thanks")
        })
        .prompt(PromptDef::new("text"), async |_, _| Ok("the text of a prompt"))
        .resource(ResourceDef::new("text://a", "a"), async |_, _| Ok("the text of a resource"))
}

#[tokio::test]
async fn the_first_attempts_work() {
    let server = Server::builder("newcomer", "1.0.0").build(router()).unwrap();
    // Neither an `Arc` nor a clone is needed.
    let _http = HttpServer::new(server.clone());
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(server));
    let client = Client::builder("newcomer", "1.0.0").connect(connector).await.unwrap();
    for (tool, failed, expected) in [
        ("io", true, "No such file"),
        ("anyhow", true, "not a number"),
        ("function", false, "/none"),
        ("async-closure", false, "/none"),
        ("struct", false, r#"{"bytes":5}"#),
        ("model", false, "a definition of the model"),
    ] {
        for result in [
            client.call_tool(tool, json!({ "path": "/none" })).await.unwrap(),
            client.call_tool(tool, Some(json!({ "path": "/none" }))).await.unwrap(),
            client.call_tool(tool, RawJson::parse(r#"{"path":"/none"}"#).unwrap()).await.unwrap(),
        ] {
            let text = result.texts().collect::<String>();
            assert!(result.failed() == failed && text.contains(expected), "{tool}: {text}");
        }
    }
    let prompt = client.get_prompt("text", ()).await.unwrap();
    assert_eq!(prompt.messages[0].content.as_text(), Some("the text of a prompt"));
    let resource = client.read_resource("text://a").await.unwrap();
    assert_eq!(resource.contents[0].text.as_deref(), Some("the text of a resource"));
}
