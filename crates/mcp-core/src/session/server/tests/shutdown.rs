//! The ends of a session: read-closed, drained, closed, gone.

use super::*;

/// STDIO-S-011, FAULT C-3: what was accepted is answered, then the link is closed; nothing new is read.
#[test]
fn read_closed_is_not_write_closed() {
    let mut peer = Peer::new();
    peer.line(&modern("1", "tools/call", ""));
    peer.session.handle_read_closed(peer.now);
    assert!(peer.drain().is_empty());
    assert!(peer.line(&modern("2", "tools/call", "")).is_empty());
    assert_eq!(
        peer.result(1, "{}"),
        [r#"{"id":1,"result":{"resultType":"complete"}}"#, "close the peer closed"]
    );
    assert!(matches!(peer.session.poll_output(), Output::Wait(None)));
}

/// STDIO-S-011: neither a subscription nor a cancelled request holds the end up.
#[test]
fn read_closed_waits_for_nobody_else() {
    let mut peer = Peer::new();
    peer.line(&modern("1", "subscriptions/listen", r#""notifications":{}"#));
    peer.line(&modern("2", "tools/call", ""));
    peer.line(&cancelled("2"));
    peer.session.handle_read_closed(peer.now);
    assert_eq!(peer.drain(), ["close the peer closed"]);
    assert!(peer.result(1, "{}").is_empty());
}

/// Questions that the client can no longer answer fail at once.
#[test]
fn read_closed_fails_the_questions() {
    let mut peer = Peer::legacy("2025-11-25", r#"{"roots":{}}"#);
    peer.line(&bare("1", "tools/call", "{}"));
    peer.reply(1, needs(vec![question("k", "roots/list", "{}")], None));
    peer.session.request(peer.now, None, Method::from("roots/list"), None);
    peer.drain();
    peer.session.handle_read_closed(peer.now);
    let lines = peer.drain();
    assert!(lines[0].starts_with(r#"{"id":1,"error":{"code":-32603"#), "{lines:?}");
    assert_eq!(lines[1..], ["outgoing #1 closed: the peer closed", "close the peer closed"]);
}

/// Draining refuses new requests, answers old ones, and says when it is done, once.
#[test]
fn draining() {
    let mut peer = Peer::legacy("2025-11-25", r#"{"roots":{}}"#);
    peer.line(&bare("1", "tools/call", "{}"));
    peer.session.drain(peer.now);
    assert!(peer.drain().is_empty());
    assert_eq!(code(&peer.line(&modern("2", "tools/call", ""))), -32603);
    assert_eq!(code(&peer.line(&modern("3", "subscriptions/listen", r#""notifications":{}"#))), -32603);
    assert_eq!(peer.line(&bare("4", "ping", "{}")).len(), 1);
    // Questions go on.
    peer.reply(1, needs(vec![question("k", "roots/list", "{}")], None));
    assert_eq!(peer.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), ["request #1 tools/call"]);
    assert_eq!(peer.result(1, "{}"), [r#"{"id":1,"result":{}}"#, "drained"]);
    peer.session.drain(peer.now);
    assert!(peer.drain().is_empty());
    assert_eq!(peer.line(&bare("5", "ping", "{}")).len(), 1);
}

/// Promise 3, 4, LIFE-B-019: no message says goodbye; what is not done gets no outcome; separate lanes are ended.
#[test]
fn closing() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    peer.on(5, &modern("1", "tools/call", ""));
    peer.on(6, &bare("1", "tools/call", "{}"));
    peer.session.request(peer.now, None, Method::from("ping"), None);
    peer.drain();
    peer.session.close(peer.now, CloseReason::Requested);
    assert_eq!(
        peer.drain(),
        [
            "end lane 5 Closing",
            "end lane 6 Closing",
            "cancelled #1",
            "cancelled #2",
            "outgoing #1 closed: by this program",
            "close by this program",
        ]
    );
    assert!(peer.on(7, &modern("1", "server/discover", "")).is_empty());
    assert!(peer.result(1, "{}").is_empty());
    ping(&mut peer);
    assert_eq!(peer.drain(), ["outgoing #2 closed: the peer closed"]);
}

/// The link is gone: every exchange is cancelled, nothing is sent, and pending requests fail.
#[test]
fn a_dead_link_cancels_everything() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    peer.line(&bare("1", "tools/call", "{}"));
    ping(&mut peer);
    peer.session.handle_closed(peer.now, None, CloseReport::default());
    assert_eq!(peer.drain(), ["cancelled #1", "outgoing #1 closed: the peer closed"]);
    assert!(peer.publish(crate::session::Change::ToolsList).is_empty());
    assert!(matches!(peer.session.poll_output(), Output::Wait(None)));
}

fn ping(peer: &mut Peer) {
    peer.session.request(peer.now, None, Method::from("ping"), None);
}
