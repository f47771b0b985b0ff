//! Subscriptions and rounds of input, over HTTP.

use std::time::Duration;

use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_core::session::{Change, InputRequired};

use super::server_kit::{Running, body, call, headers, http, soon};
use super::server_modern::server;

/// SUB-S-008, SUB-S-009, SUB-S-011: a subscription is a stream at once, hears of changes, and ends when the server
/// stops.
#[tokio::test(start_paused = true)]
async fn a_subscription_is_a_stream_until_the_server_stops() {
    let server = server();
    let mut running = Running::start(server.clone(), |config| config.timeouts.drain = Duration::from_secs(5));
    let mut raw = running.open();
    let text = body("\"s\"", "subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#);
    raw.write(http("POST /mcp", &headers("subscriptions/listen", None), &text)).await;
    assert_eq!(raw.head().await.header("content-type"), Some("text/event-stream"));
    let first = raw.chunk().await.unwrap();
    assert!(first.contains("notifications/subscriptions/acknowledged"), "{first}");
    server.publish(Change::ToolsList);
    let change = raw.chunk().await.unwrap();
    assert!(change.contains("notifications/tools/list_changed"), "{change}");
    assert_eq!(raw.chunk().await.as_deref(), Some(": \n\n"), "silence is broken by a comment");
    running.stop();
    let last = raw.chunk().await.unwrap();
    assert!(last.contains(r#""id":"s","result""#), "{last}");
    assert_eq!(raw.chunk().await, None);
    assert_eq!(running.stopped().await.cut, 0);
}

/// SUB-C-010, HTTP-S-012: a client that closes the stream has ended its subscription; nothing of it is left.
#[tokio::test(start_paused = true)]
async fn a_closed_stream_ends_the_subscription() {
    let server = server();
    let running = Running::start(server.clone(), |_| {});
    let text = body("1", "subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#);
    let mut raw = running.open();
    raw.write(http("POST /mcp", &headers("subscriptions/listen", None), &text)).await;
    assert_eq!(raw.head().await.status, 200);
    assert!(raw.chunk().await.is_some());
    assert_eq!(server.links(), 1);
    drop(raw);
    soon(async {
        while server.links() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// MRTR-S-001, MRTR-S-004, MRTR-S-006, HTTP-S-020: what a handler needs goes out as an answer, and not to a client that
/// cannot give it.
#[tokio::test]
async fn a_round_of_input_is_an_answer() {
    let router = Router::new().tool(ToolDef::new("ask"), |_, context| async move {
        match context.input_responses() {
            Some(_) => Ok::<mcp_core::server::ToolReply, HandlerError>("thanks".into()),
            None => Ok(InputRequired::ask("roots", "roots/list", None).into()),
        }
    });
    let running = Running::start(Server::builder("test", "1").build(router).unwrap(), |_| {});
    let answer = running.ask(call("1", "ask", "{}")).await;
    assert_eq!((answer.status, answer.code()), (400, -32021));
    assert!(answer.json()["error"]["data"]["requiredCapabilities"]["roots"].is_object());
    for (more, kind) in [("", "input_required"), (r#","inputResponses":{"roots":{"roots":[]}}"#, "complete")]
    {
        let members = format!(r#""name":"ask","arguments":{{}}{more}"#);
        let text =
            body("1", "tools/call", &members).replace(r#"Capabilities":{}"#, r#"Capabilities":{"roots":{}}"#);
        let answer = running.ask(http("POST /mcp", &headers("tools/call", Some("ask")), &text)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["result"]["resultType"], kind, "{}", answer.body);
    }
}
