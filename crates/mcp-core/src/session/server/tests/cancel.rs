//! Cancelled requests: muted for good, and let go.

use super::*;

/// CANC-S-010, CANC-B-004, FAULT C-37: nothing goes out for it any more, whatever the handler says.
#[test]
fn a_cancelled_request_is_muted() {
    for line in [
        modern_meta(
            "1",
            "tools/call",
            r#""progressToken":1,"io.modelcontextprotocol/logLevel":"debug""#,
            "{}",
            "",
        ),
        bare("1", "tools/call", r#"{"_meta":{"progressToken":1}}"#),
    ] {
        let mut peer = Peer::legacy("2025-11-25", "{}");
        peer.line(&line);
        assert_eq!(peer.line(&cancelled("1")), ["cancelled #1"]);
        assert!(peer.line(&cancelled("1")).is_empty());
        assert!(peer.progress(1, 1.0).is_empty());
        assert!(peer.log(1, LogLevel::Error).is_empty());
        assert!(peer.notify(1, "com.example/x", "{}").is_empty());
        // The id is in use until the handler is back.
        assert_eq!(code(&peer.line(&line)), -32600);
        assert!(peer.result(1, "{}").is_empty());
        assert_eq!(peer.line(&line), ["request #2 tools/call"]);
    }
}

/// CANC-B-007, CANC-B-003, CANC-B-001: malformed, unknown and late cancellations are ignored.
#[test]
fn other_cancellations_are_ignored() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    peer.line(&bare("1", "tools/call", "{}"));
    for params in ["{}", r#"{"requestId":null}"#, r#"{"requestId":1.5}"#, r#"{"requestId":"1"}"#] {
        let note = format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#);
        assert!(peer.line(&note).is_empty(), "{params}");
    }
    assert!(peer.line(&cancelled("2")).is_empty());
    assert!(peer.line(&cancelled("\"i\"")).is_empty());
    assert_eq!(peer.result(1, "{}").len(), 1);
    assert!(peer.line(&cancelled("1")).is_empty());
}

/// T-18: a legacy request on a separate lane still gets its End; HTTP-S-011: the cancellation comes on
/// another lane.
#[test]
fn a_cancelled_legacy_post_is_ended() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    peer.on(5, &bare("1", "tools/call", "{}"));
    assert_eq!(peer.on(6, &cancelled("1")), ["cancelled #1", "end lane 5 Cancelled"]);
    assert!(peer.result(1, "{}").is_empty());
}

/// Promise 1: a lane on which a message was rejected is over, and so is the modern request that came on it. A legacy
/// one goes on: its client may come back for the answer.
#[test]
fn a_rejected_message_ends_the_exchange_of_its_lane() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    peer.on(5, &modern("1", "tools/call", ""));
    peer.on(6, &bare("2", "tools/call", "{}"));
    assert_eq!(peer.rejected(5, None), ["cancelled #1"]);
    assert!(peer.rejected(6, None).is_empty());
    assert!(peer.result(1, "{}").is_empty());
    assert_eq!(peer.result(2, "{}").len(), 1);
}

/// CANC-B-007: a cancellation is looked up by its id, also where each request has its own lane.
#[test]
fn a_cancellation_finds_its_request_among_many() {
    for binding in [Binding::STREAM, POSTS] {
        let mut peer = Peer::with(binding, |_| {}).open("2025-11-25", "{}");
        let shared = binding.abandon == AbandonBy::Message;
        for id in 1..=100_u64 {
            peer.on(if shared { 0 } else { id }, &bare(&id.to_string(), "tools/call", "{}"));
        }
        let lane = if shared { 0 } else { 500 };
        assert!(peer.on(lane, &cancelled("101")).is_empty());
        assert_eq!(peer.on(lane, &cancelled("77"))[0], "cancelled #77");
        assert!(peer.on(lane, &cancelled("77")).is_empty());
        assert!(peer.result(77, "{}").is_empty());
        assert_eq!(peer.session.exchanges.indexed(), 99);
    }
}

/// A client that uses one id for several requests cannot say which it means: none is cancelled.
#[test]
fn an_ambiguous_cancellation_is_ignored() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    peer.on(5, &bare("1", "tools/call", "{}"));
    peer.on(6, &bare("1", "tools/call", "{}"));
    assert!(peer.on(7, &cancelled("1")).is_empty());
}

/// T-31: a POSTed cancellation names no modern request.
#[test]
fn a_modern_post_is_not_cancelled_by_message() {
    let mut peer = Peer::with(POSTS, |_| {});
    peer.on(5, &modern("1", "tools/call", ""));
    assert!(peer.on(6, &cancelled("1")).is_empty());
    assert_eq!(peer.result(1, "{}").len(), 1);
}

/// CANC-C-008: where requests are given up by message and have separate lanes, the message comes on another
/// lane, and the request's lane is let go. So is a subscription's.
#[test]
fn a_modern_request_on_a_lane_of_its_own_is_cancelled_by_message() {
    let topics = POSTS.abandon(AbandonBy::Message).mirrors(false);
    let mut peer = Peer::with(topics, |_| {});
    peer.on(5, &modern("1", "tools/call", ""));
    assert_eq!(peer.on(6, &cancelled("1")), ["cancelled #1", "end lane 5 Cancelled"]);
    assert!(peer.result(1, "{}").is_empty());
    peer.on(7, &modern("2", "subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#));
    assert_eq!(peer.on(8, &cancelled("2")), ["end lane 7 Cancelled"]);
    for lane in [9, 10] {
        peer.on(lane, &modern("3", "tools/call", ""));
    }
    assert!(peer.on(11, &cancelled("3")).is_empty(), "which one is meant?");
}

/// CANC-C-009, FAULT C-38, HTTP-S-011, T-16: hanging up cancels a modern request, and no legacy one.
#[test]
fn hanging_up_means_opposite_things() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", "{}");
    peer.on(5, &modern("1", "tools/call", ""));
    peer.on(6, &bare("1", "tools/call", "{}"));
    assert_eq!(peer.ended(5), ["cancelled #1"]);
    assert!(peer.ended(6).is_empty());
    assert!(peer.result(1, "{}").is_empty());
    assert_eq!(peer.result(2, "{}"), [r#"@6! {"id":1,"result":{}}"#]);

    peer.on(7, &modern("1", "tools/call", ""));
    let loss = Loss::new(LossKind::Cut, "gone");
    assert_eq!(peer.world(Inbound::lost(Lane::numbered(7), loss)), ["cancelled #3"]);
}

/// T-21, ID-B-004, FAULT C-35: the second of one id is refused on a shared lane, and served on a separate lane.
#[test]
fn one_id_twice_in_flight() {
    let mut stream = Peer::new();
    stream.line(&modern("1", "tools/call", ""));
    for line in [modern("1", "tools/call", ""), modern("1", "server/discover", ""), bare("1", "ping", "{}")] {
        let lines = stream.line(&line);
        assert_eq!(code(&lines), -32600);
        assert!(lines[0].starts_with(r#"{"id":1,"#) && lines[0].ends_with(" protocol"), "{lines:?}");
    }
    assert_eq!(stream.line(&modern("\"1\"", "tools/call", "")), ["request #2 tools/call"]);
    assert_eq!(stream.result(1, "{}").len(), 1);
    assert_eq!(stream.line(&modern("1", "tools/call", "")), ["request #3 tools/call"]);

    let mut posts = Peer::with(POSTS, |_| {});
    posts.on(5, &modern("1", "tools/call", ""));
    posts.on(6, &modern("1", "tools/call", ""));
    assert!(posts.result(2, "{}")[0].starts_with("@6! "));
    assert!(posts.result(1, "{}")[0].starts_with("@5! "));
}

/// FAULT C-37: a second outcome is ignored.
#[test]
fn only_the_first_outcome_counts() {
    let mut peer = Peer::new();
    peer.line(&modern("1", "tools/call", ""));
    assert_eq!(peer.result(1, "{}").len(), 1);
    assert!(peer.result(1, "{}").is_empty());
    assert!(peer.result(99, "{}").is_empty());
}
