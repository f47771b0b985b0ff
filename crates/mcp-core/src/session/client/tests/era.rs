//! Era detection over a whole opening.

use crate::error::{CloseReason, Error};
use crate::message::ProtocolVersion::{V2025_06_18, V2025_11_25, V2026_07_28};
use crate::session::client::{EraMode, KnownEra};
use crate::transport::{ConnectError, LossKind};

use super::harness::*;

fn opening_error(peer: &Peer) -> &Error {
    match peer.session.close_reason() {
        Some(CloseReason::OpeningFailed(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// ERA-C-001, ERA-C-006, META-C-004: the probe comes first, complete, and a modern peer sees no `initialize`.
#[test]
fn a_modern_peer_is_found_by_one_probe() {
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::on(config(), binding);
        assert_eq!(peer.methods(), ["server/discover"]);
        assert_eq!(peer.last().version, Some(V2026_07_28));
        let meta = &peer.last().json["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "c");
        assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
        peer.answer_last(DISCOVER);
        assert!(peer.is_ready(V2026_07_28));
        let negotiated = peer.session.negotiated().unwrap();
        assert_eq!(negotiated.offered, ["2026-07-28", "2025-11-25"]);
        assert_eq!(negotiated.instructions.as_deref(), Some("be kind"));
        assert_eq!(negotiated.server_info.as_ref().unwrap().to_string(), r#"{"name":"s","version":"1"}"#);
        assert_eq!((peer.methods().len(), peer.story()), (1, vec!["Ready".to_owned()]));
    }
}

/// ERA-C-003, ERA-C-004, ERA-C-008, FAULT C-42.
#[test]
fn any_other_answer_means_a_handshake() {
    let answers: [&dyn Fn(&mut Peer); 6] = [
        &|peer| peer.refuse_last(-32601, ""),
        &|peer| peer.refuse_last(0, ""),
        &|peer| peer.answer_last("{}"),
        &|peer| peer.answer_last(r#"{"supportedVersions":"2026-07-28"}"#),
        &|peer| peer.says(r#"{"jsonrpc":"2.0","id":1,"result":[]}"#),
        // T-03: the peer could not tell the id.
        &|peer| peer.says(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}"#),
    ];
    for answer in answers {
        for binding in [PIPE, HTTP] {
            let mut peer = Peer::on(config(), binding);
            answer(&mut peer);
            assert_eq!(peer.methods(), ["server/discover", "initialize"]);
            assert_eq!(peer.last().version, None);
            peer.open_legacy();
            assert!(peer.is_ready(V2025_11_25));
        }
    }
}

/// ERA-C-009: a 4xx, or a 2xx that is not JSON-RPC.
#[test]
fn a_lane_that_is_not_understood_means_a_handshake() {
    let mut peer = Peer::on(config(), HTTP);
    peer.lose(1, LossKind::NotUnderstood);
    assert_eq!(peer.last().method(), "initialize");
    let mut peer = Peer::on(config(), HTTP);
    peer.says_on(1, "<html>");
    assert_eq!(peer.last().method(), "initialize");
}

/// FAULT B4, C-42: a carrier that refuses is reported as it is.
#[test]
fn a_carrier_that_refuses_is_no_verdict() {
    let mut peer = Peer::on(config(), HTTP);
    peer.lose(1, LossKind::Unauthorized);
    assert!(opening_error(&peer).is_auth());
    // So it is for whoever waits for the client.
    let closed = |peer: &Peer| Error::Closed(peer.session.close_reason().unwrap().clone());
    assert!(closed(&peer).is_auth() && !closed(&peer).is_timeout());
    assert_eq!(peer.methods(), ["server/discover"]);
    assert_eq!(peer.story(), ["Closed"]);
}

/// DISC-C-005: one retry, with the version that was just sent; a second refusal is an error.
#[test]
fn an_unsupported_version_is_tried_once_more() {
    let supported = r#"{"supported":["2026-07-28"],"requested":"x"}"#;
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::on(config(), binding);
        peer.refuse_last(-32022, supported);
        assert_eq!(peer.methods(), ["server/discover"; 2]);
        assert_ne!(peer.sent[0].json["id"], peer.sent[1].json["id"]);
        let mut again = Peer::on(config(), binding);
        again.refuse_last(-32022, supported);
        again.refuse_last(-32022, supported);
        assert_eq!(again.methods(), ["server/discover"; 2]);
        assert_eq!(opening_error(&again).rpc().unwrap().code, -32022);
        peer.answer_last(DISCOVER);
        assert!(peer.is_ready(V2026_07_28));
    }
}

/// T-08.
#[test]
fn a_legacy_list_means_a_handshake_at_its_best_version() {
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32022, r#"{"supported":["2025-06-18","2024-11-05"],"requested":"2026-07-28"}"#);
    assert_eq!(peer.last().json["params"]["protocolVersion"], "2025-06-18");
}

/// T-08: both lists are named.
#[test]
fn nothing_in_common_names_both_lists() {
    let mut peer = Peer::on(config(), PIPE);
    peer.answer_last(r#"{"supportedVersions":["2099-01-01"],"capabilities":{}}"#);
    let text = peer.session.close_reason().unwrap().to_string();
    assert!(text.contains("2026-07-28") && text.contains("2099-01-01"), "{text}");
}

/// ERA-C-007.
#[test]
fn a_modern_refusal_is_reported() {
    let mut peer = Peer::on(config(), HTTP);
    peer.refuse_last(-32020, "");
    assert_eq!(opening_error(&peer).rpc().unwrap().code, -32020);
    let mut peer = Peer::on(config(), PIPE);
    peer.refuse_last(-32021, r#"{"requiredCapabilities":{"sampling":{}}}"#);
    assert_eq!(opening_error(&peer).rpc().unwrap().code, -32021);
}

/// Row 7: silence on a stream sends `initialize` beside the probe, and its result is the known_era.
#[test]
fn a_silent_stream_gets_a_handshake_too() {
    let mut peer = Peer::on(config(), PIPE);
    peer.pass(millis(9_999));
    assert_eq!(peer.methods(), ["server/discover"]);
    peer.pass(millis(1));
    assert_eq!(peer.methods(), ["server/discover", "initialize"]);
    // The probe was only slow. As long as `initialize` is open, that decides nothing.
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{DISCOVER}}}"#));
    assert_eq!(peer.story(), [""; 0]);
    peer.answer_last(INITIALIZE);
    assert!(peer.is_ready(V2025_11_25));
}

/// Row 7: `initialize` fails, and a DiscoverResult came before, or comes after.
#[test]
fn a_slow_modern_stream_is_found_all_the_same() {
    let discovered = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{DISCOVER}}}"#);
    for before in [true, false] {
        let mut peer = Peer::on(config(), PIPE);
        peer.pass(seconds(10));
        if before {
            peer.says(&discovered);
            peer.refuse_last(-32601, "");
        } else {
            peer.refuse_last(-32601, "");
            peer.pass(seconds(20));
            assert!(peer.session.close_reason().is_none());
            peer.says(&discovered);
        }
        assert!(peer.is_ready(V2026_07_28));
        assert_eq!(peer.methods(), ["server/discover", "initialize"]);
    }
}

/// Row 7: both fail, at once or never.
#[test]
fn a_stream_that_fails_both_ways_is_an_error() {
    let mut peer = Peer::on(config(), PIPE);
    peer.pass(seconds(10));
    peer.refuse_last(-32603, "");
    peer.says(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}"#);
    // There is no link without the probe either.
    peer.connect_fails(ConnectError::AlreadyUsed);
    assert_eq!(opening_error(&peer).rpc().unwrap().code, -32603);
    let mut peer = Peer::on(config(), PIPE);
    peer.pass(seconds(59));
    assert!(peer.session.close_reason().is_none());
    peer.pass(seconds(1));
    assert!(
        matches!(peer.session.close_reason(), Some(CloseReason::NotStarted { limit, .. }) if *limit == seconds(60))
    );
    assert_eq!((peer.closes.len(), peer.wait), (1, None));
}

/// Row 8: a server that exits on the probe is started again, once, and greeted with `initialize`.
#[test]
fn a_stream_that_closes_on_the_probe_is_made_again() {
    let mut peer = Peer::on(config(), PIPE);
    peer.pass(seconds(1));
    peer.close_link();
    assert_eq!(peer.redials, [seconds(0), seconds(1)]);
    peer.connect(PIPE);
    assert_eq!(peer.methods(), ["server/discover", "initialize"]);
    peer.open_legacy();
    assert!(peer.is_ready(V2025_11_25));
}

/// Row 8: the first close is the one that is reported. So it is where there is no second link.
#[test]
fn of_two_closes_the_first_is_reported() {
    for respawned in [true, false] {
        let mut peer = Peer::on(config(), PIPE);
        peer.fail_link("first");
        if respawned {
            peer.connect(PIPE);
            peer.fail_link("second");
        } else {
            peer.connect_fails(ConnectError::AlreadyUsed);
        }
        let reason = peer.session.close_reason().unwrap();
        assert!(crate::transport::ErrorChain::new(reason).to_string().contains("first"));
        assert_eq!((peer.redials.len(), peer.story()), (2, vec!["Closed".to_owned()]));
    }
}

/// Row 8 also where the probe was answered and the link closes on the handshake.
#[test]
fn a_stream_that_closes_on_the_handshake_is_made_again() {
    let mut peer = Peer::on(config(), PIPE);
    peer.refuse_last(-32601, "");
    peer.close_link();
    peer.connect(PIPE);
    assert_eq!(peer.methods(), ["server/discover", "initialize", "initialize"]);
}

/// Row 9.
#[test]
fn silence_on_other_bindings_is_a_timeout() {
    let mut peer = Peer::on(config(), HTTP);
    peer.pass(seconds(10));
    assert!(opening_error(&peer).is_timeout());
    assert_eq!(peer.methods(), ["server/discover"]);
}

/// `initialize` answered with -32022: one modern retry.
#[test]
fn a_handshake_refused_for_its_version_is_tried_modern() {
    let mut config = config();
    config.known_era = Some(KnownEra { version: V2025_06_18 });
    let mut peer = Peer::on(config, HTTP);
    assert_eq!(peer.last().json["params"]["protocolVersion"], "2025-06-18");
    peer.refuse_last(-32022, r#"{"supported":["2026-07-28"],"requested":"2025-06-18"}"#);
    assert_eq!(peer.methods(), ["initialize", "server/discover"]);
    peer.answer_last(DISCOVER);
    assert!(peer.is_ready(V2026_07_28));
}

/// ERA-C-010: a verdict is used, and dropped and probed once if it proves wrong.
#[test]
fn a_stale_verdict_heals() {
    let mut stale = config();
    stale.known_era = Some(KnownEra { version: V2025_11_25 });
    let mut peer = Peer::on(stale.clone(), HTTP);
    peer.refuse_last(-32601, "");
    assert_eq!(peer.methods(), ["initialize", "server/discover"]);
    peer.answer_last(DISCOVER);
    assert!(peer.is_ready(V2026_07_28));
    // Probed once, not forever.
    let mut peer = Peer::on(stale.clone(), HTTP);
    for _ in 0..3 {
        peer.refuse_last(-32601, "");
    }
    assert_eq!(peer.methods(), ["initialize", "server/discover", "initialize"]);
    assert!(peer.session.close_reason().is_some());
    stale.known_era = Some(KnownEra { version: V2026_07_28 });
    let mut peer = Peer::on(stale, PIPE);
    peer.pass(seconds(29));
    assert_eq!(peer.methods(), ["server/discover"]);
    peer.refuse_last(-32601, "");
    peer.open_legacy();
    assert!(peer.is_ready(V2025_11_25));
}

/// ERA-C-005: with modern required, a legacy server is an error that says what to do.
#[test]
fn modern_alone_fails_clearly_on_a_legacy_server() {
    let mut modern = config();
    modern.era = EraMode::Modern;
    let mut peer = Peer::on(modern.clone(), PIPE);
    let call = peer.call("tools/list", "");
    peer.refuse_last(-32601, "");
    assert!(opening_error(&peer).to_string().contains("allow a legacy revision"));
    assert!(peer.error(call).is_closed());
    assert_eq!(peer.methods(), ["server/discover"]);
    let mut peer = Peer::on(modern.clone(), PIPE);
    peer.close_link();
    assert!(matches!(peer.session.close_reason(), Some(CloseReason::PeerClosed(_))));
    let mut peer = Peer::on(modern, PIPE);
    peer.answer_last(r#"{"supportedVersions":["2025-11-25"],"capabilities":{}}"#);
    assert!(matches!(peer.session.close_reason(), Some(CloseReason::NoCommonVersion { .. })));
}

/// The legacy mode never probes, and has no way out.
#[test]
fn legacy_alone_never_probes() {
    let mut legacy = config();
    legacy.era = EraMode::Legacy(V2025_06_18);
    let mut peer = Peer::on(legacy, PIPE);
    assert_eq!(peer.last().json["params"]["protocolVersion"], "2025-06-18");
    peer.refuse_last(-32022, r#"{"supported":["2026-07-28"],"requested":"2025-06-18"}"#);
    assert!(matches!(peer.session.close_reason(), Some(CloseReason::NoCommonVersion { .. })));
    assert_eq!(peer.methods(), ["initialize"]);
}
