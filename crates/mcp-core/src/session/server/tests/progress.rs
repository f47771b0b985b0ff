//! Progress, and other notifications of a request.

use super::*;

fn progress(token: &str, rest: &str) -> String {
    format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{token},{rest}}}}}"#)
}

/// PROG-B-002, PROG-B-003, PROG-B-004: by the token of this request, type and all; only upwards; not after
/// the outcome.
#[test]
fn progress_increases_and_ends() {
    for token in ["1", "\"1\"", "0", "\"\""] {
        let mut peer = Peer::new();
        peer.line(&modern_meta("1", "tools/call", &format!(r#""progressToken":{token}"#), "{}", ""));
        assert_eq!(peer.progress(1, 0.0), [progress(token, r#""progress":0"#)]);
        assert_eq!(peer.progress(1, 0.25), [progress(token, r#""progress":0.25"#)]);
        for not_more in [0.25, 0.1, -1.0, f64::NAN, f64::INFINITY] {
            assert!(peer.progress(1, not_more).is_empty());
        }
        assert_eq!(peer.progress(1, 2.0), [progress(token, r#""progress":2"#)]);
        peer.result(1, "{}");
        assert!(peer.progress(1, 3.0).is_empty());
    }
}

/// PROG-B-001: no token, or none that is legal, pending for nothing.
#[test]
fn without_a_token_there_is_no_progress() {
    for meta in ["", r#""progressToken":1.5"#, r#""progressToken":null"#, r#""progressToken":{}"#] {
        let mut peer = Peer::new();
        peer.line(&modern_meta("1", "tools/call", meta, "{}", ""));
        assert!(peer.progress(1, 1.0).is_empty(), "{meta}");
    }
}

/// PROG-B-005: `message` came with 2025-03-26.
#[test]
fn the_message_depends_on_the_revision() {
    for (version, message) in [("2024-11-05", ""), ("2025-03-26", r#","message":"half""#)] {
        let mut peer = Peer::legacy(version, "{}");
        peer.line(&bare("1", "tools/call", r#"{"_meta":{"progressToken":"t"}}"#));
        peer.session.progress(peer.now, ExchangeId(1), 1.0, Some(2.5), Some("half"));
        assert_eq!(peer.drain(), [progress("\"t\"", &format!(r#""progress":1,"total":2.5{message}"#))]);
    }
}

/// PROG-S-007: on the lane of its request, and not as the last word.
#[test]
fn progress_stays_on_its_lane() {
    let mut peer = Peer::with(POSTS, |_| {});
    peer.on(5, &modern_meta("1", "tools/call", r#""progressToken":1"#, "{}", ""));
    peer.on(6, &modern_meta("1", "tools/call", r#""progressToken":1"#, "{}", ""));
    assert_eq!(peer.progress(2, 1.0), [format!("@6 {}", progress("1", r#""progress":1"#))]);
}

/// A notification that is given raw passes the same gates.
#[test]
fn raw_progress_is_checked_too() {
    let mut peer = Peer::new();
    peer.line(&modern_meta("1", "tools/call", r#""progressToken":1"#, "{}", ""));
    let method = "notifications/progress";
    assert_eq!(peer.notify(1, method, r#"{"progressToken":1,"progress":5,"x":1}"#).len(), 1);
    assert!(peer.notify(1, method, r#"{"progressToken":1,"progress":5}"#).is_empty());
    assert!(peer.notify(1, method, r#"{"progressToken":"1","progress":6}"#).is_empty());
    assert!(peer.progress(1, 4.0).is_empty());
}

/// SUB-S-009, CANC-S-012: what does not belong to a request is dropped; an extension's own goes out.
#[test]
fn what_may_not_travel_with_a_request_is_dropped() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    peer.line(&modern("1", "tools/call", ""));
    peer.line(&bare("2", "tools/call", "{}"));
    for method in [
        "notifications/tools/list_changed",
        "notifications/resources/updated",
        "notifications/subscriptions/acknowledged",
        "notifications/cancelled",
        "notifications/initialized",
        "tools/call",
    ] {
        assert!(peer.notify(1, method, "{}").is_empty(), "{method}");
    }
    assert!(peer.notify(2, "notifications/cancelled", r#"{"requestId":1}"#).is_empty());
    assert!(peer.notify(2, "com.example/x", "[]").is_empty());
    assert_eq!(peer.notify(2, "notifications/tools/list_changed", "{}").len(), 1);
    assert_eq!(peer.notify(1, "com.example/x", "{}"), [r#"{"method":"com.example/x","params":{}}"#]);
}
