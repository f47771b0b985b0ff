//! Tests of a client beyond single calls: lists in pages, typed results.

mod lists;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{CallOptions, Client, PageLimits, PreparedCall};
use crate::Error;
use crate::message::{ErrorObject, RawJson};
use crate::model::{
    CallToolResult, Content, GetPromptResult, Model, PromptMessage, ReadResourceResult, Role,
};
use crate::model::{ResourceContents, Tool};
use crate::server::{PromptDef, ResourceDef, Router, Server, TemplateDef};
use crate::transport::{Binding, memory};

async fn client(router: Router) -> Client {
    let server = Server::builder("test server", "1").build(router).unwrap();
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(server));
    Client::builder("test client", "1").connect(connector).await.unwrap()
}

/// PAGE-C-001, PAGE-C-002, PAGE-C-003: all pages, whatever their size.
#[tokio::test(start_paused = true)]
async fn a_list_is_followed_to_its_end() {
    for size in [1, 7, 250, 1000] {
        let mut router = Router::new().page_size(size);
        for number in 0..250 {
            let tool = Tool::without_parameters(format!("tool-{number:03}"));
            router = router.tool(tool, |_, _| async { Ok("x") });
        }
        let tools = client(router).await.list_tools().await.unwrap();
        let names: Vec<String> = tools.into_iter().map(|tool| tool.name).collect();
        assert_eq!(names, (0..250).map(|number| format!("tool-{number:03}")).collect::<Vec<_>>());
    }
}

/// A server with faulty lists; `next` returns the cursor after a cursor.
fn endless(next: impl Fn(Option<RawJson>) -> Option<RawJson> + Send + Sync + 'static) -> Router {
    Router::new().method("x/list", move |params, _| {
        let cursor = next(params.member("cursor"));
        async move {
            let page = RawJson::object([("items", RawJson::array([RawJson::TRUE, RawJson::TRUE]))]);
            Ok(cursor.map_or(page.clone(), |cursor| page.with_members(&[("nextCursor", &cursor)])))
        }
    })
}

fn counting(cursor: Option<RawJson>) -> Option<RawJson> {
    let number = cursor.and_then(|cursor| cursor.to_text()?.parse().ok()).unwrap_or(0_i64);
    Some(RawJson::string(&(number + 1).to_string()))
}

/// FAULT C-44, PAGE-C-003: an empty cursor is not the end on 2026-07-28; endless lists hit a limit.
#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_end_is_given_up() {
    let limits = PageLimits::default();
    let once = client(endless(|cursor| cursor.is_none().then(|| RawJson::string("")))).await;
    assert_eq!(once.list_all("x/list", "items", limits).await.unwrap().len(), 4);

    let null = client(endless(|_| Some(RawJson::NULL))).await;
    assert_eq!(null.list_all("x/list", "items", limits).await.unwrap().len(), 2);

    let forever = client(endless(counting)).await;
    for (limits, what) in [
        (PageLimits { pages: 5, ..limits }, "pages"),
        (PageLimits { items: 11, ..limits }, "items"),
        (PageLimits { bytes: 500, ..limits }, "bytes"),
    ] {
        let error = forever.list_all("x/list", "items", limits).await.unwrap_err();
        assert!(matches!(&error, Error::Limit { what: named, .. } if named.contains(what)), "{error}");
    }
    let error = forever.list_all("x/list", "other", limits).await.unwrap_err();
    assert!(matches!(error, Error::Violation(_)), "{error}");
}

/// FAULT C-44: one deadline for all pages together.
#[tokio::test(start_paused = true)]
async fn a_list_has_one_deadline() {
    let slow = Router::new().method("x/list", |params, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let cursor = counting(params.member("cursor"));
        Ok(RawJson::object([("items", RawJson::array([])), ("nextCursor", cursor.unwrap_or_default())]))
    });
    let limits = PageLimits { time: Duration::from_secs(90), ..PageLimits::default() };
    let begun = tokio::time::Instant::now();
    let error = client(slow).await.list_all("x/list", "items", limits).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 90);
}

/// The model's types survive the way to the server and back.
#[tokio::test(start_paused = true)]
async fn typed_calls_carry_the_models_types() {
    let router = Router::new()
        .tool(Tool::without_parameters("fail"), |_, _| async { Ok(CallToolResult::error("no luck")) })
        .prompt(PromptDef::new("hello"), |arguments, _| async move {
            let who = arguments.member("who").and_then(|who| who.to_text()).unwrap_or_default();
            Ok(GetPromptResult::new().with_messages([PromptMessage::new(Role::User, Content::text(who))]))
        })
        .resource(ResourceDef::new("mem://a", "a"), |uri, _| async move {
            Ok(ReadResourceResult::new().with_contents([ResourceContents::text(uri, "text")]))
        })
        .resource_template(TemplateDef::new("mem://t/{x}", "t"), |uri, _| async move {
            Err::<RawJson, _>(ErrorObject::resource_not_found(&uri).into())
        });
    let client = client(router).await;
    assert!(client.call_tool("fail", ()).await.unwrap().failed());
    let arguments = BTreeMap::from([("who".to_owned(), "you".to_owned())]);
    let prompt = client.get_prompt("hello", arguments).await.unwrap();
    assert_eq!(prompt.messages[0].content.as_text(), Some("you"));
    assert_eq!(client.read_resource("mem://a").await.unwrap().contents.len(), 1);
    for unknown in ["mem://zz", "mem://t/1"] {
        assert!(client.read_resource(unknown).await.unwrap_err().is_resource_not_found());
    }
    assert_eq!(client.list_resources().await.unwrap().len(), 1);
    assert_eq!(client.list_resource_templates().await.unwrap().len(), 1);
    assert_eq!(client.list_prompts().await.unwrap().len(), 1);
    client.ping().await.unwrap();
}

/// HDR-C-022: after a header mismatch the tools are listed and the call is made again, once.
#[tokio::test(start_paused = true)]
async fn a_header_mismatch_lists_the_tools_and_calls_once_more() {
    let stale = Arc::new(AtomicBool::new(true));
    let (on_list, on_call) = (stale.clone(), stale.clone());
    let router = Router::new()
        .method("tools/list", move |_, _| {
            on_list.store(false, Ordering::SeqCst);
            async { Ok(RawJson::object([("tools", RawJson::array([]))])) }
        })
        .method("tools/call", move |_, _| {
            let stale = on_call.load(Ordering::SeqCst);
            async move {
                if stale {
                    Err(ErrorObject::new(-32020, "no").into())
                } else {
                    Ok(CallToolResult::text("yes").to_raw())
                }
            }
        });
    let client = client(router).await;
    let raw = || client.call("tools/call", Some(RawJson::EMPTY_OBJECT), CallOptions::new());
    assert!(raw().await.is_err());
    let result = client.call_tool("x", serde_json::json!({})).await.unwrap();
    assert_eq!(result.texts().collect::<Vec<_>>(), ["yes"]);
    stale.store(true, Ordering::SeqCst);
    let raw = client.request("tools/call", Some(RawJson::EMPTY_OBJECT)).await.unwrap();
    assert!(raw.raw().to_string().contains("yes"));
}

/// Whatever serializes to an object is sent as the arguments; anything else is an error of this program.
#[tokio::test(start_paused = true)]
async fn arguments_are_what_serializes_to_an_object() {
    #[derive(serde::Serialize)]
    struct Greet<'a> {
        who: &'a str,
        times: Option<u8>,
    }
    let router = Router::new()
        .tool("echo", async |arguments, _| Ok(arguments.to_string()))
        .prompt("echo", async |arguments, _| Ok(arguments.to_string()));
    let client = client(router).await;
    let tool = async |arguments: PreparedCall<CallToolResult>| {
        arguments.await.map(|result| result.texts().collect::<String>())
    };
    let greet = Greet { who: "you", times: None };
    for (call, expected) in [
        (client.call_tool("echo", &greet), r#"{"who":"you","times":null}"#),
        (client.call_tool("echo", serde_json::json!({ "a": 1 })), r#"{"a":1}"#),
        (client.call_tool("echo", Some(serde_json::json!({ "a": 1 }))), r#"{"a":1}"#),
        (client.call_tool("echo", RawJson::parse(r#"{ "n": 1.50 }"#).unwrap()), r#"{ "n": 1.50 }"#),
        (client.call_tool("echo", ()), "{}"),
    ] {
        assert_eq!(tool(call).await.unwrap(), expected);
    }
    for wrong in [client.call_tool("echo", [1]), client.call_tool("echo", "text")] {
        let error = tool(wrong).await.unwrap_err();
        assert!(matches!(&error, Error::Misuse(why) if why.contains("have to be an object")), "{error}");
    }
    let filled = client.get_prompt("echo", &Greet { who: "you", times: Some(3) }).await.unwrap();
    assert_eq!(filled.messages[0].content.as_text(), Some(r#"{"times":"3","who":"you"}"#));
    assert!(client.get_prompt("echo", serde_json::json!({ "a": [] })).await.is_err());
    assert!(client.get_prompt("echo", ()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_has_options() {
    let router = Router::new().tool("slow", async |_, context| {
        for step in 1..=3 {
            context.progress(step.into(), Some(3.0), None).await;
        }
        context.cancelled().await;
        Ok("late")
    });
    let client = client(router).await;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let report = seen.clone();
    let error = client
        .call_tool("slow", ())
        .timeout(Duration::from_secs(7))
        .on_progress(move |progress| report.lock().unwrap().push(progress.progress.to_string()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TimedOut { after, .. } if after == Duration::from_secs(7)), "{error}");
    assert_eq!(seen.lock().unwrap().join(" "), "1 2 3");
    assert!(client.call_tool("slow", 7).start().is_err());
    let mut call = client.call_tool("slow", ()).start().unwrap();
    call.cancel();
    assert!(matches!(call.await, Err(Error::Cancelled)));
}

/// A capability without a handler would promise what never comes.
#[tokio::test(start_paused = true)]
async fn a_declared_input_needs_a_handler() {
    let (connector, _listener) = memory::connector(Binding::STREAM);
    let builder = Client::builder("test client", "1").capability("roots", RawJson::EMPTY_OBJECT);
    let error = builder.start(connector).unwrap_err();
    assert!(matches!(&error, Error::Misuse(why) if why.contains("input_handler")), "{error}");
}

/// FAULT C-13: dropped readers are removed, also if no notification ever arrives.
#[tokio::test]
async fn readers_that_are_gone_are_forgotten() {
    let client = client(Router::new()).await;
    let first = Arc::downgrade(&client.notifications().queue);
    let second = client.notifications();
    assert!(first.upgrade().is_none());
    drop(second);
}
