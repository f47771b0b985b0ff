//! The server's own requests to a legacy client.

use super::*;
use crate::session::OutgoingId;

fn ask(peer: &mut Peer, method: &'static str) {
    peer.session.request(peer.now, None, Method::from(method), None);
}

/// RPC-B-010, RPC-B-008: a separate id space; results and errors come back by id.
#[test]
fn a_request_is_answered() {
    let mut peer = Peer::legacy("2025-11-25", r#"{"roots":{}}"#);
    ask(&mut peer, "roots/list");
    ask(&mut peer, "ping");
    assert_eq!(peer.drain(), [r#"{"id":1,"method":"roots/list"}"#, r#"{"id":2,"method":"ping"}"#]);
    assert_eq!(peer.line(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#), ["outgoing #2 {}"]);
    assert_eq!(
        peer.line(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#),
        ["outgoing #1 the peer answered: no (-32601)"]
    );
    assert!(peer.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).is_empty());
}

/// RPC-S-011, LIFE-S-006, LIFE-B-012: refused before the wire.
#[test]
fn a_request_that_may_not_be_is_misuse() {
    let misuse = |peer: &mut Peer, method| {
        ask(peer, method);
        matches!(&peer.drain()[..], [only] if only.starts_with("outgoing #") && only.contains("misuse"))
    };
    let mut fresh = Peer::new();
    fresh.line(&modern("1", "tools/call", ""));
    assert!(misuse(&mut fresh, "ping"));
    fresh.line(&bare("0", "initialize", r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}"#));
    assert!(misuse(&mut fresh, "roots/list"));
    ask(&mut fresh, "ping");
    assert_eq!(fresh.drain().len(), 1);
    let mut open = Peer::legacy("2025-11-25", "{}");
    for method in ["roots/list", "sampling/createMessage", "elicitation/create", "tools/call"] {
        assert!(misuse(&mut open, method), "{method}");
    }
    assert!(misuse(&mut open, "notifications/message"));
    ask(&mut open, "com.example/own");
    assert_eq!(open.drain().len(), 1);
}

/// TIME-B-002, CANC-B-001, CANC-B-005: given up by us or by the clock, it is cancelled at the client; the answer is late then.
#[test]
fn a_request_is_given_up() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    ask(&mut peer, "ping");
    ask(&mut peer, "ping");
    peer.drain();
    peer.session.cancel_request(peer.now, OutgoingId(1));
    let told = |id: u64| format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#);
    assert_eq!(peer.drain(), [told(1), "outgoing #1 cancelled".into()]);
    peer.session.cancel_request(peer.now, OutgoingId(1));
    assert!(peer.drain().is_empty());
    assert_eq!(
        peer.wait(Duration::from_secs(600)),
        [told(2), "outgoing #2 timed out: no answer after 600s".into()]
    );
    assert!(peer.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).is_empty());
}

/// Promise 6: a request that has nowhere to go is lost at once, and it alone.
#[test]
fn a_rejected_request_is_lost_and_no_other() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    for _ in 0..3 {
        ask(&mut peer, "ping");
    }
    peer.drain();
    assert_eq!(
        peer.rejected(0, Some(2)),
        ["outgoing #2 no answer: no route to the peer: no stream to the client"]
    );
    assert!(peer.rejected(0, Some(2)).is_empty());
    assert_eq!(peer.line(r#"{"jsonrpc":"2.0","id":3,"result":{}}"#), ["outgoing #3 {}"]);
    assert_eq!(peer.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), ["outgoing #1 {}"]);
}

/// Promise 6: a notification that has nowhere to go takes no request with it.
#[test]
fn a_rejected_notification_fails_no_request() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    ask(&mut peer, "ping");
    peer.drain();
    peer.publish(crate::session::Change::ToolsList);
    assert!(peer.rejected(0, None).is_empty());
    assert_eq!(peer.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), ["outgoing #1 {}"]);
}

/// Promise 6: one question of a round that cannot be asked ends the round; the others are taken back.
#[test]
fn a_rejected_question_fails_its_request() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", r#"{"roots":{}}"#);
    peer.on(5, &bare("1", "tools/call", "{}"));
    peer.on(6, &bare("2", "tools/call", "{}"));
    let round = || needs(vec![question("a", "roots/list", "{}"), question("b", "roots/list", "{}")], None);
    peer.reply(1, round());
    peer.reply(2, round());
    let lines = peer.rejected(5, Some(1));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], r#"@5 {"method":"notifications/cancelled","params":{"requestId":2}}"#);
    assert!(lines[1].starts_with(r#"@5! {"id":1,"error""#), "{lines:?}");
    peer.on(7, r#"{"jsonrpc":"2.0","id":3,"result":{"roots":[]}}"#);
    let again = peer.on(8, r#"{"jsonrpc":"2.0","id":4,"result":{"roots":[]}}"#);
    assert_eq!(again, ["request #2 tools/call"]);
}

/// A lane that has no route loses all that was asked on it; one that was cut loses nothing: a legacy client
/// answers by another way.
#[test]
fn a_lane_without_a_route_loses_what_was_asked_on_it() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    ask(&mut peer, "ping");
    ask(&mut peer, "ping");
    peer.drain();
    let cut = Loss::new(LossKind::Cut, "gone");
    assert!(peer.world(Inbound::lost(Lane::SHARED, cut)).is_empty());
    let lost =
        |number: u64| format!("outgoing #{number} no answer: no route to the peer: no stream to the client");
    assert_eq!(peer.no_route(0), [lost(1), lost(2)]);
}
