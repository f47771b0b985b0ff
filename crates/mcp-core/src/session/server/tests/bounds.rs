//! Limits: the answer names the one that was hit, and what frees capacity is always read.

use super::*;

/// docs/bounds.md, FAULT C-39: one more is answered with an error that names the limit; pings and cancels pass.
#[test]
fn requests_in_flight_are_bounded() {
    let mut peer = Peer::with(Binding::STREAM, |config| config.max_in_flight = 2).open("2025-11-25", "{}");
    peer.line(&modern("1", "tools/call", ""));
    peer.line(&bare("2", "tools/call", "{}"));
    for line in [modern("3", "tools/call", ""), bare("3", "tools/call", "{}")] {
        let lines = peer.line(&line);
        assert_eq!(code(&lines), -32603);
        assert!(lines[0].contains("2 requests in flight (max_in_flight)"), "{lines:?}");
    }
    assert_eq!(peer.line(&bare("4", "ping", "{}")).len(), 1);
    // A handler that has not come back still takes its place.
    assert_eq!(peer.line(&cancelled("1")), ["cancelled #1"]);
    assert_eq!(code(&peer.line(&modern("5", "tools/call", ""))), -32603);
    peer.result(1, "{}");
    assert_eq!(peer.line(&modern("5", "tools/call", "")), ["request #3 tools/call"]);
}

/// docs/bounds.md: the bytes of all params together are bounded, and given back.
#[test]
fn bytes_in_flight_are_bounded() {
    let mut peer = Peer::with(Binding::STREAM, |config| config.max_in_flight_bytes = 300);
    let long = modern("1", "tools/call", &format!(r#""x":"{}""#, "x".repeat(150)));
    assert_eq!(peer.line(&long), ["request #1 tools/call"]);
    let second = long.replacen("\"id\":1", "\"id\":2", 1);
    let lines = peer.line(&second);
    assert_eq!(code(&lines), -32603);
    assert!(lines[0].contains("300 bytes of params in flight (max_in_flight_bytes)"), "{lines:?}");
    peer.result(1, "{}");
    assert_eq!(peer.line(&second), ["request #2 tools/call"]);
}

/// docs/bounds.md: a legacy client's resource subscriptions are bounded; those it has are not lost.
#[test]
fn resource_subscriptions_are_bounded() {
    let mut peer = Peer::with(Binding::STREAM, |config| config.max_listens = 1).open("2025-11-25", "{}");
    let on = |uri: &str| bare("1", "resources/subscribe", &format!(r#"{{"uri":"{uri}"}}"#));
    assert_eq!(peer.line(&on("a:")).len(), 2);
    let lines = peer.line(&on("b:"));
    assert_eq!(code(&lines), -32603);
    assert!(lines[0].contains("max_listens"), "{lines:?}");
    assert_eq!(peer.line(&on("a:")).len(), 1);
}

/// docs/bounds.md: what a peer makes the session keep in other ways counts as well, and is given back.
#[test]
fn subscriptions_and_answers_count_as_bytes() {
    let mut peer = Peer::with(Binding::STREAM, |config| config.max_in_flight_bytes = 300)
        .open("2025-11-25", r#"{"roots":{}}"#);
    let long = "x".repeat(200);
    let listen = |id: &str| {
        let filter = format!(r#""notifications":{{"resourceSubscriptions":["{long}"]}}"#);
        modern(id, "subscriptions/listen", &filter)
    };
    let subscribe = bare("3", "resources/subscribe", &format!(r#"{{"uri":"{long}"}}"#));
    let unsubscribe = subscribe.replace("/subscribe", "/unsubscribe");
    assert!(peer.line(&listen("1"))[0].contains("acknowledged"));
    assert_eq!(code(&peer.line(&listen("2"))), -32603);
    assert_eq!(code(&peer.line(&subscribe)), -32603);
    peer.line(&cancelled("1"));
    assert_eq!(peer.line(&subscribe).len(), 2);
    assert_eq!(code(&peer.line(&listen("2"))), -32603);
    assert_eq!(peer.line(&unsubscribe).len(), 2);

    assert_eq!(peer.line(&bare("4", "tools/call", "{}")), ["request #2 tools/call"]);
    let asked = vec![question("a", "roots/list", "{}"), question("b", "roots/list", "{}")];
    peer.reply(2, needs(asked, None));
    let answer = |id: u64| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"x":"{long}"}}}}"#);
    assert!(peer.line(&answer(1)).is_empty());
    assert_eq!(code(&peer.line(&answer(2))), -32603);
    assert!(peer.line(&listen("2"))[0].contains("acknowledged"));
}

/// docs/bounds.md: questions to the client are bounded too.
#[test]
fn questions_are_bounded() {
    let mut peer =
        Peer::with(Binding::STREAM, |config| config.max_in_flight = 1).open("2025-11-25", r#"{"roots":{}}"#);
    peer.line(&bare("1", "tools/call", "{}"));
    let asked = vec![question("a", "roots/list", "{}"), question("b", "roots/list", "{}")];
    assert_eq!(code(&peer.reply(1, needs(asked, None))), -32603);
    peer.session.request(peer.now, None, Method::from("ping"), None);
    peer.drain();
    peer.session.request(peer.now, None, Method::from("ping"), None);
    assert!(
        matches!(&peer.drain()[..], [only] if only.starts_with("outgoing #2") && only.contains("limit 1"))
    );
}
