//! FAULT F-C11: departures from the protocol that do not stop a conversation, each reported once for each link.

use crate::error::Error;
use crate::warnings::Warnings;

use super::harness::*;

const NO_ID: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"boom"}}"#;
const UNKNOWN: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"what?"}}"#;

/// Peers of both eras, and whether all answers come on one lane.
fn peers() -> Vec<(Peer, bool)> {
    vec![
        (Peer::legacy(config(), PIPE), true),
        (Peer::modern(config(), PIPE), true),
        (Peer::legacy(config(), HTTP), false),
        (Peer::modern(config(), HTTP), false),
    ]
}

/// T-22: the text of a number names the request of that number, also beside others, and in progress and errors.
#[test]
fn an_id_as_text_is_accepted() {
    for (mut peer, shared) in peers() {
        let warnings = Warnings::of(|| {
            for _ in 0..3 {
                let other = peer.call("tools/call", "");
                let call = peer.call("tools/call", "");
                let (id, lane) = (peer.last().json["id"].clone(), peer.last().lane);
                let lane = if shared { 0 } else { lane };
                peer.says_on(lane, &format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{"a":1}}}}"#));
                assert_eq!(peer.result(call), r#"{"a":1}"#);
                assert!(peer.outcome(other).is_none());
                peer.cancel(other);
            }
        });
        assert_eq!(warnings, 1);
    }
    let mut peer = Peer::legacy(config(), PIPE);
    let (call, other) = (peer.call("tools/call", ""), peer.call("tools/call", ""));
    let id = peer.last().lane - 1;
    for text in
        [format!("0{id}"), format!("+{id}"), format!(" {id}"), format!("{id}.0"), format!("listen-{id}")]
    {
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":"{text}","result":{{}}}}"#));
        assert!(peer.outcome(call).is_none(), "{text}");
    }
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":7}}"#));
    assert!(matches!(peer.error(call), Error::Violation(_)));
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":"{}","error":{{"code":5,"message":"m"}}}}"#, id + 1));
    assert_eq!(peer.error(other).rpc().map(|error| error.code), Some(5));
}

/// An error without an id is the answer to the only open request, and to none of several.
#[test]
fn an_error_without_an_id_settles_the_only_request() {
    for mut peer in [Peer::legacy(config(), PIPE), Peer::modern(config(), PIPE)] {
        let warnings = Warnings::of(|| {
            for _ in 0..3 {
                let call = peer.call("tools/call", "");
                peer.says(NO_ID);
                assert_eq!(peer.error(call).rpc().map(|error| error.code), Some(-32603));
            }
        });
        assert_eq!(warnings, 1);
        let (one, two) = (peer.call("tools/call", ""), peer.call("tools/call", ""));
        peer.says(NO_ID);
        assert!(peer.outcome(one).is_none() && peer.outcome(two).is_none());
    }
}

/// Simple servers answer a notification that they do not know as if it were a request: that settles no call.
#[test]
fn a_refused_notification_settles_no_call() {
    let mut peer = Peer::legacy(config(), PIPE);
    let call = peer.call("tools/call", "");
    let id = peer.last().json["id"].clone();
    for text in [UNKNOWN, r#"{"jsonrpc":"2.0","id":null,"result":{}}"#] {
        peer.notify("notifications/roots/list_changed");
        peer.says(text);
        assert!(peer.outcome(call).is_none(), "{text}");
    }
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(peer.result(call), "{}");
    let call = peer.call("tools/call", "");
    peer.answer_last("{}");
    assert_eq!(peer.result(call), "{}");
    // Nothing but the call can be meant now.
    let call = peer.call("tools/call", "");
    peer.says(UNKNOWN);
    assert_eq!(peer.error(call).rpc().map(|error| error.code), Some(-32601));
}

/// What is not a legal answer fails the only request at once.
#[test]
fn a_broken_answer_without_an_id_fails_the_only_request() {
    for text in [
        r#"{"jsonrpc":"2.0","id":null,"result":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","result":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":"boom"}"#,
    ] {
        let mut peer = Peer::modern(config(), PIPE);
        let call = peer.call("tools/call", "");
        peer.says(text);
        assert!(matches!(peer.error(call), Error::Violation(_)), "{text}");
        let (one, two) = (peer.call("tools/call", ""), peer.call("tools/call", ""));
        peer.says(text);
        assert!(peer.outcome(one).is_none() && peer.outcome(two).is_none());
    }
}

/// Members of JSON-RPC 1.0: `null` beside the outcome says nothing.
#[test]
fn a_null_beside_the_outcome_is_accepted() {
    let mut peer = Peer::legacy(config(), PIPE);
    let warnings = Warnings::of(|| {
        let call = peer.call("tools/call", "");
        let id = peer.last().json["id"].clone();
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"a":1}},"error":null}}"#));
        assert_eq!(peer.result(call), r#"{"a":1}"#);
        let call = peer.call("tools/call", "");
        let id = peer.last().json["id"].clone();
        peer.says(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":null,"error":{{"code":5,"message":"m"}}}}"#
        ));
        assert_eq!(peer.error(call).rpc().map(|error| error.code), Some(5));
    });
    assert_eq!(warnings, 1);
    for outcome in [r#""result":null,"error":null"#, r#""error":null"#, r#""result":[],"error":null"#] {
        let call = peer.call("tools/call", "");
        let id = peer.last().json["id"].clone();
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#));
        assert!(matches!(peer.error(call), Error::Violation(_)), "{outcome}");
    }
}
