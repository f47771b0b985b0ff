//! Links that end, and links that are made again.

use crate::error::{CloseReason, Error};
use crate::message::ProtocolVersion;
use crate::session::SubscriptionFilter;
use crate::session::client::{KnownEra, Reconnect};
use crate::transport::{ConnectError, LossKind};

use super::harness::*;

fn unreachable() -> ConnectError {
    ConnectError::unreachable("refused")
}

/// FAULT C-1, A-B35: every pending call fails at once with the cause; nothing is repeated; the next call
/// makes a new link, and the known era is used.
#[test]
fn the_next_call_makes_a_new_link() {
    for legacy in [true, false] {
        let mut peer = if legacy { Peer::legacy(config(), PIPE) } else { Peer::modern(config(), PIPE) };
        let calls = [peer.call("tools/call", "{}"), peer.call("tools/call", "{}")];
        peer.fail_link("killed");
        for call in calls {
            assert!(matches!(peer.error(call), Error::Closed(CloseReason::LinkFailed { .. })));
            assert!(crate::transport::ErrorChain::new(peer.error(call)).to_string().contains("killed"));
        }
        assert_eq!(peer.story(), ["CallDone", "CallDone", "Disconnected"]);
        assert!(peer.redials.is_empty() && peer.session.negotiated().is_none());
        peer.forget();
        let next = peer.call("tools/list", "");
        assert_eq!(peer.redials, [seconds(0)]);
        peer.connect(PIPE);
        assert_eq!(peer.methods(), [if legacy { "initialize" } else { "server/discover" }]);
        peer.answer_last(if legacy { INITIALIZE } else { DISCOVER });
        assert_eq!(peer.last().method(), "tools/list");
        peer.answer_last("{}");
        assert_eq!(peer.result(next), "{}");
        peer.close_link();
        peer.call("tools/list", "");
        assert_eq!(peer.redials.last(), Some(&peer.clock));
    }
}

/// With `Never` the session ends with its link.
#[test]
fn a_session_may_end_with_its_link() {
    let mut config = config();
    config.reconnect = Reconnect::Never;
    let mut peer = Peer::modern(config, PIPE);
    let call = peer.call("tools/list", "");
    peer.close_link();
    assert!(peer.error(call).is_closed());
    assert_eq!((peer.story(), peer.redials.len()), (vec!["CallDone".to_owned(), "Closed".into()], 0));
}

/// The first link is requested at once. If it fails, the session ends.
#[test]
fn without_a_first_link_there_is_no_session() {
    let mut peer = Peer::new(config());
    let call = peer.call("tools/list", "");
    assert_eq!(peer.redials, [seconds(0)]);
    peer.connect_fails(unreachable());
    assert!(matches!(peer.error(call), Error::Closed(CloseReason::NoLink(_))));
    assert_eq!((peer.redials.len(), peer.wait), (1, None));
}

/// Consecutive attempts wait longer and longer; after the last the session ends with the last reason.
#[test]
fn tries_in_a_row_wait_longer_and_end() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.call("tools/list", "");
    peer.answer_last("{}");
    peer.close_link();
    peer.forget();
    let call = peer.call("tools/list", "");
    for _ in 0..4 {
        peer.connect_fails(unreachable());
    }
    assert!(peer.outcome(call).is_none());
    peer.connect_fails(unreachable());
    assert_eq!(peer.redials, [millis(0), millis(500), millis(1000), millis(2000), millis(4000)]);
    assert!(matches!(peer.error(call), Error::Closed(CloseReason::NoLink(ConnectError::Unreachable(_)))));
    assert_eq!(peer.story(), ["CallDone", "Closed"]);
}

/// FAULT C-25: a peer that opens and dies without an answer counts as failing, also one that fails in the
/// opening.
#[test]
fn a_peer_that_opens_and_dies_is_not_tried_for_ever() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.listen(Default::default());
    let mut links = 0;
    while peer.session.close_reason().is_none() {
        peer.close_link();
        peer.connect(PIPE);
        if links % 2 == 0 && peer.session.close_reason().is_none() {
            peer.answer_last(DISCOVER);
        }
        links += 1;
        assert!(links < 20);
    }
    assert_eq!(peer.redials, [millis(0), millis(500), millis(1000), millis(2000), millis(4000)]);
}

/// A link that stood for long was a good one, whatever it was used for.
#[test]
fn a_link_that_stood_for_long_was_good() {
    let mut peer = Peer::modern(config(), PIPE);
    for _ in 0..10 {
        peer.pass(seconds(30));
        peer.close_link();
        peer.call("tools/list", "");
        assert_eq!(peer.redials.last(), Some(&peer.clock));
        peer.connect(PIPE);
        peer.answer_last(DISCOVER);
    }
    assert!(peer.session.close_reason().is_none());
}

/// A given stream cannot be made again, and what cannot work is not tried again.
#[test]
fn what_cannot_work_is_not_tried_again() {
    for error in [ConnectError::AlreadyUsed, ConnectError::unusable("no such program")] {
        let mut peer = Peer::modern(config(), PIPE);
        peer.close_link();
        let call = peer.call("tools/list", "");
        peer.connect_fails(error);
        assert!(matches!(peer.error(call), Error::Closed(CloseReason::NoLink(_))));
        assert!(peer.session.close_reason().is_some());
    }
}

/// A call that waits for a link keeps its clock.
#[test]
fn a_call_that_waits_for_a_link_times_out() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.close_link();
    let call = peer.call("tools/list", "");
    peer.pass(seconds(60));
    assert!(peer.error(call).is_timeout());
    peer.connect_fails(unreachable());
    assert_eq!(peer.redials.len(), 1, "nobody waits any more");
    peer.call("tools/list", "");
    assert_eq!(peer.redials.len(), 2);
}

/// ERA-C-010: a peer that changed its era between two links is found out.
#[test]
fn a_peer_may_change_its_era_between_links() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.close_link();
    peer.call("tools/list", "");
    peer.connect(PIPE);
    peer.refuse_last(-32601, "");
    peer.answer_last(INITIALIZE);
    assert!(peer.is_ready(ProtocolVersion::V2025_11_25));
    assert_eq!(peer.last().method(), "tools/list");
    peer.close_link();
    peer.call("tools/list", "");
    peer.connect(PIPE);
    assert_eq!(peer.last().method(), "initialize");
    peer.refuse_last(-32601, "");
    peer.answer_last(DISCOVER);
    assert!(peer.is_ready(ProtocolVersion::V2026_07_28));
}

/// A carrier that fails a reopening is tried again; one that says no is not.
#[test]
fn a_failed_reopening_is_tried_again_if_it_may_help() {
    let mut peer = Peer::modern(config(), HTTP);
    peer.close_link();
    let call = peer.call("tools/list", "");
    peer.connect(HTTP);
    let lane = peer.last().lane;
    peer.lose(lane, LossKind::PeerFailed);
    assert_eq!((peer.redials.len(), peer.closes.len()), (2, 1));
    assert!(peer.outcome(call).is_none());
    peer.connect(HTTP);
    let lane = peer.last().lane;
    peer.lose(lane, LossKind::Unauthorized);
    assert!(peer.error(call).is_closed());
    assert!(peer.session.close_reason().is_some());
}

/// Notifications without a link go nowhere, and make none.
#[test]
fn notifications_make_no_link() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.close_link();
    peer.notify("notifications/x");
    assert!(peer.redials.is_empty());
}

/// docs/bounds.md: what waits for a link is bounded: of the notifications the oldest go.
#[test]
fn waiting_notifications_are_bounded() {
    let mut peer = Peer::on(config(), PIPE);
    peer.notify("notifications/first");
    for _ in 0..5_000 {
        peer.notify("notifications/more");
    }
    let call = peer.call("tools/list", "");
    peer.answer_last(DISCOVER);
    let methods = peer.methods();
    assert_eq!(methods.iter().filter(|method| **method == "notifications/more").count(), 1024);
    assert!(!methods.contains(&"notifications/first"));
    assert_eq!(methods.last(), Some(&"tools/list"));
    assert_eq!(peer.session.stats().dropped_waiting, 5_001 - 1024);
    peer.answer_last("{}");
    peer.result(call);
}

/// SUB-C-012: a subscription that is cut after each change is requested again, and not as fast as the peer
/// can cut it.
#[test]
fn a_subscription_that_is_cut_after_each_word_is_not_asked_for_at_once() {
    let mut peer = Peer::modern(config(), HTTP);
    let filter = SubscriptionFilter { tools_list_changed: true, ..SubscriptionFilter::default() };
    peer.listen(filter);
    for _ in 0..100 {
        let sent = peer.last().clone();
        let id = &sent.json["id"];
        let tag = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
        for (method, more) in [
            ("subscriptions/acknowledged", r#","notifications":{"toolsListChanged":true}"#),
            ("tools/list_changed", ""),
        ] {
            peer.says_on(
                sent.lane,
                &format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{tag}{more}}}}}"#),
            );
        }
        peer.lose(sent.lane, LossKind::Cut);
        assert_eq!(peer.story().last().map(String::as_str), Some("ListenLost"));
        let until = peer.wait.expect("it is asked for again") - peer.clock;
        peer.pass(until);
    }
    assert!(peer.clock >= seconds(45), "{:?}", peer.clock);
    assert_eq!(peer.sent.len(), 101);
}

/// ERA-C-010: a peer that was known as legacy and ends its link on `initialize` is probed once, on a new
/// link; one that ends every link is given up.
#[test]
fn a_link_that_ends_on_a_known_handshake_is_probed() {
    let mut known = config();
    known.known_era = Some(KnownEra { version: ProtocolVersion::V2025_11_25 });
    let mut peer = Peer::on(known.clone(), PIPE);
    peer.close_link();
    assert_eq!(peer.redials.len(), 2);
    peer.connect(PIPE);
    assert_eq!(peer.methods(), ["initialize", "server/discover"]);
    peer.answer_last(DISCOVER);
    assert_eq!(peer.story(), ["Ready"]);
    let mut peer = Peer::on(known, PIPE);
    for _ in 0..3 {
        peer.close_link();
        peer.connect(PIPE);
    }
    assert_eq!(peer.methods(), ["initialize", "server/discover", "initialize"]);
    assert!(matches!(peer.session.close_reason(), Some(CloseReason::PeerClosed(_))));
}
