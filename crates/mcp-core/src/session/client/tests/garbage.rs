//! Malformed messages, and batches.

use bytes::Bytes;

use crate::error::{CloseReason, Error};
use crate::message::{ProtocolVersion, Refusal, Shape};
use crate::session::client::EraMode;
use crate::transport::{Inbound, Lane};

use super::harness::*;

fn refused(peer: &mut Peer, lane: u64, refusal: Refusal) {
    peer.inbound(Inbound::refused(refusal, Lane::numbered(lane)));
}

/// T-35, FAULT C-10, A-B13: up to `max_garbage` consecutive unreadable lines are skipped, and the error names the limit.
#[test]
fn garbage_is_skipped_up_to_a_limit() {
    let mut config = config();
    config.max_garbage = 3;
    let mut peer = Peer::modern(config, PIPE);
    let call = peer.call("tools/list", "");
    for _ in 0..3 {
        peer.says("Server listening on stdio");
        peer.says("{}");
        peer.says("7");
        peer.says(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#);
    }
    assert_eq!(peer.session.stats().garbage, 9);
    for _ in 0..3 {
        peer.says("{");
    }
    assert!(peer.outcome(call).is_none());
    peer.says("{");
    assert!(peer.error(call).is_closed());
    assert!(
        matches!(peer.session.close_reason(), Some(CloseReason::Violation(why)) if why.contains("more than 3"))
    );
    assert!(matches!(peer.closes[..], [CloseReason::Violation(_)]));
}

/// Strict: the first line of garbage is one too many.
#[test]
fn zero_is_strict() {
    let mut config = config();
    config.max_garbage = 0;
    let mut peer = Peer::on(config, PIPE);
    peer.says("banner");
    assert!(peer.session.close_reason().is_some());
}

/// RPC-B-005, RPC-B-007, RPC-B-008, A-B32: an answer that is none fails its call, and no other.
#[test]
fn a_malformed_answer_fails_its_call() {
    for outcome in [
        r#""result":null"#,
        r#""result":[]"#,
        r#""error":{"code":1.5,"message":""}"#,
        r#""result":{},"error":{"code":1,"message":""}"#,
    ] {
        let mut peer = Peer::modern(config(), PIPE);
        let other = peer.call("tools/list", "");
        let call = peer.call("tools/list", "");
        let id = peer.last().json["id"].clone();
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#));
        assert!(matches!(peer.error(call), Error::Violation(_)), "{outcome}");
        assert!(peer.outcome(other).is_none());
    }
}

/// FAULT C-7, C-45: an answer beyond a limit fails its call, and names the limit; also where all that
/// could be read of it was the id.
#[test]
fn a_limit_is_named() {
    for shape in [Shape::Response, Shape::Unknown] {
        let mut peer = Peer::modern(config(), PIPE);
        let call = peer.call("tools/list", "");
        let id = peer.last().lane as i64;
        refused(&mut peer, 0, Refusal::too_long(Some(id.into()), shape, "line", 16_777_216));
        assert!(matches!(peer.error(call), Error::Limit { what, limit: 16_777_216 } if what == "line"));
    }
    let mut peer = Peer::modern(config(), HTTP);
    let call = peer.call("tools/list", "");
    let lane = peer.last().lane;
    refused(&mut peer, lane, Refusal::too_long(None, Shape::Unknown, "body", 5));
    assert!(matches!(peer.error(call), Error::Limit { limit: 5, .. }));
    let deep = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"a":{}}}}}"#, lane + 1, "[".repeat(200));
    let call = peer.call("tools/list", "");
    peer.says(&deep);
    assert!(matches!(peer.error(call), Error::Limit { what, limit: 128 } if what == "JSON depth"));
}

/// ID-B-002, ID-B-006, RPC-B-004: a legacy server's bad request gets its error; a bad notification nothing.
#[test]
fn a_bad_request_is_answered_by_a_legacy_client() {
    let mut peer = Peer::legacy(config(), PIPE);
    peer.says(r#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#);
    assert_eq!(
        (&peer.last().json["id"], &peer.last().json["error"]["code"]),
        (&"x".into(), &(-32600).into())
    );
    peer.says(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#);
    assert!(peer.last().json.get("id").is_none());
    peer.says(r#"{"jsonrpc":"2.0","method":"x","params":[]}"#);
    assert_eq!((peer.sent.len(), peer.session.stats().dropped_notifications), (2, 1));
}

fn at(version: &str) -> Peer {
    let mut config = config();
    config.era = EraMode::Legacy(ProtocolVersion::parse(version).unwrap());
    config.capabilities = raw(r#"{"roots":{}}"#);
    let mut peer = Peer::on(config, PIPE);
    peer.answer_last(&format!(r#"{{"protocolVersion":"{version}","capabilities":{{}}}}"#));
    peer.forget();
    peer
}

/// RPC-B-018, RPC-B-019, RPC-B-024: in the one revision that has them, every item counts for itself.
#[test]
fn a_batch_is_taken_apart() {
    let mut peer = at("2025-03-26");
    let call = peer.call("tools/list", "");
    let id = peer.last().json["id"].clone();
    peer.says(&format!(
        r#"[{{"jsonrpc":"2.0","id":1,"method":"ping"}},{{"jsonrpc":"2.0","id":{id},"result":{{}}}},7,{{"jsonrpc":"2.0","method":"notifications/x"}},{{"jsonrpc":"2.0","id":2,"method":"roots/list"}}]"#
    ));
    assert_eq!(peer.result(call), "{}");
    assert_eq!(peer.story(), ["CallDone", "Notification", "Input"]);
    assert_eq!((peer.sent.len(), peer.session.stats().garbage), (2, 1));
}

/// RPC-B-022, RPC-B-023: in any other revision it is refused as a whole, once if it asks something, and
/// the calls that it answers fail.
#[test]
fn a_batch_is_refused_elsewhere() {
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let mut peer = at(version);
        let call = peer.call("tools/list", "");
        let id = peer.last().json["id"].clone();
        peer.says(&format!(
            r#"[{{"jsonrpc":"2.0","id":1,"method":"ping"}},{{"jsonrpc":"2.0","id":{id},"result":{{}}}},{{"jsonrpc":"2.0","id":2,"method":"ping"}}]"#
        ));
        assert!(matches!(peer.error(call), Error::Violation(_)));
        assert_eq!((peer.sent.len(), peer.last().json["error"]["code"].as_i64()), (2, Some(-32600)));
    }
    let mut peer = Peer::modern(config(), PIPE);
    let call = peer.call("tools/list", "");
    let id = peer.last().json["id"].clone();
    peer.says(&format!(r#"[{{"jsonrpc":"2.0","id":{id},"result":{{}}}}]"#));
    assert!(matches!(peer.error(call), Error::Violation(_)));
    assert_eq!(peer.sent.len(), 1);
    peer.says("[]");
    assert_eq!(peer.session.stats().garbage, 1);
}

/// FAULT C-8: what is not UTF-8 is skipped.
#[test]
fn bad_text_is_skipped() {
    let mut peer = Peer::modern(config(), PIPE);
    let crate::message::Decoded::One(Err(refusal)) =
        crate::message::decode(Bytes::from_static(b"{\"\xff\"}"))
    else {
        panic!()
    };
    refused(&mut peer, 0, refusal);
    assert_eq!(peer.session.stats().garbage, 1);
}
