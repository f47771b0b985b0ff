//! FAULT F-C1: an error of time describes what came of the answer.

use std::time::Duration;

use mcp_core::client::{CallOptions, Client};
use mcp_core::transport::ErrorChain;
use mcp_http::HttpError;

use crate::client_peer::{Peer, builder, discovered, said};

fn calls(client: &Client) -> mcp_core::client::Call {
    client.call("tools/call", None, CallOptions::default().timeout(Duration::from_secs(5)))
}

/// What came of an answer, by its content type and its pieces, and how it is described.
const ROWS: [(&str, &[&str], &str); 5] = [
    ("application/json", &[], "the answer to tools/call is not complete: application/json"),
    (
        "application/json; charset=utf-8",
        &["{\"jsonrpc\":\"2.0\",", "\"id\":"],
        "application/json; charset=utf-8, beginning with `{\"jsonrpc\":\"2.0\",\"id\":`",
    ),
    ("text/event-stream", &[], "not complete: text/event-stream"),
    ("text/event-stream", &[": wor", "king\n\nda"], "text/event-stream, beginning with `: working`"),
    ("text/event-stream", &["\u{1b}[2Jx"], "beginning with `[2Jx`"),
];

/// The session's own limit of a call.
#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_call_says_what_came() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for (kind, pieces, wanted) in ROWS {
        let call = calls(&client);
        let stream = peer.post("tools/call").await.streamed(kind);
        for piece in pieces {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.raw(*piece);
        }
        let error = call.await.unwrap_err();
        let evidence = error.evidence().unwrap_or_default();
        assert!(error.is_timeout() && evidence.ends_with(wanted), "{kind} {pieces:?}: {error}");
    }
    // What is over says nothing of later calls.
    let call = calls(&client);
    let stream = peer.post("tools/call").await;
    let answer = stream.answer(&said("late"));
    let stream = stream.streamed("application/json");
    let (start, end) = answer.split_at(10);
    stream.raw(start);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stream.raw(end);
    drop(stream);
    call.await.unwrap();
    let call = calls(&client);
    let _silent = peer.post("tools/call").await;
    assert_eq!(call.await.unwrap_err().evidence(), None);
}

/// The limits of the HTTP client.
#[tokio::test(start_paused = true)]
async fn the_limits_of_an_exchange_say_what_came() {
    for (kind, pieces, wanted) in ROWS {
        let mut peer = Peer::new();
        let http = peer.http().configure(|config| config.net.timeouts.idle = Some(Duration::from_secs(2)));
        let client = builder().start(http).unwrap();
        peer.post("server/discover").await.result(discovered());
        client.ready().await.unwrap();
        let call = calls(&client);
        let stream = peer.post("tools/call").await.streamed(kind);
        for piece in pieces {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.raw(*piece);
        }
        let error = call.await.unwrap_err();
        let mcp_core::Error::Lost(loss) = &error else { panic!("{error:?}") };
        let http = loss.source.downcast_ref::<HttpError>().unwrap();
        assert!(
            matches!(http, HttpError::TimedOut { came: Some(came), .. } if came.ends_with(wanted)),
            "{http}"
        );
        assert!(ErrorChain::new(&error).to_string().contains(wanted), "{error}");
    }
}

/// FAULT F-C1: an event that spoils an answer fails its call at once, and is quoted. What shows no answer is quoted when
/// the stream ends.
#[tokio::test(start_paused = true)]
async fn a_spoiled_answer_in_an_event_fails_its_call() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for result in [r#"{"mean":NaN}"#, r#"{"method":"x","a":[1,]}"#, "undefined"] {
        for (before, after) in [("", ""), ("debug: ", ""), ("", " done")] {
            let one = calls(&client);
            let ask = peer.post("tools/call").await;
            let text = ask.answer(result);
            let stream = ask.events();
            stream.event(&format!("{before}{text}{after}"));
            let error = one.await.unwrap_err();
            assert!(
                matches!(&error, mcp_core::Error::Violation(text) if text.contains("`")),
                "{result} {error:?}"
            );
            drop(stream);
        }
    }
    let mut peer = Peer::new();
    let client = builder().configure(|config| config.max_garbage = u32::MAX).start(peer.http()).unwrap();
    peer.post("server/discover").await.result(discovered());
    let one = calls(&client);
    let stream = peer.post("tools/call").await.events();
    stream.event("out of memory");
    stream.end();
    let error = ErrorChain::new(&one.await.unwrap_err()).to_string();
    assert!(error.contains("an event is not a message: `out of memory`"), "{error}");
}
