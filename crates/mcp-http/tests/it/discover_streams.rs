//! Discovery of an endpoint that answers with a stream.

use mcp_http::discover::Era;
use serde_json::{Value, json};

use crate::discover::{discovered, error, initialized, search};
use crate::scripted::{Answer, Scripted};

/// FAULT A-B16, A-B17, HTTP-C-004: an answer on a stream that stays open, after a comment, an empty event and a
/// notification.
#[tokio::test]
async fn an_answer_on_an_open_stream_is_found() {
    let server = Scripted::start(|asked| {
        let log = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}});
        let answer =
            if asked.rpc() == "initialize" { initialized(asked) } else { error(asked, -32601, Value::Null) };
        Answer::open_stream(format!(
            ": hi\n\nid: 1\ndata:\n\nevent: message\ndata: {log}\n\ndata:{answer}\n\n"
        ))
    })
    .await;
    let found = search(&server.origin).await.found.unwrap();
    assert_eq!((found.era, found.versions.len()), (Era::Legacy, 1));
}

/// SSE24-S-002, SSE24-C-009: `/sse` of a bare origin is only tried with GET. The report has the URL of the stream.
#[tokio::test]
async fn a_stream_of_http_sse_is_found_last() {
    let server = Scripted::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/sse") => Answer::open_stream("event: endpoint\ndata: /messages?session_id=1\n\n"),
        _ => Answer::status(404),
    })
    .await;
    let report = search(&server.origin).await;
    let found = report.found.unwrap();
    assert_eq!((found.url, found.via_sse, found.era), (format!("{}/sse", server.origin), true, Era::Legacy));
    assert_eq!(server.lines().len(), 11);
    assert_eq!(server.lines().last().map(String::as_str), Some("GET /sse"));
    assert_eq!(server.asked()[10].headers["accept"], "text/event-stream");
}

/// The URL of the stream is given: POST is refused there, and GET returns the event.
#[tokio::test]
async fn a_stream_of_http_sse_is_found_at_the_given_url() {
    for status in [400, 404, 405] {
        let server = Scripted::start(move |asked| match asked.method.as_str() {
            "GET" => Answer::open_stream("event: endpoint\ndata: messages\n\n"),
            _ => Answer::status(status),
        })
        .await;
        let found = search(&format!("{}/events", server.origin)).await.found.unwrap();
        assert!(found.via_sse);
        assert_eq!(
            server.lines(),
            ["POST /events server/discover", "POST /events initialize", "GET /events"]
        );
    }
}

/// T-32: an endpoint on another server would receive our credentials.
#[tokio::test]
async fn a_stream_that_leads_elsewhere_is_not_the_endpoint() {
    for first in [
        "event: endpoint\ndata: https://evil.test/messages\n\n",
        "event: endpoint\ndata: //evil.test/messages\n\n",
        "event: message\ndata: {}\n\n",
    ] {
        let server = Scripted::start(move |asked| match asked.method.as_str() {
            "GET" => Answer::open_stream(first),
            _ => Answer::status(404),
        })
        .await;
        let report = search(&format!("{}/sse", server.origin)).await;
        assert!(report.found.is_none(), "{first} {report}");
    }
}

/// SSE24-C-009: a JSON-RPC error that concerns the path or POST, and answers no request, does not identify the
/// endpoint. The HTTP+SSE stream may be at that path.
#[tokio::test]
async fn an_error_about_the_url_is_not_the_endpoint() {
    let about = |code: i64| json!({"jsonrpc": "2.0", "error": {"code": code, "message": "not here"}});
    let server = Scripted::start(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/sse") => Answer::open_stream("event: endpoint\ndata: /messages\n\n"),
        ("POST", "/sse") => Answer::json(405, &about(-32600)),
        ("POST", "/v1/mcp") => Answer::json(200, &discovered(asked)),
        _ => Answer::json(404, &about(-32601)),
    })
    .await;
    let found = search(&server.origin).await.found.unwrap();
    assert_eq!(found.url, format!("{}/v1/mcp", server.origin));
    let found = search(&format!("{}/sse", server.origin)).await.found.unwrap();
    assert!(found.via_sse);
}

/// SSE-C-005: blocks without data before the endpoint are not events.
#[tokio::test]
async fn a_stream_that_begins_with_its_retry_is_found() {
    let server = Scripted::start(|asked| match asked.method.as_str() {
        "GET" => Answer::open_stream("retry: 3000\n\nid: 0\ndata:\n\nevent: endpoint\ndata: /messages\n\n"),
        _ => Answer::status(404),
    })
    .await;
    let found = search(&format!("{}/sse", server.origin)).await.found.unwrap();
    assert!(found.via_sse);
}
