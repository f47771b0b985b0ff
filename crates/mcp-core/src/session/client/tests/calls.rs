//! Calls on a ready legacy link, and what comes with them.

use crate::error::Error;
use crate::session::client::{CallOptions, ClientEvent};
use crate::transport::{Envelope, Inbound, Lane, LossKind};

use super::harness::*;

/// FAULT A-B8, FAULT C-40, ID-B-005: answers in any order, with notifications between them, find their calls.
#[test]
fn answers_find_their_calls() {
    let mut peer = Peer::legacy(config(), PIPE);
    let first = peer.call("tools/call", r#"{"name":"a"}"#);
    let one = peer.last().json["id"].clone();
    let second = peer.call("tools/call", r#"{"name":"b"}"#);
    let two = peer.last().json["id"].clone();
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#);
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{two},"result":{{"r":2}}}}"#));
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{one},"result":{{"r":1}}}}"#));
    assert_eq!((peer.result(first), peer.result(second)), (r#"{"r":1}"#.into(), r#"{"r":2}"#.into()));
    assert_eq!(peer.story(), ["Notification", "CallDone", "CallDone"]);
}

/// A payload goes out and comes in byte for byte; legacy params are not touched.
#[test]
fn payloads_are_not_rebuilt() {
    let mut peer = Peer::legacy(config(), PIPE);
    let call = peer.call("tools/call", r#"{"n": 2.5e-308,"u":18446744073709551616, "u":1}"#);
    assert!(peer.last().text.ends_with(r#""params":{"n": 2.5e-308,"u":18446744073709551616, "u":1}}"#));
    peer.answer_last(r#"{"x": 1.0, "x":2}"#);
    assert_eq!(peer.result(call), r#"{"x": 1.0, "x":2}"#);
    peer.call("tools/list", "");
    assert!(!peer.last().text.contains("params"));
}

/// TIME-B-005, ERR-B-002: only the peer's error is an `Rpc`, and of the old codes one has a meaning.
#[test]
fn the_peers_error_is_the_peers() {
    let mut peer = Peer::legacy(config(), PIPE);
    let call = peer.call("resources/read", r#"{"uri":"x"}"#);
    peer.refuse_last(-32002, r#"{"uri":"x"}"#);
    assert!(peer.error(call).is_resource_not_found());
    let call = peer.call("resources/read", r#"{"uri":"x"}"#);
    peer.refuse_last(-32001, r#"{"uri":"x"}"#);
    let error = peer.error(call);
    assert!(!error.is_resource_not_found() && !error.is_timeout() && !error.is_auth() && !error.is_closed());
}

/// FAULT C-34, RPC-B-005: duplicates, unknown ids and answers to nothing are dropped and counted.
#[test]
fn answers_that_nobody_waits_for_are_counted() {
    let mut peer = Peer::legacy(config(), PIPE);
    let other = peer.call("tools/list", "");
    let call = peer.call("tools/list", "");
    let id = peer.last().json["id"].clone();
    for id in ["999", "\"1\"", "-1", "0", "1.0e0", "\"listen-999\"", "18446744073709551617"] {
        peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
    peer.says(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}"#);
    assert!(peer.outcome(call).is_none());
    peer.answer_last("{}");
    peer.cancel(other);
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let stats = peer.session.stats();
    // 0 was never an id, but is no larger than the last one: late, as far as anybody can tell.
    assert_eq!((stats.late, stats.late + stats.unknown), (3, 8));
    assert!(peer.outcome(call).is_some_and(Result::is_ok));
}

/// Promise 2: on its own lane an answer needs no id, and another id is a violation.
#[test]
fn on_a_lane_of_its_own_the_lane_decides() {
    let mut peer = Peer::legacy(config(), HTTP);
    let calls: Vec<_> = (0..3).map(|_| peer.call("tools/list", "")).collect();
    let lanes: Vec<u64> = peer.sent.iter().map(|sent| sent.lane).collect();
    peer.says_on(lanes[0], r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"no id"}}"#);
    peer.says_on(lanes[1], &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, lanes[2]));
    peer.says_on(lanes[2], &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, lanes[2]));
    assert!(peer.error(calls[0]).rpc().is_some());
    assert!(matches!(peer.error(calls[1]), Error::Violation(_)));
    assert_eq!(peer.result(calls[2]), "{}");
}

/// Promise 3, FAULT C-24: a lost or ended lane fails its call alone.
#[test]
fn a_lost_lane_fails_its_call_alone() {
    let mut peer = Peer::legacy(config(), HTTP);
    let lost = peer.call("tools/list", "");
    let lane = peer.last().lane;
    let ended = peer.call("tools/list", "");
    let other = peer.last().lane;
    let fine = peer.call("tools/list", "");
    peer.lose(lane, LossKind::Busy { after: Some(seconds(3)) });
    peer.inbound(Inbound::ended(Lane::numbered(other)));
    assert!(
        matches!(peer.error(lost), Error::Lost(loss) if loss.kind == LossKind::Busy { after: Some(seconds(3)) })
    );
    assert!(matches!(peer.error(ended), Error::Lost(loss) if loss.kind == LossKind::Cut));
    peer.answer_last("{}");
    assert_eq!(peer.result(fine), "{}");
}

/// LIFE-B-012, CANC-C-002: what the era lacks, and what the session keeps to itself, never gets to the wire.
#[test]
fn misuse_fails_before_the_wire() {
    let mut peer = Peer::legacy(config(), PIPE);
    let misuse = ["initialize", "subscriptions/listen", "notifications/x", "server/discover", "roots/list"];
    for method in misuse {
        let call = peer.call(method, "");
        assert!(matches!(peer.error(call), Error::Misuse(_)), "{method}");
    }
    let call = peer.call("tools/list", "[]");
    assert!(matches!(peer.error(call), Error::Misuse(_)));
    assert!(peer.sent.is_empty());
    for method in ["ping", "tools/list", "x/y", "logging/setLevel", "resources/subscribe"] {
        peer.call(method, "");
        assert_eq!(peer.last().method(), method);
    }
    let mut modern = Peer::modern(config(), PIPE);
    for method in ["ping", "initialize", "logging/setLevel", "resources/subscribe", "roots/list"] {
        let call = modern.call(method, "");
        assert!(matches!(modern.error(call), Error::Misuse(_)), "{method}");
    }
    assert!(modern.sent.is_empty());
    for method in ["server/discover", "tasks/get", "x/y"] {
        modern.call(method, "");
        assert_eq!(modern.last().method(), method);
    }
}

/// LIFE-B-012: logging is the one capability that calls are held to.
#[test]
fn the_log_level_needs_the_capability() {
    let mut peer = Peer::on(
        {
            let mut config = config();
            config.era =
                crate::session::client::EraMode::Legacy(crate::message::ProtocolVersion::V2025_06_18);
            config
        },
        PIPE,
    );
    let call = peer.call("logging/setLevel", r#"{"level":"info"}"#);
    let other = peer.call("tools/list", "");
    peer.answer_last(r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#);
    assert!(matches!(peer.error(call), Error::Misuse(_)));
    assert!(peer.outcome(other).is_none());
    assert_eq!(peer.last().method(), "tools/list");
}

/// PROG-B-001, PROG-B-002, PROG-B-006: the token is the request's id, and unknown tokens are dropped.
#[test]
fn progress_finds_its_call() {
    let mut peer = Peer::legacy(config(), PIPE);
    let wanted = CallOptions {
        progress: true,
        meta: Some(raw(r#"{"traceparent":"t","progressToken":"mine"}"#)),
        ..CallOptions::default()
    };
    let call = peer.call_with("tools/call", r#"{"name":"a"}"#, wanted);
    let id = peer.last().json["id"].clone();
    assert_eq!(peer.last().json["params"]["_meta"]["progressToken"], id);
    assert_eq!(peer.last().json["params"]["_meta"]["traceparent"], "t");
    let silent = peer.call("tools/call", r#"{"name":"b"}"#);
    let other = peer.last().json["id"].clone();
    assert!(peer.last().json["params"]["_meta"].is_null());
    let progress = |token: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":0.5}}}}"#
        )
    };
    // Some servers return every id as a string (T-13).
    for token in [id.to_string(), format!("\"{id}\"")] {
        peer.says(&progress(&token));
        assert!(
            matches!(peer.events.pop(), Some(ClientEvent::CallNotification { call: of, .. }) if of == call)
        );
    }
    for token in [other.to_string(), format!("\"{other}\""), "999".into(), "null".into(), "{}".into()] {
        peer.says(&progress(&token));
    }
    peer.answer_last("{}");
    peer.says(&progress(&other.to_string()));
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#);
    assert_eq!(peer.result(silent), "{}");
    assert_eq!((peer.events.len(), peer.session.stats().dropped_notifications), (1, 7));
}

/// A token in the application's own params asks for progress too, and is replaced by a unique one.
#[test]
fn a_token_in_the_params_is_replaced() {
    for mut peer in [Peer::legacy(config(), PIPE), Peer::modern(config(), PIPE)] {
        peer.call("tools/call", r#"{"name":"a","_meta":{"progressToken":"x","k":1}}"#);
        let sent = peer.last();
        assert_eq!(sent.json["params"]["_meta"]["progressToken"], sent.json["id"]);
        assert_eq!(sent.json["params"]["_meta"]["k"], 1);
        assert_eq!(sent.text.matches("progressToken").count(), 1);
    }
}

/// What a server says on a call's own lane belongs to the call; the application's envelope goes along.
#[test]
fn what_comes_on_a_calls_lane_is_the_calls() {
    let mut peer = Peer::legacy(config(), HTTP);
    let options = CallOptions { envelope: Envelope::default().with(7_u8), ..CallOptions::default() };
    let call = peer.call_with("tools/list", "", options);
    let lane = peer.last().lane;
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
    peer.says_on(lane, log);
    peer.says(log);
    assert!(
        matches!(peer.events[..], [ClientEvent::CallNotification { call: of, .. }, ClientEvent::Notification(_)] if of == call)
    );
}

/// After the end, a call fails at once.
#[test]
fn after_the_end_calls_fail_at_once() {
    let mut peer = Peer::legacy(config(), PIPE);
    peer.close();
    let call = peer.call("tools/list", "");
    assert!(peer.error(call).is_closed());
    assert!(peer.sent.is_empty());
}
