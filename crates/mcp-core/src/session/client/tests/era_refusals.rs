//! How real servers and bridges refuse a version or an era, over a whole opening.
// FAULT F-C2.

use crate::error::{CloseReason, Error};
use crate::message::ProtocolVersion::{V2025_06_18, V2025_11_25, V2026_07_28};
use crate::session::client::{EraMode, KnownEra};
use crate::transport::{ConnectError, Lane, LossKind};

use super::harness::*;

const OLDER: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#;

fn asked(peer: &Peer) -> &str {
    peer.last().json["params"]["protocolVersion"].as_str().unwrap()
}

/// `initialize` refused with a list of revisions, whatever its code and the name of the list: once more at the best
/// common one.
#[test]
fn a_handshake_refused_with_a_list_is_repeated_at_its_best() {
    let refusals = [
        (-32602, r#"{"supported":["2024-11-05","2025-06-18"],"requested":"2025-11-25"}"#),
        (-32602, r#"{"supported":"2025-06-18"}"#),
        (-32000, r#"{"supportedVersions":["2025-06-18"]}"#),
        (-32600, r#"{"supportedProtocolVersions":["2025-06-18","2026-07-28"]}"#),
        (-32022, r#"{"supported_versions":["2025-06-18"]}"#),
        (-32602, r#"["2024-11-05","2025-06-18"]"#),
        (-32602, r#""2025-06-18""#),
        (-32603, r#"{"requestedVersion":"2025-11-25","serverVersion":"2025-06-18"}"#),
        (-32000, r#"{"versions":["2025-06-18"],"hint":"x"}"#),
    ];
    for (code, data) in refusals {
        for binding in [PIPE, HTTP] {
            let mut peer = Peer::on(config(), binding);
            peer.refuse_last(-32601, "");
            assert_eq!(asked(&peer), "2025-11-25");
            peer.refuse_last(code, data);
            assert_eq!((peer.methods().len(), asked(&peer)), (3, "2025-06-18"), "{data}");
            peer.answer_last(OLDER);
            let lane = peer.last().lane;
            peer.inbound(crate::transport::Inbound::delivered(Lane::numbered(lane)));
            assert!(peer.is_ready(V2025_06_18));
        }
    }
}

/// Once, not for ever.
#[test]
fn a_second_refusal_is_an_error() {
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32601, "");
    for _ in 0..2 {
        peer.refuse_last(-32602, r#"{"supported":["2025-06-18"]}"#);
    }
    assert_eq!(peer.methods(), ["server/discover", "initialize", "initialize"]);
    let Some(CloseReason::OpeningFailed(error)) = peer.session.close_reason() else { panic!() };
    assert_eq!(error.rpc().unwrap().code, -32602);
}

/// The probe itself refused in the legacy way.
#[test]
fn a_probe_refused_with_a_legacy_list_decides_the_version() {
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::on(config(), binding);
        peer.refuse_last(-32602, r#"{"supported":["2025-06-18","2024-11-05"],"requested":"2026-07-28"}"#);
        assert_eq!((peer.methods().len(), asked(&peer)), (2, "2025-06-18"));
    }
}

/// Data that lists other things does not list revisions.
#[test]
fn a_list_of_other_things_decides_nothing() {
    for data in [
        r#"{"supported":["tools","prompts"]}"#,
        r#"{"supported":[]}"#,
        r#"{"supported":{"a":1}}"#,
        "[1]",
        r#"{"expires":"2026-12-01"}"#,
        r#""2026-12-01""#,
        r#"{"requested":"2025-06-18"}"#,
    ] {
        let mut peer = Peer::on(config(), HTTP);
        peer.refuse_last(-32602, data);
        assert_eq!((peer.methods().len(), asked(&peer)), (2, "2025-11-25"), "{data}");
        peer.refuse_last(-32602, data);
        assert!(matches!(peer.session.close_reason(), Some(CloseReason::OpeningFailed(_))), "{data}");
    }
}

/// Nothing in common: both lists are in the error, whatever the code.
#[test]
fn a_refused_handshake_without_a_common_version_names_both_lists() {
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32601, "");
    peer.refuse_last(-32602, r#"{"supported":["2023-01-01"]}"#);
    let text = peer.session.close_reason().unwrap().to_string();
    assert!(text.contains("2025-11-25") && text.contains("2023-01-01"), "{text}");
    assert_eq!(peer.methods(), ["server/discover", "initialize"]);
}

/// A server that names only a modern revision to `initialize` is asked in the modern way, once.
#[test]
fn a_handshake_refused_with_a_modern_list_turns_modern() {
    let mut known = config();
    known.known_era = Some(KnownEra { version: V2025_11_25 });
    let mut peer = Peer::on(known, HTTP);
    peer.refuse_last(-32602, r#"{"supported":["2026-07-28"]}"#);
    assert_eq!(peer.methods(), ["initialize", "server/discover"]);
    peer.answer_last(DISCOVER);
    assert!(peer.is_ready(V2026_07_28));
}

/// A pinned version that the server does not have: the next best that it lists.
#[test]
fn a_pinned_version_gives_way_to_the_list() {
    let mut pinned = config();
    pinned.era = EraMode::Legacy(V2025_11_25);
    let mut peer = Peer::on(pinned, PIPE);
    peer.refuse_last(-32602, r#"{"supported":["2025-06-18"]}"#);
    assert_eq!((peer.methods(), asked(&peer)), (vec!["initialize"; 2], "2025-06-18"));
}

/// A silent probe with the handshake beside it, which is refused with a list.
#[test]
fn a_handshake_beside_the_probe_is_repeated_too() {
    let mut peer = Peer::on(config(), PIPE);
    peer.pass(seconds(10));
    peer.refuse_last(-32602, r#"{"supported":["2025-06-18"]}"#);
    assert_eq!(asked(&peer), "2025-06-18");
    peer.answer_last(OLDER);
    assert!(peer.is_ready(V2025_06_18));
}

/// A bridge that has opened its own session with our probe refuses `initialize` ("came already"): a new link, with
/// `initialize` first.
#[test]
fn a_handshake_refused_behind_the_probe_gets_a_new_link() {
    for silent in [false, true] {
        let mut peer = Peer::on(config(), PIPE);
        if silent {
            peer.pass(seconds(10));
            peer.refuse_last(-32600, "");
            peer.says(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}"#);
        } else {
            peer.refuse_last(-32601, "");
            peer.refuse_last(-32600, "");
        }
        assert_eq!((peer.redials.len(), peer.closes.len()), (2, 1));
        assert!(peer.session.close_reason().is_none());
        peer.connect(PIPE);
        assert_eq!(peer.methods(), ["server/discover", "initialize", "initialize"]);
        peer.open_legacy();
        assert!(peer.is_ready(V2025_11_25));
    }
}

/// If the new link fares no better, its error is reported; without one, that of the first.
#[test]
fn a_new_link_is_made_once() {
    let mut peer = Peer::on(config(), PIPE);
    peer.refuse_last(-32601, "");
    peer.refuse_last(-32600, "");
    peer.connect(PIPE);
    peer.refuse_last(-32603, "");
    let code = |peer: &Peer| match peer.session.close_reason() {
        Some(CloseReason::OpeningFailed(error)) => error.rpc().unwrap().code,
        other => panic!("{other:?}"),
    };
    assert_eq!((code(&peer), peer.redials.len()), (-32603, 2));
    let mut peer = Peer::on(config(), PIPE);
    peer.refuse_last(-32601, "");
    peer.refuse_last(-32600, "");
    peer.connect_fails(ConnectError::AlreadyUsed);
    assert_eq!(code(&peer), -32600);
}

/// Over HTTP a new link changes nothing, and neither does it where the probe did not come first.
#[test]
fn no_new_link_where_the_probe_cannot_be_the_reason() {
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32601, "");
    peer.refuse_last(-32600, "");
    assert!(peer.session.close_reason().is_some());
    let mut known = config();
    known.known_era = Some(KnownEra { version: V2025_11_25 });
    let mut peer = Peer::on(known, PIPE);
    for _ in 0..3 {
        peer.refuse_last(-32600, "");
    }
    assert_eq!(peer.methods(), ["initialize", "server/discover", "initialize"]);
    assert!(peer.session.close_reason().is_some());
}

/// `notifications/initialized` answered with an error, or not understood: the session goes on. Only missing
/// credentials end it.
#[test]
fn a_refused_initialized_is_no_end() {
    let rpc = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"}}"#;
    for kind in [
        None,
        Some(LossKind::NotUnderstood),
        Some(LossKind::PeerFailed),
        Some(LossKind::session_lost(false)),
        Some(LossKind::Cut),
    ] {
        let mut peer = Peer::on(config(), HTTP);
        peer.refuse_last(-32601, "");
        let call = peer.call("tools/list", "");
        peer.answer_last(INITIALIZE);
        let lane = peer.last().lane;
        match kind {
            None => peer.says_on(lane, rpc),
            Some(kind) => peer.lose(lane, kind),
        }
        assert_eq!(peer.methods().last(), Some(&"tools/list"), "{kind:?}");
        peer.answer_last(r#"{"tools":[]}"#);
        assert_eq!(peer.result(call), r#"{"tools":[]}"#);
    }
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32601, "");
    peer.answer_last(INITIALIZE);
    let lane = peer.last().lane;
    peer.lose(lane, LossKind::Unauthorized);
    assert!(Error::Closed(peer.session.close_reason().unwrap().clone()).is_auth());
}

/// Its silence is bounded by the start limit, and named.
#[test]
fn a_silent_initialized_is_named() {
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32601, "");
    peer.answer_last(INITIALIZE);
    peer.pass(seconds(59));
    assert!(peer.session.close_reason().is_none());
    peer.pass(seconds(1));
    let reason = peer.session.close_reason().unwrap();
    assert!(reason.to_string().contains("notifications/initialized"), "{reason}");
    assert!(Error::Closed(reason.clone()).is_timeout());
}
