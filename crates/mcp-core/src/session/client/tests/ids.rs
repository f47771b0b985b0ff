//! Request ids, lanes and tokens: fresh ones, always.

use std::collections::HashSet;

use crate::transport::LossKind;

use super::harness::*;

/// ID-B-001, ID-B-003, FAULT A-B7: never reused, not after completion and not on another link.
#[test]
fn ids_and_lanes_are_never_reused() {
    let mut peer = Peer::legacy(config(), PIPE);
    let mut ids = HashSet::new();
    let mut lanes = HashSet::new();
    let mut largest = 0;
    for round in 0..20 {
        for _ in 0..20 {
            peer.call("tools/list", "");
            if round % 2 == 0 {
                peer.answer_last("{}");
            }
        }
        let call = peer.call("tools/list", "");
        peer.cancel(call);
        peer.says(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        peer.close_link();
        peer.call("tools/list", "");
        peer.connect(PIPE);
        let sent = std::mem::take(&mut peer.sent);
        for sent in &sent {
            assert!(lanes.insert(sent.lane), "lane {} again", sent.lane);
            if !sent.method().is_empty() && !sent.json["id"].is_null() {
                assert!(ids.insert(sent.json["id"].to_string()), "id {} again", sent.json["id"]);
                largest = largest.max(sent.json["id"].as_i64().unwrap());
            }
        }
        let id = &sent.last().unwrap().json["id"];
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{INITIALIZE}}}"#));
    }
    assert!(largest > 400);
}

/// FAULT C-39: 5,000 concurrent calls get their own results, and no state remains.
#[test]
fn five_thousand_calls_at_once() {
    let mut peer = Peer::modern(config(), HTTP);
    let calls: Vec<_> = (0..5_000).map(|_| peer.call("tools/call", r#"{"name":"a"}"#)).collect();
    let sent = std::mem::take(&mut peer.sent);
    for sent in sent.iter().rev() {
        peer.says_on(
            sent.lane,
            &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"n":{}}}}}"#, sent.lane, sent.lane),
        );
    }
    assert_eq!((peer.events.len(), peer.wait), (5_000, None));
    for (call, sent) in calls.iter().zip(&sent).step_by(617) {
        assert_eq!(peer.result(*call), format!(r#"{{"n":{}}}"#, sent.lane));
    }
}

/// RPC-B-010, FAULT C-36: the server's ids are its own, in whatever form they come.
#[test]
fn the_servers_ids_are_its_own() {
    let mut peer = Peer::legacy(config(), PIPE);
    let call = peer.call("tools/list", "");
    let ours = peer.last().json["id"].to_string();
    for id in [ours.as_str(), "\"\"", "0", "-1", "9007199254740993", "1.0", "\"\\u0061\""] {
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        assert_eq!(peer.last().text, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
    peer.says(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{ours}}}}}"#
    ));
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{ours}.0,"result":{{}}}}"#));
    assert_eq!(peer.result(call), "{}");
}

/// An answer of an old link means nothing to a new one.
#[test]
fn lanes_of_an_old_link_are_dead() {
    let mut peer = Peer::legacy(config(), HTTP);
    let old = peer.call("tools/list", "");
    let lane = peer.last().lane;
    peer.close_link();
    assert!(peer.error(old).is_closed());
    let new = peer.call("tools/list", "");
    peer.connect(HTTP);
    peer.open_legacy();
    peer.lose(lane, LossKind::Cut);
    peer.says_on(lane, r#"{"jsonrpc":"2.0","result":{}}"#);
    assert!(peer.outcome(new).is_none());
    assert_eq!(peer.session.stats().late, 1);
}
