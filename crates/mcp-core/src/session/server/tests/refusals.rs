//! Malformed messages.

use super::*;

/// RPC-B-001, ID-B-002, ID-B-006, T-03, T-35: one answer for each, the id echoed where it could be read.
#[test]
fn garbage_is_answered_once() {
    let cases = [
        ("{", None, -32700),
        ("7", None, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, None, -32600),
        (r#"{"jsonrpc":"1.0","id":4,"method":"x"}"#, Some("4"), -32600),
        (r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":[]}"#, Some("\"a\""), -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#, None, -32600),
    ];
    for (line, id, expected) in cases {
        let lines = Peer::new().line(line);
        assert_eq!(code(&lines), expected, "{line}");
        let head = id.map_or(r#"{"error":"#.into(), |id| format!(r#"{{"id":{id},"error":"#));
        assert!(lines[0].starts_with(&head) && lines[0].ends_with(" protocol"), "{lines:?}");
    }
}

/// RPC-B-004, promise 3: a malformed notification or response is silent on a stream; on a separate lane
/// the carrier wants_log of it, without an id.
#[test]
fn what_is_never_answered_is_told_to_the_carrier_alone() {
    for line in [
        r#"{"jsonrpc":"2.0","method":"x","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
    ] {
        assert!(Peer::new().line(line).is_empty());
        let lines = Peer::with(POSTS, |_| {}).on(5, line);
        assert_eq!(code(&lines), -32600);
        assert!(lines[0].starts_with(r#"@5! {"error":"#), "{lines:?}");
    }
}

/// Promise 3: a lane that brought no request carries nothing back. FAULT C-34: a second answer is dropped.
#[test]
fn lanes_without_a_request_stay_silent() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", r#"{"roots":{}}"#);
    assert_eq!(
        peer.on(5, r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#),
        ["notification notifications/roots/list_changed"]
    );
    peer.session.request(peer.now, None, Method::from("roots/list"), None);
    peer.drain();
    assert_eq!(
        peer.on(6, r#"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"#),
        [r#"outgoing #1 {"roots":[]}"#]
    );
    assert!(peer.on(7, r#"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"#).is_empty());
    assert_eq!(peer.session.stats().stray_responses, 1);
}
