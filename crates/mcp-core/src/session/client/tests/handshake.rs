//! The legacy handshake.

use crate::error::{CloseReason, Error};
use crate::message::ProtocolVersion::{self, V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25};
use crate::session::client::EraMode;
use crate::transport::{Inbound, Lane};

use super::harness::*;

fn opening(version: ProtocolVersion, binding: crate::transport::Binding) -> Peer {
    let mut config = config();
    config.era = EraMode::Legacy(version);
    config.capabilities = raw(r#"{"roots":{"listChanged":true}}"#);
    Peer::on(config, binding)
}

/// LIFE-C-002, LIFE-C-004, LIFE-C-005, LIFE-C-007, LIFE-C-013: the first message is complete, and on an ordered link calls
/// follow `initialized` at once.
#[test]
fn on_an_ordered_link_calls_follow_initialized_at_once() {
    let mut peer = opening(ProtocolVersion::LATEST_LEGACY, PIPE);
    peer.call("tools/list", "");
    assert_eq!(
        peer.sent[0].text,
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{"listChanged":true}},"clientInfo":{"name":"c","version":"1"}}}"#
    );
    assert_eq!(peer.methods(), ["initialize"]);
    peer.answer_last(INITIALIZE);
    assert_eq!(peer.methods(), ["initialize", "notifications/initialized", "tools/list"]);
    assert_eq!(peer.story(), ["Ready"]);
    assert_eq!(peer.sent[0].version, None);
    assert!(peer.sent[1..].iter().all(|sent| sent.version == Some(V2025_11_25)));
}

/// Promise 7: where order is not kept, calls wait until `initialized` is delivered. Some servers answer
/// it with an empty result.
#[test]
fn on_an_unordered_link_calls_wait_for_initialized() {
    for answered in [false, true] {
        let mut peer = opening(ProtocolVersion::LATEST_LEGACY, HTTP);
        peer.call("tools/list", "");
        peer.says_on(1, &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{INITIALIZE}}}"#));
        assert_eq!(peer.methods(), ["initialize", "notifications/initialized"]);
        assert_eq!(peer.story(), [""; 0]);
        let lane = peer.last().lane;
        if answered {
            peer.says_on(lane, r#"{"jsonrpc":"2.0","result":{}}"#);
        } else {
            peer.inbound(Inbound::delivered(Lane::numbered(lane)));
        }
        assert_eq!(peer.methods().last(), Some(&"tools/list"));
        assert_eq!(peer.story(), ["Ready"]);
    }
}

/// LIFE-C-010, FAULT C-43, FAULT A-B22: an older counter-offer is taken, any other closes the session
/// without `initialized`.
#[test]
fn counter_offers() {
    let mut peer = opening(ProtocolVersion::LATEST_LEGACY, PIPE);
    peer.answer_last(r#"{"protocolVersion":"2024-11-05","capabilities":{},"serverInfo":{}}"#);
    assert!(peer.is_ready(V2024_11_05));
    for version in ["2023-01-01", "2026-07-28", ""] {
        let mut peer = opening(ProtocolVersion::LATEST_LEGACY, PIPE);
        let call = peer.call("tools/list", "");
        peer.answer_last(&format!(r#"{{"protocolVersion":"{version}","capabilities":{{}}}}"#));
        let Some(CloseReason::NoCommonVersion { ours, theirs }) = peer.session.close_reason() else {
            panic!("{:?}", peer.session.close_reason())
        };
        assert!(ours.iter().all(|version| version.is_legacy()));
        assert_eq!(theirs, &[version]);
        assert!(peer.error(call).is_closed());
        assert_eq!((peer.methods(), peer.closes.len()), (vec!["initialize"], 1));
    }
}

// LIFE-C-010, FAULT C-43, FAULT A-B22.
/// A known revision is taken only if this client is set up for it.
#[test]
fn a_counter_offer_is_one_of_ours() {
    let mut config = config();
    config.era = EraMode::Legacy(V2025_11_25);
    config.versions = vec![V2025_11_25, V2025_06_18];
    for (version, taken) in [("2025-06-18", true), ("2024-11-05", false)] {
        let mut peer = Peer::on(config.clone(), PIPE);
        peer.answer_last(&format!(
            r#"{{"protocolVersion":"{version}","capabilities":{{}},"serverInfo":{{}}}}"#
        ));
        assert_eq!(peer.is_ready(V2025_06_18), taken, "{version}");
        let refused = matches!(peer.session.close_reason(), Some(CloseReason::NoCommonVersion { .. }));
        assert_eq!(refused, !taken, "{version}");
    }
}

/// META-B-001, META-B-013: what is not known in capabilities and `_meta` is kept, and changes nothing.
#[test]
fn unknown_members_are_kept() {
    let mut peer = opening(ProtocolVersion::LATEST_LEGACY, PIPE);
    peer.answer_last(
        r#"{"protocolVersion":"2025-11-25","capabilities":{"x":7,"tools":{"y":[1.0]}},"_meta":{"io.modelcontextprotocol/z":null}}"#,
    );
    let capabilities = &peer.session.negotiated().unwrap().capabilities;
    assert_eq!(capabilities.to_string(), r#"{"x":7,"tools":{"y":[1.0]}}"#);
    let call = peer.call("tools/list", "");
    let result = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":[],"progressToken":{}}}"#;
    peer.answer_last(result);
    assert_eq!(peer.result(call), result);
}

/// LIFE-S-003: a result without a version is a broken promise.
#[test]
fn a_result_without_a_version_is_a_violation() {
    let mut peer = opening(ProtocolVersion::LATEST_LEGACY, PIPE);
    peer.answer_last("{}");
    assert!(
        matches!(peer.session.close_reason(), Some(CloseReason::OpeningFailed(error)) if matches!(**error, Error::Violation(_)))
    );
}

/// LIFE-B-018, CANC-C-002, FAULT C-37: `initialize` runs into the start limit; nothing is said of it.
#[test]
fn a_silent_server_is_not_started() {
    let mut peer = opening(ProtocolVersion::LATEST_LEGACY, PIPE);
    peer.pass(seconds(60));
    assert!(matches!(peer.session.close_reason(), Some(CloseReason::NotStarted { .. })));
    assert_eq!(peer.methods(), ["initialize"]);
    assert!(peer.ended.is_empty());
}

/// PING-B-001, LIFE-S-006, FAULT A-B15: before the handshake is done, ping is answered, and nothing else.
#[test]
fn before_the_handshake_only_ping_is_answered() {
    let mut peer = Peer::on(config(), PIPE);
    peer.says(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    assert_eq!(peer.last().text, r#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    peer.says(r#"{"jsonrpc":"2.0","id":2,"method":"roots/list"}"#);
    assert_eq!(peer.last().json["error"]["code"], -32600);
    // A server that tells of changes before it has answered is put up with.
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    assert_eq!(peer.story(), ["Notification"]);
    let lanes: Vec<u64> = peer.sent.iter().map(|sent| sent.lane).collect();
    assert_eq!(lanes, [1, 2, 3]);
}

/// LIFE-C-004, LIFE-C-015: notifications of the application wait as calls do, and reserved ones never go.
#[test]
fn notifications_wait_for_the_handshake() {
    let mut peer = opening(V2025_03_26, PIPE);
    peer.notify("notifications/roots/list_changed");
    peer.notify("notifications/cancelled");
    peer.notify("notifications/initialized");
    assert_eq!(peer.methods(), ["initialize"]);
    peer.answer_last(INITIALIZE);
    assert_eq!(
        peer.methods(),
        ["initialize", "notifications/initialized", "notifications/roots/list_changed"]
    );
}

/// Row 7: a DiscoverResult came, and `initialize` is never answered. When the start limit is over, that is
/// a failure of `initialize` like any other: the peer is modern.
#[test]
fn a_modern_peer_that_ignores_initialize_is_modern() {
    let mut peer = Peer::on(config(), PIPE);
    let probe = peer.last().json["id"].clone();
    peer.pass(seconds(11));
    assert_eq!(peer.methods(), ["server/discover", "initialize"]);
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{probe},"result":{DISCOVER}}}"#));
    assert!(peer.story().is_empty());
    peer.pass(seconds(60));
    assert_eq!(peer.story(), ["Ready"]);
    assert!(peer.closes.is_empty());
}
