//! Cancellation, and its races.

use crate::error::{CloseReason, Error};
use crate::transport::EndReason;

use super::harness::*;

/// CANC-B-001, TIME-B-002: a legacy request is given up by message, then its lane ends.
#[test]
fn a_legacy_call_is_cancelled_by_message_and_end() {
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::legacy(config(), binding);
        let call = peer.call("tools/call", r#"{"name":"a"}"#);
        let sent = peer.last().clone();
        peer.cancel(call);
        assert!(matches!(peer.error(call), Error::Cancelled));
        assert_eq!(peer.last().method(), "notifications/cancelled");
        assert_eq!(peer.last().json["params"]["requestId"], sent.json["id"]);
        assert!(peer.last().json["params"]["reason"].is_string());
        assert_ne!(peer.last().lane, sent.lane);
        assert_eq!(peer.ended, [(sent.lane, EndReason::Cancelled)]);
    }
}

/// CANC-C-008, CANC-C-009: a modern one by what the binding has for it, and by nothing else.
#[test]
fn a_modern_call_is_cancelled_as_the_binding_does_it() {
    let mut pipe = Peer::modern(config(), PIPE);
    let call = pipe.call("tools/list", "");
    pipe.cancel(call);
    assert_eq!((pipe.methods(), pipe.ended.len()), (vec!["tools/list", "notifications/cancelled"], 0));
    let mut http = Peer::modern(config(), HTTP);
    let call = http.call("tools/list", "");
    let lane = http.last().lane;
    http.cancel(call);
    assert_eq!(http.methods(), ["tools/list"]);
    assert_eq!(http.ended, [(lane, EndReason::Cancelled)]);
}

/// CANC-B-005, CANC-B-006, FAULT C-37: after the answer, twice, never made, and answered late.
#[test]
fn races_have_one_outcome() {
    let mut peer = Peer::legacy(config(), PIPE);
    let answered = peer.call("tools/list", "");
    peer.answer_last("{}");
    peer.cancel(answered);
    assert_eq!(peer.result(answered), "{}");
    assert_eq!(peer.methods(), ["tools/list"]);
    let cancelled = peer.call("tools/list", "");
    let id = peer.last().json["id"].clone();
    peer.cancel(cancelled);
    peer.cancel(cancelled);
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert!(matches!(peer.error(cancelled), Error::Cancelled));
    assert_eq!(peer.methods().iter().filter(|method| **method == "notifications/cancelled").count(), 1);
    assert_eq!(peer.session.stats().late, 1);
    assert_eq!(peer.wait, None);
}

/// FAULT C-37: a call that was never written is cancelled without a word, and never written.
#[test]
fn a_queued_call_is_cancelled_silently() {
    let mut peer = Peer::on(config(), PIPE);
    let call = peer.call("tools/list", "");
    let kept = peer.call("prompts/list", "");
    peer.cancel(call);
    assert!(matches!(peer.error(call), Error::Cancelled));
    peer.answer_last(DISCOVER);
    assert_eq!(peer.methods(), ["server/discover", "prompts/list"]);
    assert!(peer.outcome(kept).is_none());
}

/// CANC-B-007, CANC-B-003: malformed and unknown cancels of the server are dropped.
#[test]
fn cancels_that_name_nothing_are_dropped() {
    for mut peer in [Peer::legacy(config(), PIPE), Peer::modern(config(), PIPE)] {
        let call = peer.call("tools/list", "");
        let id = peer.last().json["id"].to_string();
        for params in
            ["{}", r#"{"requestId":null}"#, r#"{"requestId":99}"#, &format!(r#"{{"requestId":{id}}}"#)]
        {
            peer.says(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#
            ));
        }
        peer.says(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);
        assert!(peer.events.is_empty() && peer.sent.len() == 1);
        assert_eq!(peer.session.stats().dropped_notifications, 5);
        peer.answer_last("{}");
        assert_eq!(peer.result(call), "{}");
    }
}

/// LIFE-B-019: closing says nothing; every pending call gets the reason, and it is the last event.
#[test]
fn closing_settles_everything_without_a_word() {
    let mut peer = Peer::legacy(config(), PIPE);
    let calls = [peer.call("tools/list", ""), peer.call("prompts/list", "")];
    peer.close();
    for call in calls {
        assert!(matches!(peer.error(call), Error::Closed(CloseReason::Requested)));
    }
    assert_eq!(peer.story(), ["CallDone", "CallDone", "Closed"]);
    assert_eq!((peer.sent.len(), peer.closes.len(), peer.wait), (2, 1, None));
    peer.close();
    peer.close_link();
    peer.says(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    peer.connect(PIPE);
    peer.pass(seconds(10_000));
    assert_eq!((peer.sent.len(), peer.closes.len(), peer.events.len()), (2, 1, 3));
}

/// CANC-C-009: where ending a lane is how a request ends, closing ends them.
#[test]
fn closing_ends_modern_lanes() {
    let mut peer = Peer::modern(config(), HTTP);
    peer.call("tools/list", "");
    let lane = peer.last().lane;
    peer.close();
    assert_eq!(peer.ended, [(lane, EndReason::Closing)]);
    assert_eq!(peer.sent.len(), 1);
}
