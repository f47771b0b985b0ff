//! Lists that are not quite right: what can be used comes, and what is missing is reported.

use super::client;
use crate::client::{Client, EraMode, PageLimits};
use crate::message::{ErrorObject, ProtocolVersion, RawJson};
use crate::model::CallToolResult;
use crate::server::{Router, Server};
use crate::transport::{Binding, memory};

/// A server that gives this page of tools, whatever the cursor.
fn always(page: &str) -> Router {
    let page = RawJson::parse(page.to_owned()).unwrap();
    Router::new().method("tools/list", move |_, _| {
        let page = page.clone();
        async move { Ok(page) }
    })
}

async fn legacy(router: Router) -> Client {
    let server = Server::builder("test server", "1").build(router).unwrap();
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(std::sync::Arc::new(server)));
    let era = EraMode::Legacy(ProtocolVersion::V2025_11_25);
    Client::builder("t", "1").era(era).connect(connector).await.unwrap()
}

const TWO: &str = r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{"type":"object"}}],"nextCursor":""}"#;

// FAULT C-44, F-C6, PAGE-C-003: an empty cursor is a cursor on 2026-07-28. A server that repeats it loses nothing,
// and no tool is there twice.
#[tokio::test(start_paused = true)]
async fn a_repeated_cursor_keeps_what_came_without_doubles() {
    let tools = client(always(TWO)).await.list_tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(tools.incomplete.as_deref().unwrap().contains("tools/list"), "{:?}", tools.incomplete);
}

// FAULT F-C6: a page that cannot be had does not lose the ones before it.
#[tokio::test(start_paused = true)]
async fn a_broken_page_keeps_what_came_before() {
    let first = TWO.replace(r#""nextCursor":"""#, r#""nextCursor":"two""#);
    for second in [None, Some(r#"{"tools":7}"#), Some(r#"{"items":[]}"#)] {
        let (first, second) = (first.clone(), second.map(str::to_owned));
        let router = Router::new().method("tools/list", move |params, _| {
            let is_first = params.member("cursor").is_none();
            let page = if is_first { Some(first.clone()) } else { second.clone() };
            async move {
                let page = page.ok_or_else(|| ErrorObject::new(-32602, "no such cursor"))?;
                Ok(RawJson::parse(page).unwrap())
            }
        });
        let tools = client(router).await.list_tools().await.unwrap();
        assert_eq!(tools.len(), 2);
        assert!(
            tools.incomplete.as_deref().unwrap().contains("page 2 of tools/list"),
            "{:?}",
            tools.incomplete
        );
    }
}

// FAULT F-C6: `null` is an empty list, as some languages write it. The first page has to be one.
#[tokio::test(start_paused = true)]
async fn null_is_an_empty_page() {
    let tools = client(always(r#"{"tools":null}"#)).await.list_tools().await.unwrap();
    assert_eq!((tools.len(), tools.incomplete), (0, None));
    assert!(client(always(r#"{"tools":{}}"#)).await.list_tools().await.is_err());
}

// FAULT F-C7: a broken content or message does not hide the good ones, and is reported by its name.
#[tokio::test(start_paused = true)]
async fn a_broken_content_does_not_hide_the_others() {
    let contents =
        r#"{"contents":[{"uri":"a:1","text":"one"},{"uri":"a:2","text":7},{"text":"no uri"}],"x":1}"#;
    let messages = r#"{"messages":[{"role":"user"},{"role":"user","content":{"type":"text","text":"hi"}}]}"#;
    let fixed = |text: &str| RawJson::parse(text.to_owned()).unwrap();
    let (contents, messages) = (fixed(contents), fixed(messages));
    let router = Router::new()
        .method("resources/read", move |_, _| {
            let contents = contents.clone();
            async move { Ok(contents) }
        })
        .method("prompts/get", move |_, _| {
            let messages = messages.clone();
            async move { Ok(messages) }
        });
    let client = client(router).await;
    let read = client.read_resource("a:1").await.unwrap();
    assert_eq!(read.contents.iter().map(|one| one.uri.as_str()).collect::<Vec<_>>(), ["a:1"]);
    assert_eq!(read.skipped.len(), 2);
    assert_eq!(read.skipped[0].name.as_deref(), Some("a:2"));
    assert!(read.skipped[1].reason.contains("uri"), "{:?}", read.skipped);
    let prompt = client.get_prompt("p", ()).await.unwrap();
    assert_eq!((prompt.messages.len(), prompt.skipped.len()), (1, 1));
}

/// PAGE-C-003: before that, an empty cursor is the end, and nothing is wrong.
#[tokio::test(start_paused = true)]
async fn an_empty_cursor_ends_a_legacy_list() {
    let client = legacy(always(TWO)).await;
    let raw = client.list_all("tools/list", "tools", PageLimits::new()).await.unwrap();
    assert_eq!((raw.len(), raw.incomplete), (2, None));
    assert_eq!(client.list_tools().await.unwrap().incomplete, None);
}

/// One broken tool does not lose the others.
#[tokio::test(start_paused = true)]
async fn a_broken_item_is_skipped_and_named() {
    let page = r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"bad","inputSchema":{},"title":7},{"inputSchema":{}},7,{"name":"z","inputSchema":{}}]}"#;
    let tools = client(always(page)).await.list_tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["a", "z"]);
    let skipped: Vec<String> = tools.skipped.iter().map(ToString::to_string).collect();
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert!(skipped[0].starts_with(r#""bad": Tool: "#) && !skipped[0].contains("column"), "{skipped:?}");
    assert!(skipped[1].starts_with("an item without a name: ") && skipped[1].contains("name"), "{skipped:?}");
    assert_eq!(tools.skipped[2].raw.to_string(), "7");
}

/// One broken block of content does not lose the others.
#[tokio::test(start_paused = true)]
async fn a_broken_block_is_kept_as_it_came() {
    let router = Router::new().tool("mixed", |_, _| async {
        Ok(RawJson::parse(r#"{"content":[{"type":"text"},{"type":"text","text":"good"},"loose"]}"#).unwrap())
    });
    let result: CallToolResult = client(router).await.call_tool("mixed", ()).await.unwrap();
    assert_eq!(result.texts().collect::<Vec<_>>(), ["good"]);
    assert_eq!(result.content.len(), 3);
}
