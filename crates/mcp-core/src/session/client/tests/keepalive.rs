//! Keep-alive pings.

use crate::error::CloseReason;
use crate::session::client::{ClientConfig, PingPolicy, Reconnect};

use super::harness::*;

fn pinging() -> ClientConfig {
    let mut config = config();
    config.ping = Some(PingPolicy { interval: seconds(30), timeout: seconds(5), failures: 2 });
    config
}

/// PING-B-002: a silent link is pinged, one that is not is left alone.
#[test]
fn a_silent_link_is_pinged() {
    let mut peer = Peer::legacy(pinging(), PIPE);
    peer.pass(seconds(20));
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#);
    peer.pass(seconds(29));
    assert!(peer.sent.is_empty());
    peer.pass(seconds(1));
    assert_eq!(peer.methods(), ["ping"]);
    peer.refuse_last(-32601, "");
    peer.pass(seconds(29));
    assert_eq!(peer.sent.len(), 1);
    peer.pass(seconds(1));
    assert_eq!(peer.methods(), ["ping", "ping"]);
}

/// PING-B-002: the configured number of consecutive failures ends the link; an answer resets the count.
#[test]
fn a_dead_link_is_given_up() {
    let mut peer = Peer::legacy(pinging(), PIPE);
    peer.pass(seconds(35));
    peer.pass(seconds(30));
    assert_eq!(peer.methods(), ["ping", "notifications/cancelled", "ping"]);
    peer.answer_last("{}");
    peer.pass(seconds(30 + 5 + 30));
    assert!(peer.closes.is_empty());
    peer.pass(seconds(5));
    assert!(matches!(peer.closes[..], [CloseReason::PingTimedOut]));
    assert_eq!(peer.story(), ["Disconnected"]);
    assert!(peer.session.close_reason().is_none());
    peer.close_link();
    peer.call("tools/list", "");
    assert_eq!(peer.redials.len(), 1);
    let mut config = pinging();
    config.reconnect = Reconnect::Never;
    let mut peer = Peer::legacy(config, PIPE);
    peer.pass(seconds(200));
    assert!(matches!(peer.session.close_reason(), Some(CloseReason::PingTimedOut)));
    assert_eq!(peer.closes.len(), 1);
}

/// A modern session has no ping, and by default a legacy one sends none.
#[test]
fn nobody_else_pings() {
    let mut peer = Peer::modern(pinging(), PIPE);
    peer.pass(seconds(1_000));
    assert!(peer.sent.is_empty());
    let mut peer = Peer::legacy(config(), PIPE);
    peer.pass(seconds(1_000));
    assert!(peer.sent.is_empty());
    assert_eq!(peer.wait, None);
}
