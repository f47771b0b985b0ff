//! The modern exchange: one POST, one answer, as JSON or as a stream.

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_http::server::HttpRequest;
use tokio::sync::mpsc;

use super::server_kit::{Running, body, call, headers, http, plain};

const HEADER: &str = r#"{"type":"object","properties":{"city":{"type":"string","x-mcp-header":"City"}}}"#;

/// A server with a tool for each way to answer.
pub(crate) fn router() -> Router {
    Router::new()
        .tools_list_changed()
        .tool(
            ToolDef::new("echo"),
            |arguments, _| async move { Ok::<_, HandlerError>(arguments.to_string()) },
        )
        .tool(ToolDef::new("notes"), |_, context| async move {
            for number in 1..=3 {
                context.progress(f64::from(number), None, None).await;
            }
            Ok::<_, HandlerError>("noted")
        })
        .tool(ToolDef::new("panics"), |_, _| async move {
            panic!("a handler's own fault");
            #[expect(unreachable_code, reason = "it says what a tool returns")]
            Ok::<&str, HandlerError>("")
        })
        .tool(ToolDef::new("refuses"), |_, _| async move {
            Err::<String, _>(HandlerError::Refused(ErrorObject::missing_capability(RawJson::EMPTY_OBJECT)))
        })
        .tool(ToolDef::new("weather").input(HEADER), |arguments, _| async move {
            Ok::<_, HandlerError>(arguments.to_string())
        })
        .tool(ToolDef::new("head"), |_, context| async move {
            let request = context.envelope().get::<HttpRequest>().ok_or("no HTTP request")?;
            let names: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
            Ok::<_, HandlerError>(format!("{} {} {}", request.method(), request.uri(), names.join(" ")))
        })
}

pub(crate) fn server() -> Server {
    Server::builder("test", "1").build(router()).unwrap()
}

fn text(answer: &super::server_kit::Answer) -> String {
    answer.json()["result"]["content"][0]["text"].as_str().expect("a text").to_owned()
}

/// HTTP-S-004, SESS-B-011: one body with its length, and nothing of a session.
#[tokio::test]
async fn an_answer_is_one_json_body() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    for id in ["7", "\"7\"", "0", "-1", "9007199254740993", "\"\""] {
        raw.write(call(id, "echo", r#"{"a":1.50}"#)).await;
        let mut answer = raw.answer().await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#)),
            "{}",
            answer.body
        );
        assert_eq!(text(&answer), r#"{"a":1.50}"#);
        answer.headers.retain(|(name, _)| name != "date");
        let names: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "content-length"]);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

/// HTTP-S-023, HTTP-S-022: a modern-only server has neither sessions nor standalone streams.
#[tokio::test]
async fn a_modern_only_server_ignores_what_is_legacy() {
    let server = Server::builder("test", "1").versions([mcp_core::message::ProtocolVersion::V2026_07_28]);
    let running = Running::start(server.build(router()).unwrap(), |_| {});
    let mut headers = headers("tools/list", None);
    headers.extend([("Mcp-Session-Id", "abc"), ("Last-Event-ID", "9")]);
    let answer = running.ask(http("POST /mcp", &headers, &body("1", "tools/list", ""))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("mcp-session-id"), None);
    for method in ["GET", "DELETE", "PUT", "PATCH"] {
        let answer = running.ask(http(&format!("{method} /mcp"), &[("Host", "localhost")], "")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
    let old = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
    let answer = running
        .ask(http("POST /mcp", &[("Host", "localhost"), ("Content-Type", "application/json")], old))
        .await;
    assert_eq!((answer.status, answer.code()), (400, -32022));
    assert_eq!(answer.json()["error"]["data"]["supported"][0], "2026-07-28");
}

/// HTTP-S-001, HTTP-S-022: on a server of both eras the header decides.
#[tokio::test]
async fn the_modern_era_has_post_alone() {
    let running = Running::start(server(), |_| {});
    for method in ["GET", "DELETE"] {
        let headers = [("Host", "localhost"), ("Mcp-Protocol-Version", "2026-07-28")];
        let answer = running.ask(http(&format!("{method} /mcp"), &headers, "")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    let answer = running.ask(http("PUT /mcp", &[("Host", "localhost")], "")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, GET, DELETE")));
}

/// HTTP-S-007, HTTP-S-010, HTTP-S-021, SSE-B-010, FAULT C-27: notifications make a stream; it ends with the answer.
#[tokio::test]
async fn notifications_make_the_answer_a_stream() {
    let running = Running::start(server(), |_| {});
    let members = r#""name":"notes","arguments":{}"#;
    let text = body("1", "tools/call", members).replace(r#""_meta":{"#, r#""_meta":{"progressToken":"p","#);
    let mut raw = running.open();
    raw.write(http("POST /mcp", &headers("tools/call", Some("notes")), &text)).await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert!(!answer.body.contains("id:") && !answer.body.contains("retry:"), "{}", answer.body);
    let events = answer.events();
    assert_eq!(events.len(), 4);
    for (event, progress) in events.iter().zip(1..=3) {
        assert_eq!(event["method"], "notifications/progress");
        assert_eq!(event["params"]["progress"], progress);
        assert_eq!(event["params"]["progressToken"], "p");
    }
    assert_eq!(events[3]["id"], 1);
    // The connection lives on.
    raw.write(call("2", "echo", "{}")).await;
    assert_eq!(raw.answer().await.json()["id"], 2);
}

/// T-23: what the client takes decides the form; what it excludes is not sent.
#[tokio::test]
async fn accept_decides_the_form() {
    let running = Running::start(server(), |_| {});
    let ask = |accept: Option<&'static str>, method: &'static str, tool: Option<&'static str>| {
        let mut headers = headers(method, tool);
        headers.retain(|(name, _)| *name != "Accept");
        headers.extend(accept.map(|accept| ("Accept", accept)));
        let members = tool.map(|tool| format!(r#""name":"{tool}","arguments":{{}}"#)).unwrap_or_default();
        let text = body("1", method, &members).replace(r#""_meta":{"#, r#""_meta":{"progressToken":"p","#);
        running.ask(http("POST /mcp", &headers, &text))
    };
    for accept in
        [None, Some("*/*"), Some("application/*, text/*"), Some("Application/JSON;q=0.5, text/event-stream")]
    {
        let answer = ask(accept, "tools/call", Some("echo")).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{accept:?}");
        let answer = ask(accept, "tools/call", Some("notes")).await;
        assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{accept:?}");
    }
    let answer = ask(Some("application/json"), "tools/call", Some("notes")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let answer = ask(Some("text/event-stream"), "tools/call", Some("echo")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(answer.events().len(), 1);
    assert_eq!(ask(Some("text/html"), "tools/call", Some("echo")).await.status, 406);
    assert_eq!(ask(Some("*/*;q=0"), "tools/call", Some("echo")).await.status, 406);
    let answer = ask(Some("application/json"), "subscriptions/listen", None).await;
    assert_eq!((answer.status, answer.json()["id"].as_i64()), (406, Some(1)));
}

/// HTTP-S-002, HTTP-S-003, T-31: notifications are taken and dropped; what is none is refused.
#[tokio::test]
async fn notifications_are_accepted_and_dropped() {
    let running = Running::start(server(), |_| {});
    let post = |text: &'static str| running.ask(http("POST /mcp", &headers("x", None), text));
    for method in ["notifications/cancelled", "notifications/initialized", "notifications/unheard/of"] {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"requestId":1}}}}"#);
        let answer = running.ask(http("POST /mcp", &headers(method, None), &text)).await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{method}");
    }
    for text in [r#"{"jsonrpc":"2.0","method":7}"#, r#"{"jsonrpc":"2.0","method":"a","params":[1]}"#] {
        let answer = post(text).await;
        assert_eq!((answer.status, answer.code()), (400, -32600), "{text}");
        assert!(answer.json().get("id").is_none());
    }
    for text in
        [r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, r#"[]"#, r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#]
    {
        let answer = post(text).await;
        assert_eq!((answer.status, answer.code()), (400, -32600), "{text}");
    }
    for text in ["{", "{\"a\":\u{0}}", "nonsense", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}}"] {
        let answer = post(text).await;
        assert_eq!((answer.status, answer.code()), (400, -32700), "{text}");
        assert!(answer.json().get("id").is_none());
    }
}

/// HTTP-S-019, HTTP-S-020: the status tells who refused.
#[tokio::test]
async fn errors_of_the_protocol_have_a_status_of_their_own() {
    let running = Running::start(server(), |_| {});
    let answer = running.ask(plain("1", "unheard/of")).await;
    assert_eq!((answer.status, answer.code()), (404, -32601));
    let answer = running.ask(plain("1", "initialize")).await;
    assert_eq!((answer.status, answer.code()), (404, -32601));
    // An unknown tool is the handler's answer.
    let answer = running.ask(call("1", "unknown", "{}")).await;
    assert_eq!((answer.status, answer.code()), (200, -32602));
    let answer = running.ask(call("1", "refuses", "{}")).await;
    assert_eq!((answer.status, answer.code()), (400, -32021));
    let good = body("1", "tools/list", "");
    for (text, code) in [
        (good.replace(r#","io.modelcontextprotocol/clientCapabilities":{}"#, ""), -32602),
        (good.replace("2026-07-28", "2999-01-01"), -32020),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned(), -32602),
    ] {
        let answer = running.ask(http("POST /mcp", &headers("tools/list", None), &text)).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{text}");
        assert_eq!(answer.json()["id"], 1);
    }
    let later = plain("1", "tools/list").replace("2026-07-28", "2999-01-01");
    let answer = running.ask(later).await;
    assert_eq!((answer.status, answer.code()), (400, -32022));
}

/// HDR-S-002, HDR-S-005, HDR-B-006, HDR-S-020, FAULT B: what the headers say has to be what the body says.
#[tokio::test]
async fn headers_that_differ_from_the_body_are_refused() {
    let running = Running::start(server(), |_| {});
    let ask = |headers: &[(&str, &str)], arguments: &str| {
        let members = format!(r#""name":"weather","arguments":{arguments}"#);
        running.ask(http("POST /mcp", headers, &body("1", "tools/call", &members)))
    };
    let good = headers("tools/call", Some("weather"));
    let with = |name: &'static str, value: &'static str| {
        let mut headers = good.clone();
        headers.push((name, value));
        headers
    };
    let without = |gone: &str| -> Vec<(&str, &str)> {
        good.iter().copied().filter(|(name, _)| *name != gone).collect()
    };
    assert_eq!(ask(&good, "{}").await.status, 200);
    assert_eq!(ask(&with("MCP-PARAM-CITY", "Bern"), r#"{"city":"Bern"}"#).await.status, 200);
    assert_eq!(ask(&with("Mcp-Param-City", "=?base64?QmVybg==?="), r#"{"city":"Bern"}"#).await.status, 200);
    for (headers, arguments) in [
        (good.clone(), r#"{"city":"Bern"}"#),
        (with("Mcp-Param-City", "Basel"), r#"{"city":"Bern"}"#),
        (with("Mcp-Param-City", "Basel"), "{}"),
        (with("Mcp-Method", "tools/call"), "{}"),
        (with("Mcp-Name", "weather"), "{}"),
        (with("Mcp-Protocol-Version", "2026-07-28"), "{}"),
        (without("Mcp-Name"), "{}"),
        (without("Mcp-Method"), "{}"),
        (without("Mcp-Protocol-Version"), "{}"),
    ] {
        let answer = ask(&headers, arguments).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "{headers:?} {arguments}");
        assert_eq!(answer.json()["id"], 1);
    }
}

/// FAULT C-50: a handler that panics costs its caller an error, and the connection nothing.
#[tokio::test]
async fn a_panic_is_an_internal_error_and_no_more() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    raw.write(call("1", "panics", "{}")).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.code()), (200, -32603));
    assert!(!answer.body.contains("own fault"));
    raw.write(call("2", "echo", "{}")).await;
    assert_eq!(raw.answer().await.status, 200);
}

/// SEC-S-014: a handler sees the request's head, and no credentials in it.
#[tokio::test]
async fn a_handler_sees_headers_without_credentials() {
    let running = Running::start(server(), |_| {});
    let mut headers = headers("tools/call", Some("head"));
    headers.extend([
        ("X-Tenant", "a"),
        ("Authorization", "Bearer s"),
        ("Cookie", "s"),
        ("Proxy-Authorization", "s"),
    ]);
    let request = body("1", "tools/call", r#""name":"head","arguments":{}"#);
    let answer = running.ask(http("POST /mcp?x=1", &headers, &request)).await;
    let seen = text(&answer);
    assert!(seen.starts_with("POST /mcp?x=1 "), "{seen}");
    assert!(seen.contains("x-tenant"), "{seen}");
    assert!(!seen.contains("authorization") && !seen.contains("cookie"), "{seen}");
}

/// HTTP-S-021, T-38: a silent handler keeps its client informed, and its answer becomes a stream.
#[tokio::test(start_paused = true)]
async fn a_silent_handler_makes_a_stream_that_shows_life() {
    let (answer, told) = mpsc::channel::<()>(1);
    let told = std::sync::Arc::new(tokio::sync::Mutex::new(told));
    let router = Router::new().tool(ToolDef::new("slow"), move |_, _| {
        let told = told.clone();
        async move {
            told.lock().await.recv().await;
            Ok::<_, HandlerError>("at last")
        }
    });
    let running = Running::start(Server::builder("test", "1").build(router).unwrap(), |_| {});
    let start = tokio::time::Instant::now();
    let mut raw = running.open();
    raw.write(call("1", "slow", "{}")).await;
    let head = raw.head().await;
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(start.elapsed().as_secs(), 15);
    for seconds in [30, 45] {
        assert_eq!(raw.chunk().await.as_deref(), Some(": \n\n"));
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
    answer.send(()).await.unwrap();
    let event = raw.chunk().await.unwrap();
    assert!(event.starts_with("data: {") && event.contains("at last"), "{event}");
    assert_eq!(raw.chunk().await, None);
}
