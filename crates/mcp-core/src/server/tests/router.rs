//! What a router lists, serves and refuses.

use super::{Peer, server};
use crate::message::{ErrorObject, RawJson};
use crate::server::{Handler, HandlerError, PromptDef, ResourceDef, Router, TemplateDef, ToolDef};
use crate::transport::Binding;

fn router() -> Router {
    Router::new()
        .tool(ToolDef::new("fail"), |_, _| async { Err::<String, _>(HandlerError::from("no luck")) })
        .tool(ToolDef::new("refuse"), |_, _| async {
            Err::<String, _>(HandlerError::from(ErrorObject::invalid_params("no such shape")))
        })
        .tool(ToolDef::new("echo").description("Says it again").input(r#"{"type":"object","x":1}"#), |args, _| async move {
            Ok(args.member("text").and_then(|text| text.to_text()).ok_or("no text")?)
        })
        .prompt(PromptDef::new("greet").argument("who", "whom to greet", true), |args, _| async move {
            Ok(RawJson::object([("messages", RawJson::array([args]))]))
        })
        .resource(ResourceDef::new("mem://a", "a"), |uri, _| async move {
            Ok(RawJson::object([("contents", RawJson::array([RawJson::string(&uri)]))]))
        })
        .resource_template(TemplateDef::new("file:///{name}.txt", "texts"), |uri, _| async move {
            Ok(RawJson::object([("contents", RawJson::array([RawJson::string(&uri)]))]))
        })
        .method("x/echo", |params, _| async move { Ok(params) })
}

/// META-S-012, DISC-S-010: what is declared is what was registered.
#[tokio::test(start_paused = true)]
async fn capabilities_are_those_of_what_was_registered() {
    assert_eq!(Router::new().capabilities().to_string(), "{}");
    assert_eq!(router().capabilities().to_string(), r#"{"prompts":{},"resources":{},"tools":{}}"#);
    let more = Router::new()
        .resource(ResourceDef::new("mem://a", "a"), |_, _| async { Ok(RawJson::EMPTY_OBJECT) })
        .completion(|_, _| async { Ok(RawJson::EMPTY_OBJECT) })
        .resources_list_changed()
        .subscribe()
        .logging();
    assert_eq!(
        more.capabilities().to_string(),
        r#"{"completions":{},"logging":{},"resources":{"listChanged":true,"subscribe":true}}"#
    );
}

/// PAGE-S-004, PAGE-C-001: every entry once, whatever the page size; garbage is -32602.
#[tokio::test(start_paused = true)]
async fn lists_are_paged_by_opaque_cursors() {
    let server = server(router().page_size(2));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "tools/list", "{}").await;
    let first = peer.text().await;
    assert!(first.contains(r#""name":"echo""#) && first.contains(r#""name":"fail""#), "{first}");
    assert!(!first.contains("refuse"), "{first}");
    let raw = RawJson::parse(first).unwrap();
    let cursor = raw.member("result").unwrap().member("nextCursor").unwrap();
    peer.modern(2, "tools/list", &format!(r#"{{"cursor":{cursor}}}"#)).await;
    let second = peer.text().await;
    assert!(
        second.contains("refuse") && !second.contains("echo") && !second.contains("nextCursor"),
        "{second}"
    );
    for garbage in [r#""zz""#, r#""c1zz""#, r#""c1""#, "7", "null", r#""""#] {
        peer.modern(3, "tools/list", &format!(r#"{{"cursor":{garbage}}}"#)).await;
        let refused = peer.text().await;
        assert!(refused.contains("-32602"), "{garbage}: {refused}");
    }
}

/// A tool that fails is a result; a wrong call is an error; an unknown tool is -32602 (ledger T-04).
#[tokio::test(start_paused = true)]
async fn a_tool_fails_for_the_model_or_for_the_caller() {
    let server = server(router());
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (id, call, expected) in [
        (1, r#"{"name":"echo","arguments":{"text":"hi"}}"#, r#""content":[{"type":"text","text":"hi"}]"#),
        (2, r#"{"name":"fail"}"#, r#""isError":true"#),
        (3, r#"{"name":"echo"}"#, r#""isError":true"#),
        (4, r#"{"name":"refuse"}"#, "-32602"),
        (5, r#"{"name":"nothing"}"#, "-32602"),
        (6, r#"{"name":"echo","arguments":[]}"#, "-32602"),
        (7, "{}", "-32602"),
    ] {
        peer.modern(id, "tools/call", call).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected) && reply.contains(&format!(r#""id":{id}"#)), "{call}: {reply}");
    }
}

/// ERR-S-006 (unknown resource), T-04 (unknown method), prompts, templates, registered methods.
#[tokio::test(start_paused = true)]
async fn everything_else_finds_its_closure() {
    let server = server(router());
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (id, method, params, expected) in [
        (1, "prompts/get", r#"{"name":"greet","arguments":{"who":"x"}}"#, r#"{"who":"x"}"#),
        (2, "prompts/get", r#"{"name":"none"}"#, "-32602"),
        (3, "resources/read", r#"{"uri":"mem://a"}"#, "mem://a"),
        (4, "resources/read", r#"{"uri":"file:///b.txt"}"#, "file:///b.txt"),
        (5, "resources/read", r#"{"uri":"mem://zz"}"#, r#""uri":"mem://zz""#),
        (6, "resources/templates/list", "{}", "uriTemplate"),
        (7, "completion/complete", "{}", "-32601"),
        (8, "x/none", "{}", "-32601"),
        (9, "x/echo", r#"{"a":2.5e-308}"#, "2.5e-308"),
    ] {
        peer.modern(id, method, params).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{method} {params}: {reply}");
    }
}
