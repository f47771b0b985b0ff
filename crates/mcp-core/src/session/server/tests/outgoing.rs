//! The server's own requests to a legacy client.

use super::*;
use crate::session::OutgoingId;

fn ask(peer: &mut Peer, method: &'static str) -> Result<(), Error> {
    peer.session.request(peer.now, Method::from(method), None).map(drop)
}

/// RPC-B-010, RPC-B-008: an id space of its own; results and errors come back by id.
#[test]
fn a_request_is_answered() {
    let mut peer = Peer::legacy("2025-11-25", r#"{"roots":{}}"#);
    ask(&mut peer, "roots/list").unwrap();
    ask(&mut peer, "ping").unwrap();
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
        let refused = matches!(ask(peer, method), Err(Error::Misuse(_)));
        refused && peer.drain().is_empty()
    };
    let mut fresh = Peer::new();
    fresh.line(&modern("1", "tools/call", ""));
    assert!(misuse(&mut fresh, "ping"));
    fresh.line(&bare("0", "initialize", r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}"#));
    assert!(misuse(&mut fresh, "roots/list"));
    assert!(ask(&mut fresh, "ping").is_ok());
    let mut open = Peer::legacy("2025-11-25", "{}");
    for method in ["roots/list", "sampling/createMessage", "elicitation/create", "tools/call"] {
        assert!(misuse(&mut open, method), "{method}");
    }
    assert!(misuse(&mut open, "notifications/message"));
    assert!(ask(&mut open, "com.example/own").is_ok());
}

/// TIME-B-002, CANC-B-001, CANC-B-005: given up by us or by the clock, the client is told; the answer is late then.
#[test]
fn a_request_is_given_up() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    ask(&mut peer, "ping").unwrap();
    ask(&mut peer, "ping").unwrap();
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

/// Promise 6: without a stream to the client the request is lost at once.
#[test]
fn a_request_without_a_route_is_lost() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    ask(&mut peer, "ping").unwrap();
    peer.drain();
    assert_eq!(peer.no_route(0), ["outgoing #1 lost: no stream to the client"]);
}
