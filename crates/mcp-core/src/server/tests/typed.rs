//! Typed arguments and answers, definitions, and changes that a handler publishes.

use serde::{Deserialize, Serialize};

use super::{Peer, server};
use crate::message::RawJson;
use crate::model::{ElicitResult, ListToolsResult};
use crate::server::{
    Handler, HandlerError, Json, PromptDef, ResourceDef, Router, TemplateDef, ToolDef, ToolReply,
};
use crate::session::{Change, InputRequired};
use crate::transport::Binding;

#[derive(Deserialize)]
struct Point {
    x: i64,
    #[serde(default)]
    y: i64,
}

#[derive(Serialize)]
struct Sum {
    sum: i64,
}

fn router() -> Router {
    Router::new()
        .tool_with("sum", |point: Point, _| async move { Ok(Json(Sum { sum: point.x + point.y })) })
        .tool_with("list", |point: Point, _| async move { Ok(Json([point.x, point.y])) })
        .tool_with("odd", |point: Point, _| async move { Ok(Json([((point.x, 1), 2)].map(Odd))) })
        .tool("touch", |_, context| async move {
            context.publish(Change::ToolsList);
            Ok("touched")
        })
}

/// A value that serde_json cannot write.
struct Odd(((i64, i64), i64));

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(self.0.1))
    }
}

/// ERR-S-010: arguments that do not fit make the tool fail, with a reason for the model; they never reach the
/// closure. The peer's text is shortened.
#[tokio::test(start_paused = true)]
async fn arguments_are_read_as_a_type() {
    let server = server(router());
    let mut peer = Peer::of(&server, Binding::STREAM);
    let long = format!(r#"{{"name":"sum","arguments":{{"x":"{}"}}}}"#, "é".repeat(5000));
    for (call, expected) in [
        (r#"{"name":"sum","arguments":{"x":2,"y":3}}"#, r#""structuredContent":{"sum":5}"#),
        (r#"{"name":"sum","arguments":{"x":2,"z":3}}"#, r#"{\"sum\":2}"#),
        (
            r#"{"name":"sum","arguments":{"y":2}}"#,
            r#""content":[{"type":"text","text":"Invalid arguments: missing field `x`"}],"isError":true"#,
        ),
        (r#"{"name":"sum"}"#, r#""isError":true"#),
        (r#"{"name":"sum","arguments":{"x":1.5}}"#, r#""isError":true"#),
        (r#"{"name":"sum","arguments":[1]}"#, "-32602"),
        (r#"{"name":"odd","arguments":{"x":1}}"#, r#""isError":true"#),
        (&long, r#""isError":true"#),
    ] {
        peer.modern(1, "tools/call", call).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected) && reply.len() < 1000, "{call}: {reply}");
        assert!(!reply.contains("column"), "{reply}");
    }
    peer.modern(1, "tools/call", r#"{"name":"list","arguments":{"x":1,"y":2}}"#).await;
    let reply = peer.text().await;
    assert!(reply.contains("[1,2]") && !reply.contains("structuredContent"), "{reply}");
}

/// ERR-S-010: from 2025-11-25 on. Before, the call is refused.
#[tokio::test(start_paused = true)]
async fn arguments_that_do_not_fit_are_answered_by_revision() {
    let server = server(router());
    for (version, expected) in [
        ("2024-11-05", r#""code":-32602,"message":"Invalid arguments: missing field `x`""#),
        ("2025-06-18", r#""code":-32602,"message":"Invalid arguments: missing field `x`""#),
        ("2025-11-25", r#""text":"Invalid arguments: missing field `x`"}],"isError":true"#),
    ] {
        let mut peer = Peer::of(&server, Binding::STREAM);
        peer.initialize_with(version, "{}").await;
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sum"}}"#;
        peer.send(call).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{version}: {reply}");
    }
}

/// Names come first on the wire, whatever was set first.
#[test]
fn definitions_come_out_name_first() {
    let tool = ToolDef::new("a").input(r#"{"type":"object"}"#).with("_meta", RawJson::EMPTY_OBJECT);
    let tool = tool.description("old").title("t").description("d");
    assert_eq!(
        tool.raw().to_string(),
        r#"{"name":"a","title":"t","description":"d","inputSchema":{"type":"object"},"_meta":{}}"#
    );
    let prompt = PromptDef::new("p").argument("x", "y", true).argument("z", "", false).description("d");
    assert_eq!(
        prompt.raw().to_string(),
        r#"{"name":"p","description":"d","arguments":[{"name":"x","description":"y","required":true},{"name":"z","description":""}]}"#
    );
    let resource = ResourceDef::new("m://a", "a").mime_type("t/p").title("t");
    assert_eq!(resource.raw().to_string(), r#"{"uri":"m://a","name":"a","title":"t","mimeType":"t/p"}"#);
    let template = TemplateDef::new("m://{x}", "a").description("d");
    assert_eq!(template.raw().to_string(), r#"{"uriTemplate":"m://{x}","name":"a","description":"d"}"#);
}

/// A handler publishes a change without a handle of the server; it reaches every link.
#[tokio::test(start_paused = true)]
async fn a_handler_publishes_a_change() {
    let server = server(router().tools_list_changed());
    let mut caller = Peer::of(&server, Binding::STREAM);
    let mut other = Peer::of(&server, Binding::STREAM);
    for peer in [&mut caller, &mut other] {
        peer.initialize("{}").await;
    }
    caller.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"touch"}}"#).await;
    let told = [caller.text().await, caller.text().await];
    assert!(told.iter().any(|text| text.contains("touched")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("notifications/tools/list_changed")), "{told:?}");
    assert!(other.text().await.contains("notifications/tools/list_changed"));
}

/// A closure computes a list that changes.
#[tokio::test(start_paused = true)]
async fn a_list_can_be_made_by_a_closure() {
    let router = router().method("tools/list", |_, _| async {
        Ok([crate::model::Tool::without_parameters("new")].into_iter().collect::<ListToolsResult>())
    });
    assert!(router.capabilities().member("tools").is_some());
    let server = server(router);
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "tools/list", "{}").await;
    let list = peer.text().await;
    assert!(list.contains(r#""name":"new""#) && !list.contains("sum"), "{list}");
}

/// MRTR-S-016: a missing answer is requested again, a malformed one is refused, an unknown one is ignored.
#[tokio::test(start_paused = true)]
async fn answers_are_read_as_a_type() {
    let server = server(Router::new().tool("ask", |_, context| async move {
        let answer: Option<ElicitResult> = context.answer("name")?;
        Ok::<_, HandlerError>(match answer {
            None => InputRequired::default().with_state("again").into(),
            Some(answer) => ToolReply::text(answer.action.as_str()),
        })
    }));
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (answers, expected) in [
        ("{}", "again"),
        (r#"{"other":{"action":"accept"}}"#, "again"),
        (r#"{"name":{"action":"decline"},"other":7}"#, "decline"),
        (r#"{"name":{"action":7}}"#, "-32602"),
        (r#"{"name":null}"#, "-32602"),
    ] {
        peer.modern(1, "tools/call", &format!(r#"{{"name":"ask","inputResponses":{answers}}}"#)).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{answers}: {reply}");
    }
}
