//! 2024-11-05: HTTP+SSE, found when `initialize` is refused.

use std::time::Duration;

use hyper::Method;
use mcp_core::CloseReason;
use mcp_core::client::{CallOptions, Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};

use crate::client_peer::{EventStream, Peer, builder, initialized};

const V: ProtocolVersion = ProtocolVersion::V2024_11_05;

async fn open(peer: &mut Peer, status: u16, endpoint: &str) -> (Client, EventStream) {
    let client = builder().start(peer.http()).unwrap();
    peer.post("server/discover").await.status(status);
    peer.post("initialize").await.status(status);
    let get = peer.next_of(Method::GET).await;
    assert_eq!(get.header("accept"), Some("text/event-stream"));
    let stream = get.events();
    stream.raw(format!(": hello\n\nevent: endpoint\ndata: {endpoint}\n\n"));
    let ask = peer.post("initialize").await;
    assert_eq!(ask.path, "/messages?session_id=1");
    let answer = ask.answer(&initialized(V));
    ask.reply(202, &[], None, "Accepted");
    stream.raw(format!("event: message\ndata: {answer}\n\n"));
    let note = peer.post("notifications/initialized").await;
    assert_eq!(note.path, "/messages?session_id=1");
    note.reply(200, &[], None, "ok");
    client.ready().await.unwrap();
    (client, stream)
}

/// SSE24-C-003, SSE24-C-007 to SSE24-C-009, SSE24-S-004, T-32, T-33: detected on 400, 404 and 405. All messages are
/// then sent to the endpoint, and answers arrive on the stream in any order.
#[tokio::test(start_paused = true)]
async fn an_http_sse_server_is_detected_and_used_through_its_endpoint() {
    for (status, endpoint) in [
        (404, "/messages?session_id=1"),
        (405, "http://mcp.test:8080/messages?session_id=1"),
        (400, "../messages?session_id=1"),
    ] {
        let mut peer = Peer::new();
        let (client, stream) = open(&mut peer, status, endpoint).await;
        assert_eq!(client.negotiated().unwrap().version, V);
        let call = |name| {
            let params = RawJson::object([("name", RawJson::string(name))]);
            client.call("tools/call", Some(params), CallOptions::default())
        };
        let (one, two) = (call("one"), call("two"));
        let (first, second) = (peer.post("tools/call").await, peer.post("tools/call").await);
        let answers = [&first, &second].map(|ask| ask.answer(&format!(r#"{{"path":"{}"}}"#, ask.path)));
        // One answer before the POST is answered, and one after.
        stream.event(&answers[1]);
        first.status(202);
        second.status(202);
        stream.event(&answers[0]);
        for call in [one, two] {
            assert!(String::from_utf8_lossy(call.await.unwrap().raw().as_bytes()).contains("/messages"));
        }
        stream.event(r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#);
        let pong = peer.next_of(Method::POST).await;
        assert_eq!((pong.path.as_str(), pong.text().contains(r#""id":5"#)), ("/messages?session_id=1", true));
        pong.status(202);
        // No session id, so no DELETE.
        client.close().await;
        stream.hung_up().await;
    }
}

/// FAULT F-C1: an event that spoils an answer fails its call at once, and is quoted.
#[tokio::test(start_paused = true)]
async fn a_spoiled_answer_on_the_stream_fails_its_call() {
    let mut peer = Peer::new();
    let (client, stream) = open(&mut peer, 404, "/messages?session_id=1").await;
    let call = client.request("tools/list", None);
    let ask = async {
        let ask = peer.post("tools/list").await;
        stream.event(&ask.answer(r#"{"mean":NaN}"#));
        ask.status(202);
    };
    let (outcome, ()) = tokio::join!(call, ask);
    let error = outcome.unwrap_err();
    assert!(matches!(&error, mcp_core::Error::Violation(text) if text.contains("NaN")), "{error:?}");
}

/// SSE24-S-005: the end of the stream ends the link immediately.
#[tokio::test(start_paused = true)]
async fn the_streams_end_ends_the_link() {
    let mut peer = Peer::new();
    let (client, stream) = open(&mut peer, 404, "/messages?session_id=1").await;
    let call = client.request("tools/list", None);
    let ask = async {
        let ask = peer.post("tools/list").await;
        ask.status(202);
        stream.end();
    };
    let (outcome, ()) = tokio::join!(call, ask);
    assert!(outcome.unwrap_err().is_closed());
}

/// SSE24-C-008, SSE24-C-009, T-06, T-07: the client does not try HTTP+SSE after other statuses, or after errors that
/// only a modern server sends.
#[tokio::test(start_paused = true)]
async fn http_sse_is_not_tried_after_other_refusals() {
    let modern = r#"{"code":-32022,"message":"m","data":{"supported":["1999-01-01"],"requested":"x"}}"#;
    let cases = [
        (401, ""),
        (403, ""),
        (406, ""),
        (415, ""),
        (422, ""),
        (500, ""),
        (429, ""),
        (400, modern),
        (400, r#"{"code":-32020,"message":"m"}"#),
        (400, r#"{"code":-32021,"message":"m","data":{"requiredCapabilities":{}}}"#),
        (404, r#"{"code":-32601,"message":"m"}"#),
    ];
    for (status, error) in cases {
        let mut peer = Peer::new();
        let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
        let ask = peer.post("initialize").await;
        let body = if error.is_empty() { String::new() } else { ask.refusal(error) };
        ask.json_body(status, body);
        assert!(client.ready().await.is_err(), "{status} {error}");
        peer.silence(Duration::from_secs(60)).await;
    }
}

/// T-32: an endpoint of another origin receives nothing. A stream without an endpoint, a silent stream and a missing
/// stream are not HTTP+SSE. The error is the first refusal.
#[tokio::test(start_paused = true)]
async fn without_an_http_sse_server_the_first_refusal_is_reported() {
    for turn in 0..5 {
        let mut peer = Peer::new();
        let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
        peer.post("initialize").await.reply(404, &[], None, "nothing here");
        let get = peer.next_of(Method::GET).await;
        let mut open = None;
        match turn {
            0 => get.status(404),
            1 => get.json_body(200, "{}"),
            2 => get.events().raw("event: endpoint\ndata: http://evil.test/messages\n\n"),
            3 => get.events().event(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#),
            _ => open = Some(get.events()),
        }
        let error = mcp_core::transport::ErrorChain::new(&client.ready().await.unwrap_err()).to_string();
        assert!(error.contains("404") && error.contains("nothing here"), "{turn}: {error}");
        assert!(matches!(client.closed().await, CloseReason::OpeningFailed(_)));
        peer.silence(Duration::from_secs(60)).await;
        drop(open);
    }
}

/// FAULT F-C10: a stream that cannot be used is named first, with its URL; the refusal before it is the cause.
#[tokio::test(start_paused = true)]
async fn the_fault_of_the_stream_comes_before_the_refusal() {
    let page = "<!DOCTYPE html>\n<title>Welcome</title>";
    for (other_origin, wanted) in [
        (true, "it names an endpoint of another origin, http://evil.test/messages"),
        (false, "the server's stream is not MCP"),
    ] {
        let mut peer = Peer::new();
        let client = builder().era(EraMode::Legacy(V)).start(peer.http()).unwrap();
        peer.post("initialize").await.reply(404, &[], None, "nothing here");
        let get = peer.next_of(Method::GET).await;
        let mut open = None;
        if other_origin {
            let events = get.events();
            events.raw("event: endpoint\ndata: http://evil.test/messages?secret=1\n\n");
            open = Some(events);
        } else {
            get.reply(200, &[("content-type", "text/html")], None, page);
        }
        let error = client.ready().await.unwrap_err();
        let found = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .find_map(|error| error.downcast_ref::<mcp_http::HttpError>());
        let Some(mcp_http::HttpError::NoEndpoint { url, why, source }) = found else { panic!("{error:?}") };
        assert_eq!(url, "http://mcp.test:8080/api/mcp");
        assert!(why.contains(wanted) && !why.contains("secret"), "{why}");
        assert!(source.to_string().contains("nothing here"), "{source}");
        assert_eq!(found.and_then(mcp_http::HttpError::status).map(|status| status.as_u16()), Some(404));
        drop(open);
    }
}
