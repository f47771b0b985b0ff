//! Every public duration at its extremes: no overflow, no endless loop at one instant, one outcome each.

use std::time::Duration;

use proptest::prelude::*;

use crate::session::SubscriptionFilter;
use crate::session::client::{CallOptions, ClientConfig, ClientEvent, KnownEra, PingPolicy, Reconnect};
use crate::transport::{ConnectError, LossKind};

use super::harness::*;

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        Just(Duration::from_millis(1)),
        Just(Duration::from_secs(60)),
        // Near the end of what an `Instant` can represent.
        (0..4_u64).prop_map(|less| Duration::from_secs(i64::MAX as u64 - less * 1_000_000)),
        Just(Duration::from_secs(u64::MAX)),
        Just(Duration::MAX),
    ]
}

fn settings() -> impl Strategy<Value = (ClientConfig, CallOptions)> {
    let durations = prop::collection::vec(duration(), 11);
    (durations, prop::option::of(0..3_u32), any::<bool>(), any::<bool>()).prop_map(
        |(durations, failures, known, progress)| {
            let mut next = durations.into_iter();
            let mut next = || next.next().unwrap_or_default();
            let mut config = config();
            config.capabilities = raw(r#"{"roots":{}}"#);
            config.probe_timeout = next();
            config.start_timeout = next();
            config.call_timeout = next();
            config.call_maximum = next();
            config.input_timeout = next();
            config.reconnect = Reconnect::OnDemand { first: next(), cap: next(), tries: 3 };
            config.ping = failures.map(|failures| PingPolicy { interval: next(), timeout: next(), failures });
            config.known_era = known.then_some(KnownEra { version: LEGACY });
            let options = CallOptions {
                timeout: Some(next()),
                maximum: Some(next()),
                progress,
                reset_on_progress: progress,
                ..CallOptions::default()
            };
            (config, options)
        },
    )
}

const LEGACY: crate::message::ProtocolVersion = crate::message::ProtocolVersion::LATEST_LEGACY;

/// Tells the time a few times: a session may wait for an instant only once.
fn tick(peer: &mut Peer, time: Duration) {
    peer.clock += time;
    for _ in 0..20 {
        if peer.wait.is_none_or(|at| at > peer.clock) {
            return;
        }
        peer.session.handle_timeout(peer.now());
        peer.drain();
    }
    panic!("the session waits for an instant that has passed");
}

proptest! {
    #[test]
    fn no_duration_overflows((config, options) in settings(), waits in prop::collection::vec(0..100_000_u64, 1..12)) {
        let mut peer = Peer::on(config, PIPE);
        let mut calls = Vec::new();
        for (number, wait) in waits.into_iter().enumerate() {
            calls.push(peer.call_with("tools/call", r#"{"name":"a"}"#, options.clone()));
            peer.listen(SubscriptionFilter { tools_list_changed: true, ..Default::default() });
            match number % 6 {
                0 if !peer.sent.is_empty() => peer.answer_last(if peer.last().method() == "initialize" { INITIALIZE } else { DISCOVER }),
                1 if !peer.sent.is_empty() => peer.answer_last(r#"{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}}}"#),
                2 => peer.says(r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#),
                3 => peer.lose(peer.sent.last().map_or(0, |sent| sent.lane), LossKind::Cut),
                4 => peer.close_link(),
                _ => peer.connect_fails(ConnectError::unreachable("x")),
            }
            tick(&mut peer, Duration::from_millis(wait));
            if !peer.redials.is_empty() {
                peer.redials.clear();
                peer.connect(PIPE);
            }
        }
        peer.close();
        for call in calls {
            prop_assert!(peer.outcome(call).is_some());
        }
        let closed = peer.events.iter().filter(|event| matches!(event, ClientEvent::Closed(_)));
        prop_assert_eq!(closed.count(), 1);
    }
}
