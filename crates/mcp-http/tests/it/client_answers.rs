//! Every answer that a request may get: none is lost, none hangs, and each error describes the answer.

use mcp_core::Error;
use mcp_core::client::{Call, CallOptions, Client};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::transport::LossKind;
use mcp_http::HttpError;

use crate::client_peer::{Peer, builder, discovered, said};

fn call(client: &Client) -> Call {
    let params = RawJson::object([("name", RawJson::string("a"))]);
    client.call("tools/call", Some(params), CallOptions::default())
}

fn details(error: &Error) -> (LossKind, HttpError) {
    match error {
        Error::Lost(loss) => (loss.kind, loss.source.downcast_ref::<HttpError>().unwrap().clone()),
        other => panic!("not lost: {other:?}"),
    }
}

/// Promise 5, FAULT A-B19, C-28, C-29, HTTP-C-010: the meaning of a status whose body is not a message.
#[tokio::test(start_paused = true)]
async fn a_status_without_a_message_is_a_typed_loss_and_the_link_continues() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let seconds = |n| Some(std::time::Duration::from_secs(n));
    for (status, headers, kind) in [
        (401, &[("www-authenticate", "Bearer realm=x")][..], LossKind::Unauthorized),
        (403, &[], LossKind::Unauthorized),
        (407, &[], LossKind::Unauthorized),
        (429, &[("retry-after", "7")], LossKind::busy(seconds(7))),
        (429, &[], LossKind::busy(None)),
        (503, &[("retry-after", "9")], LossKind::busy(seconds(9))),
        (503, &[], LossKind::PeerFailed),
        (500, &[], LossKind::PeerFailed),
        (502, &[("content-type", "text/html")], LossKind::PeerFailed),
        (408, &[], LossKind::TimedOut),
        (413, &[], LossKind::TooLarge),
        (431, &[], LossKind::TooLarge),
        (404, &[], LossKind::NotUnderstood),
        (405, &[], LossKind::NotUnderstood),
        (418, &[], LossKind::NotUnderstood),
    ] {
        let one = call(&client);
        peer.post("tools/call").await.reply(status, headers, None, "<p>the reason");
        let (seen, error) = details(&one.await.unwrap_err());
        assert_eq!(seen, kind, "{status}");
        let HttpError::Status(refused) = &error else { panic!("{error:?}") };
        assert_eq!((refused.status.as_u16(), refused.body.as_str()), (status, "<p>the reason"));
        assert_eq!(refused.challenge.is_some(), status == 401);
        assert!(error.to_string().contains("the reason"));
    }
}

/// Promise 5, RPC-B-008, FAULT A-B4: a JSON-RPC error in the body is the call's error, with or without its id. It is
/// ignored under a status by which the carrier refuses.
#[tokio::test(start_paused = true)]
async fn a_json_rpc_error_counts_whatever_its_status_unless_the_carrier_refuses() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for status in [200, 400, 404, 405, 408, 409, 413, 422] {
        for id in [true, false] {
            let one = call(&client);
            let ask = peer.post("tools/call").await;
            let body = if id {
                ask.refusal(r#"{"code":-32602,"message":"no"}"#)
            } else {
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"no"}}"#.to_owned()
            };
            ask.json_body(status, body);
            let error = one.await.unwrap_err();
            assert_eq!(error.rpc().map(|error| error.code), Some(-32602), "{status} {error:?}");
        }
    }
    for status in [401, 403, 429, 500, 503] {
        let one = call(&client);
        let ask = peer.post("tools/call").await;
        let body = ask.refusal(r#"{"code":-32602,"message":"no"}"#);
        ask.json_body(status, body);
        assert!(matches!(one.await.unwrap_err(), Error::Lost(_)), "{status}");
    }
}

/// FAULT A-B16, A-B32, C-26, PEERS 24: a 2xx that is not an answer is an immediate error, never a hang.
#[tokio::test(start_paused = true)]
async fn a_2xx_that_is_not_an_answer_is_an_immediate_error() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for (status, kind, body, why) in [
        (200, "text/html", "<!doctype html>", ""),
        (200, "text/plain", "data: {}\n\n", ""),
        (200, "", "{}", ""),
        (200, "application/json", "", "an empty body"),
        (200, "application/json", "7", ""),
        (200, "application/json", "\"text\"", ""),
        (200, "application/json", "{}", ""),
        (200, "application/json", "{\"jsonrpc\":\"2.0\"", ""),
        (200, "application/json", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "a request"),
        (200, "application/json", r#"{"jsonrpc":"2.0","method":"x"}"#, "a notification"),
        (200, "application/json", "[]", "an empty array"),
        (202, "", "", ""),
        (202, "application/json", "", ""),
        (204, "", "", ""),
        (200, "", "", ""),
    ] {
        let one = call(&client);
        let headers = [("content-type", kind)];
        let ask = peer.post("tools/call").await;
        ask.reply(status, if kind.is_empty() { &[] } else { &headers }, None, body);
        let (seen, error) = details(&one.await.unwrap_err());
        assert_eq!(seen, LossKind::NotUnderstood, "{status} {kind} {body}: {error}");
        assert!(matches!(error, HttpError::NotMcp(_)), "{error:?}");
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
}

/// Promise 2, RPC-B-007, FAULT A-B8: a malformed answer, and one to another request, are the peer's fault.
#[tokio::test(start_paused = true)]
async fn a_wrong_answer_is_a_violation() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for body in [r#"{"jsonrpc":"2.0","id":999,"result":{}}"#, r#"{"jsonrpc":"2.0","id":1,"result":7}"#] {
        for stream in [false, true] {
            let one = call(&client);
            let ask = peer.post("tools/call").await;
            if stream {
                ask.events().event(body)
            } else {
                ask.json_body(200, body)
            }
            let error = one.await.unwrap_err();
            assert!(matches!(error, Error::Violation(_)), "{body} {error:?}");
        }
    }
}

/// HTTP-C-004, FAULT A-B24: JSON and streams alternate, with an empty result, and with parameters and any case in the
/// type.
#[tokio::test(start_paused = true)]
async fn both_forms_of_answer_are_read_for_every_request() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for kind in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "text/event-stream",
        "Text/Event-Stream;charset=utf-8",
    ] {
        let one = call(&client);
        let ask = peer.post("tools/call").await;
        let mut body = ask.answer("{}");
        if kind.to_ascii_lowercase().starts_with("text") {
            body = format!("data: {body}\n\n");
        }
        ask.reply(200, &[("content-type", kind)], None, body);
        assert_eq!(one.await.unwrap().raw().as_bytes(), b"{}");
    }
}

/// FAULT A-B33, FAULT B: unbounded memory; PEERS 8. The error names the limit, and the link continues.
#[tokio::test(start_paused = true)]
async fn bodies_and_events_are_bounded_and_the_limit_is_named() {
    let mut peer = Peer::new();
    let http = peer.http().configure(|config| {
        config.limits.body = 2000;
        config.limits.event = 1000;
    });
    let client = builder().start(http).unwrap();
    peer.post("server/discover").await.result(discovered());
    client.ready().await.unwrap();
    let long = said(&"x".repeat(3000));
    for stream in [false, true] {
        let one = call(&client);
        let ask = peer.post("tools/call").await;
        let body = ask.answer(&long);
        let name = if stream { "SSE event limit of 1000" } else { "HTTP reply body limit of 2000" };
        if stream {
            ask.events().event(&body)
        } else {
            ask.json_body(200, body)
        }
        let error = one.await.unwrap_err();
        assert_eq!(details(&error).0, LossKind::TooLarge);
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains(name), "{error}");
    }
    let one = call(&client);
    peer.post("tools/call").await.result(&said("short"));
    one.await.unwrap();
}

/// FAULT C-1, C-24: a connection that breaks before its answer loses its call. The next call gets a new connection.
#[tokio::test(start_paused = true)]
async fn a_cut_connection_loses_only_its_call() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let other = call(&client);
    let waiting = peer.post("tools/call").await;
    let one = call(&client);
    drop(peer.post("tools/call").await);
    assert_eq!(details(&one.await.unwrap_err()).0, LossKind::Cut);
    waiting.result(&said("ok"));
    other.await.unwrap();
    let two = call(&client);
    peer.post("tools/call").await.result(&said("ok"));
    two.await.unwrap();
}

/// FAULT A-B4, C-42, T-06 to T-09: the answer to the first POST determines the era.
#[tokio::test(start_paused = true)]
async fn the_first_post_decides_the_era() {
    // Any of these answers means legacy.
    for (status, kind, body) in [
        (404, "text/html", "<p>"),
        (400, "", "bad request"),
        (405, "", ""),
        (406, "", ""),
        (200, "text/html", "<p>"),
        (202, "", ""),
        (404, "application/json", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"m"}}"#),
        (
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: no session"}}"#,
        ),
        (200, "application/json", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"m"}}"#),
        (200, "application/json", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
    ] {
        let mut peer = Peer::new();
        let client = builder().start(peer.http()).unwrap();
        let headers = [("content-type", kind)];
        let probe = peer.post("server/discover").await;
        probe.reply(status, if kind.is_empty() { &[] } else { &headers }, None, body);
        peer.handshake(ProtocolVersion::V2025_11_25, None).await;
        assert_eq!(client.ready().await.unwrap().version, ProtocolVersion::V2025_11_25, "{status} {body}");
    }
    // A refusal by the carrier does not reveal the era (row 1).
    for status in [401, 403, 408, 429, 500, 502] {
        let mut peer = Peer::new();
        let client = builder().start(peer.http()).unwrap();
        peer.post("server/discover").await.status(status);
        let error = client.ready().await.unwrap_err();
        assert!(
            mcp_core::transport::ErrorChain::new(&error).to_string().contains(&status.to_string()),
            "{error}"
        );
    }
    // An error that only a modern server sends (rows 2, 5).
    let mut peer = Peer::new();
    let client = builder().start(peer.http()).unwrap();
    let probe = peer.post("server/discover").await;
    let body = probe.refusal(
        r#"{"code":-32022,"message":"m","data":{"supported":["2026-07-28"],"requested":"2026-07-28"}}"#,
    );
    probe.json_body(400, body);
    peer.post("server/discover").await.result(discovered());
    assert!(client.ready().await.unwrap().version.is_modern());
}

/// FAULT F-C17, promise 5: a JSON-RPC error in an event counts on any status, like one in JSON.
#[tokio::test(start_paused = true)]
async fn a_json_rpc_error_as_an_event_counts_whatever_its_status() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for status in [400, 404, 405, 422] {
        for end in ["\n\n", "\n", ""] {
            let one = call(&client);
            let ask = peer.post("tools/call").await;
            let body =
                format!("id: 1\ndata:\n\ndata: {}{end}", ask.refusal(r#"{"code":-32602,"message":"no"}"#));
            ask.reply(status, &[("content-type", "text/event-stream")], None, body);
            let error = one.await.unwrap_err();
            assert_eq!(error.rpc().map(|error| error.code), Some(-32602), "{status} {error:?}");
        }
    }
}

/// FAULT F-C17: a probe that is refused by an event reveals the era: the error lists the server's versions.
#[tokio::test(start_paused = true)]
async fn a_probe_refused_by_an_event_is_understood() {
    let mut peer = Peer::new();
    let client = builder().start(peer.http()).unwrap();
    let ask = peer.post("server/discover").await;
    let error =
        r#"{"code":-32022,"message":"v","data":{"supported":["2025-06-18"],"requested":"2026-07-28"}}"#;
    let body = format!("data: {}\n\n", ask.refusal(error));
    ask.reply(400, &[("content-type", "text/event-stream")], None, body);
    // Without the list it would be the newest one.
    peer.handshake(ProtocolVersion::V2025_06_18, None).await;
    peer.next_of(hyper::Method::GET).await.status(405);
    client.ready().await.unwrap();
}

/// FAULT F-C9: the error names the method, the content type and the text, and is not marked as an error of the
/// opening.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_mcp_is_described() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let one = call(&client);
    let html = "\n<title>Sign in</title>\n<p>more";
    peer.post("tools/call").await.reply(200, &[("content-type", "text/html; charset=utf-8")], None, html);
    let (_, error) = details(&one.await.unwrap_err());
    let HttpError::NotMcp(answer) = &error else { panic!("{error:?}") };
    assert!(!answer.is_opening());
    for part in ["tools/call", "text/html; charset=utf-8", "`<title>Sign in</title>`"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    // The answer to a request that opens a conversation says that the URL is probably another one.
    let mut peer = Peer::new();
    let client = builder().start(peer.http()).unwrap();
    for method in ["server/discover", "initialize"] {
        peer.post(method).await.reply(200, &[("content-type", "text/html")], None, html);
    }
    let error = client.ready().await.unwrap_err();
    let found = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .find_map(|error| error.downcast_ref::<HttpError>());
    assert!(matches!(found, Some(HttpError::NotMcp(answer)) if answer.is_opening()), "{error:?}");
}

/// FAULT F-C12, F-C11: replies in an unusual frame are accepted.
#[tokio::test(start_paused = true)]
async fn replies_in_an_unusual_frame_are_accepted() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for (status, kind, before, after) in [
        (200, "text/event-stream", "data: ", "\n"),
        (200, "text/event-stream", "data: ", ""),
        (200, "text/event-stream", "event: response\ndata: ", "\n\n"),
        (200, "text/event-stream", "", ""),
        (200, "text/event-stream", " \n", "\n"),
        (202, "application/json", "", ""),
    ] {
        let one = call(&client);
        let ask = peer.post("tools/call").await;
        let body = format!("{before}{}{after}", ask.answer(&said("ok")));
        ask.reply(status, &[("content-type", kind)], None, body);
        assert!(one.await.unwrap().raw().to_string().contains("ok"), "{status} {before:?} {after:?}");
    }
    let one = call(&client);
    let stream = peer.post("tools/call").await.events();
    stream.raw("event: error\ndata: out of tokens\n\n");
    stream.end();
    let error = mcp_core::transport::ErrorChain::new(&one.await.unwrap_err()).to_string();
    assert!(error.contains("error") && error.contains("out of tokens"), "{error}");
}

/// FAULT F-C11: 409, 503 and others may report a lost session.
#[tokio::test(start_paused = true)]
async fn a_lost_session_is_understood_from_other_statuses() {
    for (status, body, lost) in [
        (409, "Session not found", true),
        (410, "this session has ended and no longer exists", true),
        (422, "unknown session", true),
        (410, "gone", false),
        (503, "the session has expired", true),
        (503, "too many sessions", false),
        (409, "conflict", false),
        (409, "the note does not exist", false),
    ] {
        let mut peer = Peer::new();
        let client = peer.legacy(ProtocolVersion::V2025_11_25, Some("s")).await;
        let one = call(&client);
        peer.post("tools/call").await.reply(status, &[], None, body);
        if lost {
            // The call was not executed, so it is sent again in a new session.
            peer.handshake(ProtocolVersion::V2025_11_25, Some("t")).await;
        } else {
            assert!(!matches!(details(&one.await.unwrap_err()).0, LossKind::SessionLost { .. }), "{status}");
        }
    }
}

/// FAULT F-C4: a request that only reads is sent once more if a reused connection ends without an answer. A tool call
/// is not.
#[tokio::test(start_paused = true)]
async fn only_requests_that_read_are_sent_again() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for method in ["tools/list", "resources/list", "resources/read", "prompts/get"] {
        let params = RawJson::object([("name", RawJson::string("a")), ("uri", RawJson::string("a"))]);
        let one = client.call(method, Some(params), CallOptions::default());
        drop(peer.post(method).await);
        peer.post(method)
            .await
            .result(r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#);
        one.await.unwrap();
    }
    let one = call(&client);
    drop(peer.post("tools/call").await);
    assert_eq!(details(&one.await.unwrap_err()).0, LossKind::Cut);
    peer.silence(std::time::Duration::from_secs(60)).await;
}
