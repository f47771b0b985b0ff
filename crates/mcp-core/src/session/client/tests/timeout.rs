//! The clocks of calls.

use std::time::Duration;

use crate::error::Error;
use crate::session::SubscriptionFilter;
use crate::session::client::CallOptions;
use crate::transport::EndReason;

use super::harness::*;

fn timed_out(peer: &Peer, call: crate::session::CallId) -> (&'static str, Duration) {
    match peer.error(call) {
        Error::TimedOut { what, after, .. } => (what, *after),
        other => panic!("{other:?}"),
    }
}

/// TIME-B-001, TIME-B-002, FAULT A-B9: 60 s without an answer; the call is cancelled at the peer; a late answer is dropped,
/// and does not become the next call's.
#[test]
fn a_silent_call_times_out() {
    let mut peer = Peer::legacy(config(), PIPE);
    let call = peer.call("tools/call", r#"{"name":"slow"}"#);
    let sent = peer.last().clone();
    assert_eq!(peer.wait, Some(seconds(60)));
    peer.pass(millis(59_999));
    assert!(peer.outcome(call).is_none());
    peer.pass(millis(1));
    assert_eq!(timed_out(&peer, call), ("no answer", seconds(60)));
    assert_eq!(peer.last().json["params"]["requestId"], sent.json["id"]);
    assert_eq!(peer.last().json["params"]["reason"], "timed out");
    assert_eq!(peer.ended, [(sent.lane, EndReason::TimedOut)]);
    let next = peer.call("tools/call", r#"{"name":"fast"}"#);
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"slow":1}}}}"#, sent.json["id"]));
    peer.answer_last(r#"{"fast":1}"#);
    assert_eq!(peer.result(next), r#"{"fast":1}"#);
}

/// TIME-B-002, CANC-C-008, CANC-C-009: per era and binding.
#[test]
fn a_modern_call_is_given_up_as_the_binding_does_it() {
    let mut pipe = Peer::modern(config(), PIPE);
    pipe.call("tools/list", "");
    pipe.pass(seconds(60));
    assert_eq!((pipe.last().method(), pipe.ended.len()), ("notifications/cancelled", 0));
    let mut http = Peer::modern(config(), HTTP);
    http.call("tools/list", "");
    http.pass(seconds(60));
    assert_eq!((http.sent.len(), http.ended.len()), (1, 1));
}

/// TIME-B-003, FAULT A-B14: per call, from when the application asked; a call that is too late already
/// never gets to the wire.
#[test]
fn deadlines_run_from_the_command() {
    let mut peer = Peer::legacy(config(), PIPE);
    peer.pass(seconds(100));
    let options = CallOptions { timeout: Some(seconds(5)), ..CallOptions::default() };
    let issued = peer.now() - seconds(3);
    let call = peer.session.call(peer.now(), issued, "tools/list".into(), None, options.clone(), ());
    peer.drain();
    assert_eq!(peer.wait, Some(seconds(102)));
    peer.pass(seconds(2));
    assert_eq!(timed_out(&peer, call), ("no answer", seconds(5)));
    let sent = peer.sent.len();
    let late = peer.session.call(peer.now(), issued, "tools/list".into(), None, options, ());
    peer.drain();
    assert_eq!((timed_out(&peer, late).0, peer.sent.len()), ("no answer", sent));
}

/// TIME-B-001: a call that waits for the opening has the same clock, and is not written afterwards.
#[test]
fn a_queued_call_times_out_silently() {
    let mut peer = Peer::on(config(), PIPE);
    let options = CallOptions { timeout: Some(seconds(2)), ..CallOptions::default() };
    let call = peer.call_with("tools/list", "", options);
    peer.pass(seconds(2));
    assert_eq!(timed_out(&peer, call).0, "no answer");
    peer.answer_last(DISCOVER);
    assert_eq!(peer.methods(), ["server/discover"]);
}

/// TIME-B-004: progress resets the idle limit if asked, and the hard maximum holds all the same.
#[test]
fn progress_resets_the_idle_limit_up_to_the_maximum() {
    for reset in [true, false] {
        let mut peer = Peer::legacy(config(), PIPE);
        let options = CallOptions {
            timeout: Some(seconds(10)),
            maximum: Some(seconds(35)),
            progress: true,
            reset_on_progress: reset,
            ..CallOptions::default()
        };
        let call = peer.call_with("tools/call", r#"{"name":"a"}"#, options);
        let token = peer.last().json["id"].clone();
        for step in 1..=5 {
            peer.pass(seconds(8));
            peer.says(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{step}}}}}"#));
        }
        let expected =
            if reset { ("no answer, only progress,", seconds(35)) } else { ("no answer", seconds(10)) };
        assert_eq!(timed_out(&peer, call), expected);
    }
}

/// TIME-B-004: after progress, its absence is what is reported.
#[test]
fn no_progress_is_said_so() {
    let mut peer = Peer::legacy(config(), PIPE);
    let options = CallOptions { reset_on_progress: true, ..CallOptions::default() };
    let call = peer.call_with("tools/call", r#"{"name":"a"}"#, options);
    let token = peer.last().json["id"].clone();
    peer.pass(seconds(50));
    peer.says(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#));
    peer.pass(millis(59_999));
    assert!(peer.outcome(call).is_none());
    peer.pass(millis(1));
    assert_eq!(timed_out(&peer, call), ("no progress", seconds(60)));
}

/// `Duration::MAX` means no limit.
#[test]
fn a_call_without_limits_waits() {
    let mut peer = Peer::legacy(config(), PIPE);
    let options =
        CallOptions { timeout: Some(Duration::MAX), maximum: Some(Duration::MAX), ..CallOptions::default() };
    let call = peer.call_with("tools/list", "", options);
    assert_eq!(peer.wait, None);
    peer.pass(seconds(1_000_000));
    peer.answer_last("{}");
    assert_eq!(peer.result(call), "{}");
}

/// TIME-B-002: a request of the session's own that runs out of time is taken back, as a call is.
#[test]
fn a_silent_request_of_its_own_is_taken_back() {
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::legacy(config(), binding);
        let filter =
            SubscriptionFilter { resource_subscriptions: vec!["a".into()], ..SubscriptionFilter::default() };
        peer.listen(filter);
        let asked = peer.last().clone();
        peer.pass(seconds(60));
        assert_eq!(peer.methods(), ["resources/subscribe", "notifications/cancelled"]);
        assert_eq!(peer.last().json["params"]["requestId"], asked.json["id"]);
        assert_eq!(peer.ended, [(asked.lane, EndReason::TimedOut)]);
        assert_eq!(peer.story(), ["ListenStarted"]);
    }
}
