//! A legacy peer that has forgotten the session.

use crate::error::Error;
use crate::session::SubscriptionFilter;
use crate::session::client::Reconnect;
use crate::transport::LossKind;

use super::harness::*;

const NOT_EXECUTED: LossKind = LossKind::session_lost(false);

fn state_gone(peer: &Peer, call: crate::session::CallId) -> bool {
    matches!(peer.error(call), Error::Lost(loss) if matches!(loss.kind, LossKind::SessionLost { .. }))
}

/// FAULT C-33, A-B25: one new handshake, shared by all who met it; each is sent once more under a new id;
/// what else was in flight fails, and is not repeated.
#[test]
fn one_handshake_for_all_who_met_it() {
    let mut peer = Peer::legacy(config(), HTTP);
    let calls = [peer.call("tools/list", ""), peer.call("prompts/list", ""), peer.call("tools/call", "{}")];
    let lanes: Vec<u64> = peer.sent.iter().map(|sent| sent.lane).collect();
    peer.lose(lanes[0], NOT_EXECUTED);
    peer.lose(lanes[1], NOT_EXECUTED);
    let waiting = peer.call("resources/list", "");
    assert_eq!(peer.methods()[3..], ["initialize"]);
    assert_eq!(peer.sent[3].version, None);
    peer.open_legacy_keeping();
    assert!(state_gone(&peer, calls[2]));
    assert_eq!(
        peer.methods()[4..],
        ["notifications/initialized", "tools/list", "prompts/list", "resources/list"]
    );
    // A late word of the old session does not start it all again.
    peer.lose(lanes[2], NOT_EXECUTED);
    let resent = peer.sent[5].lane;
    peer.lose(resent, NOT_EXECUTED);
    assert!(state_gone(&peer, calls[0]), "not a third time");
    assert!(peer.outcome(waiting).is_none());
}

/// What may have been executed is not repeated.
#[test]
fn what_may_have_been_executed_is_not_repeated() {
    let mut peer = Peer::legacy(config(), HTTP);
    let call = peer.call("tools/call", "{}");
    let lane = peer.last().lane;
    peer.lose(lane, LossKind::session_lost(true));
    assert!(state_gone(&peer, call));
    assert_eq!(peer.last().method(), "initialize");
    peer.open_legacy();
    assert!(peer.sent.is_empty());
}

/// A call of the old session that is answered after all has its answer.
#[test]
fn an_old_call_may_still_be_answered() {
    let mut peer = Peer::legacy(config(), HTTP);
    let answered = peer.call("tools/list", "");
    let sent = peer.last().clone();
    peer.call("tools/list", "");
    let lane = peer.last().lane;
    peer.lose(lane, NOT_EXECUTED);
    peer.says_on(sent.lane, &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, sent.json["id"]));
    assert_eq!(peer.result(answered), "{}");
}

/// The stream of a session may be the first to know; subscriptions and questions go with the session.
#[test]
fn subscriptions_are_made_again() {
    let mut config = config();
    config.capabilities = raw(r#"{"roots":{}}"#);
    let mut peer = Peer::legacy(config, HTTP);
    peer.listen(SubscriptionFilter { resource_subscriptions: vec!["a".into()], ..Default::default() });
    peer.answer_last("{}");
    peer.says(r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#);
    peer.forget();
    peer.lose(0, NOT_EXECUTED);
    assert_eq!(peer.methods(), ["initialize"]);
    assert_eq!(peer.story(), ["InputCancelled", "ListenLost"]);
    peer.open_legacy_keeping();
    assert_eq!(peer.last().method(), "resources/subscribe");
    peer.answer_last("{}");
    assert_eq!(peer.story()[2..], ["Ready", "ListenStarted"]);
}

/// A handshake that meets it too is an error; a modern peer has nothing to forget.
#[test]
fn it_is_an_error_elsewhere() {
    let mut peer = Peer::legacy(config(), HTTP);
    let call = peer.call("tools/list", "");
    let lane = peer.last().lane;
    peer.lose(lane, NOT_EXECUTED);
    let lane = peer.last().lane;
    peer.lose(lane, NOT_EXECUTED);
    peer.pass(seconds(100));
    assert!(peer.outcome(call).is_some());
    let mut peer = Peer::modern(config(), HTTP);
    let call = peer.call("tools/list", "");
    let lane = peer.last().lane;
    peer.lose(lane, NOT_EXECUTED);
    assert!(state_gone(&peer, call));
    assert_eq!(peer.sent.len(), 1);
}

/// A peer that forgets each session as soon as it is open is not asked forever.
#[test]
fn a_peer_that_always_forgets_is_given_up() {
    for reconnect in [Reconnect::default(), Reconnect::Never] {
        let mut config = config();
        config.reconnect = reconnect;
        let mut peer = Peer::legacy(config, HTTP);
        let mut handshakes = 0;
        while peer.closes.is_empty() && handshakes < 1_000 {
            peer.lose(0, NOT_EXECUTED);
            if peer.closes.is_empty() {
                handshakes += 1;
                peer.open_legacy();
            }
        }
        assert_eq!(handshakes, 5, "{reconnect:?}");
    }
    // With an answer in between the session is worth another one.
    let mut peer = Peer::legacy(config(), HTTP);
    for _ in 0..20 {
        peer.lose(0, NOT_EXECUTED);
        peer.open_legacy();
        peer.call("tools/list", "");
        peer.answer_last("{}");
    }
    assert!(peer.closes.is_empty());
}

/// What was on the wire of a forgotten session fails, whatever era comes next.
#[test]
fn leftovers_fail_in_every_era() {
    let mut peer = Peer::legacy(config(), HTTP);
    let (met, left) = (peer.call("tools/list", ""), peer.call("tools/call", "{}"));
    let lane = peer.sent[0].lane;
    peer.lose(lane, NOT_EXECUTED);
    peer.refuse_last(-32022, r#"{"supported":["2026-07-28"]}"#);
    peer.answer_last(DISCOVER);
    assert!(state_gone(&peer, left));
    assert_eq!(peer.last().method(), "tools/list");
    assert!(peer.outcome(met).is_none());
}
