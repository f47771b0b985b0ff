//! Whatever comes in, in whatever order: no panic, no hang, and one outcome each.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::message::ErrorObject;
use crate::session::client::{CallOptions, ClientConfig, ClientEvent, EraMode, KnownEra, PingPolicy};
use crate::session::{CallId, InputId, ListenId, SubscriptionFilter};
use crate::transport::{ConnectError, Inbound, Lane, LossKind};

use super::harness::*;

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Connect(bool),
    ConnectFails(bool),
    CloseLink,
    Answer(usize, usize, bool),
    Refuse(usize, i64, bool),
    Say(usize, usize),
    Raw(String),
    Lose(usize, u8),
    Delivered(usize),
    Call(usize, bool),
    Cancel(usize),
    Listen(u8),
    Unsubscribe(usize),
    AnswerInput(usize, bool),
    Notify,
    Pass(u64),
    Close,
}

const METHODS: [&str; 7] =
    ["tools/call", "tools/list", "resources/read", "ping", "x/y", "initialize", "server/discover"];

const RESULTS: [&str; 8] = [
    "{}",
    DISCOVER,
    INITIALIZE,
    r#"{"resultType":"input_required","requestState":"s"}"#,
    r#"{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"},"b":{"method":"elicitation/create"}}}"#,
    r#"{"resultType":"weird"}"#,
    r#"{"protocolVersion":"2025-03-26","capabilities":{"resources":{"subscribe":true}}}"#,
    "[]",
];

fn says(peer: &Peer, which: usize, of: usize) -> String {
    let id =
        peer.sent.get(of % peer.sent.len().max(1)).map_or("1".into(), |sent| sent.json["id"].to_string());
    let tag = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
    let texts = [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":2,"method":"elicitation/create","params":{"mode":"form"}}"#.to_owned(),
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":1}}}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r"}}"#.to_owned(),
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"toolsListChanged":true}},{tag}}}}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{tag}}}}}"#),
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a"}}"#.to_owned(),
        format!(
            r#"[{{"jsonrpc":"2.0","id":{id},"result":{{}}}},{{"jsonrpc":"2.0","id":9,"method":"ping"}},7]"#
        ),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#),
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"?"}}"#.to_owned(),
        r#"{"jsonrpc":"1.0","id":3,"method":"ping"}"#.to_owned(),
        "garbage".to_owned(),
        "[]".to_owned(),
    ];
    texts[which % texts.len()].clone()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Connect),
        1 => any::<bool>().prop_map(Step::ConnectFails),
        1 => Just(Step::CloseLink),
        12 => (0..4_usize, 0..RESULTS.len(), any::<bool>()).prop_map(|(back, result, lane)| Step::Answer(back, result, lane)),
        3 => (0..4_usize, prop_oneof![Just(-32022), Just(-32601), Just(-32021)], any::<bool>())
            .prop_map(|(back, code, data)| Step::Refuse(back, code, data)),
        8 => (any::<usize>(), any::<usize>()).prop_map(|(which, of)| Step::Say(which, of)),
        1 => ".{0,20}".prop_map(Step::Raw),
        3 => (0..4_usize, any::<u8>()).prop_map(|(back, kind)| Step::Lose(back, kind)),
        3 => (0..3_usize).prop_map(Step::Delivered),
        10 => (any::<usize>(), any::<bool>()).prop_map(|(method, progress)| Step::Call(method, progress)),
        2 => any::<usize>().prop_map(Step::Cancel),
        3 => any::<u8>().prop_map(Step::Listen),
        1 => any::<usize>().prop_map(Step::Unsubscribe),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(which, ok)| Step::AnswerInput(which, ok)),
        1 => Just(Step::Notify),
        3 => prop_oneof![0..3_u64, 5..70_u64, 300..700_u64].prop_map(Step::Pass),
        1 => Just(Step::Close),
    ]
}

#[derive(Default)]
struct Made {
    calls: Vec<CallId>,
    listens: Vec<ListenId>,
    inputs: Vec<InputId>,
}

fn play(peer: &mut Peer, made: &mut Made, step: Step) {
    let back = |peer: &Peer, back: usize| {
        let at = peer.sent.len().checked_sub(1 + back)?;
        peer.sent.get(at).cloned()
    };
    match step {
        Step::Connect(http) => peer.connect(if http { HTTP } else { PIPE }),
        Step::ConnectFails(spent) => {
            peer.connect_fails(if spent { ConnectError::AlreadyUsed } else { ConnectError::unreachable("x") })
        }
        Step::CloseLink => peer.close_link(),
        Step::Answer(of, result, own) => {
            let Some(sent) = back(peer, of) else { return };
            let lane = if own { sent.lane } else { 0 };
            peer.says_on(
                lane,
                &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{}}}"#, sent.json["id"], RESULTS[result]),
            );
        }
        Step::Refuse(of, code, data) => {
            let Some(sent) = back(peer, of) else { return };
            let data =
                if data { r#","data":{"supported":["2026-07-28"],"requiredCapabilities":{}}"# } else { "" };
            peer.says(&format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":{code},"message":"no"{data}}}}}"#,
                sent.json["id"]
            ));
        }
        Step::Say(which, of) => {
            let text = says(peer, which, of);
            let lane = if of % 3 == 0 { back(peer, of % 4).map_or(0, |sent| sent.lane) } else { 0 };
            peer.says_on(lane, &text);
        }
        Step::Raw(text) => peer.says(&text),
        Step::Lose(of, kind) => {
            let lane = back(peer, of).map_or(0, |sent| sent.lane);
            match kind % 6 {
                0 => peer.lose(lane, LossKind::NotUnderstood),
                1 => peer.lose(lane, LossKind::session_lost(false)),
                2 => peer.lose(lane, LossKind::session_lost(true)),
                3 => peer.lose(0, LossKind::session_lost(false)),
                4 => peer.inbound(Inbound::ended(Lane::numbered(lane))),
                _ => peer.lose(lane, LossKind::PeerFailed),
            }
        }
        Step::Delivered(of) => {
            let lane = back(peer, of).map_or(0, |sent| sent.lane);
            peer.inbound(Inbound::delivered(Lane::numbered(lane)));
        }
        Step::Call(method, progress) => {
            let options = CallOptions { progress, reset_on_progress: progress, ..CallOptions::default() };
            made.calls.push(peer.call_with(METHODS[method % METHODS.len()], r#"{"name":"a"}"#, options));
        }
        Step::Cancel(which) if !made.calls.is_empty() => peer.cancel(made.calls[which % made.calls.len()]),
        Step::Listen(kind) => {
            let resource_subscriptions = if kind % 2 == 0 { vec!["a".to_owned()] } else { vec![] };
            let filter =
                SubscriptionFilter { tools_list_changed: true, resource_subscriptions, ..Default::default() };
            made.listens.push(peer.listen(filter));
        }
        Step::Unsubscribe(which) if !made.listens.is_empty() => {
            peer.unsubscribe(made.listens[which % made.listens.len()])
        }
        Step::AnswerInput(which, ok) => {
            made.inputs = peer.questions().iter().map(|(id, ..)| *id).collect();
            let Some(id) = made.inputs.get(which % made.inputs.len().max(1)) else { return };
            peer.answer(*id, if ok { Ok("{}") } else { Err(ErrorObject::internal("no")) });
        }
        Step::Notify => peer.notify("notifications/roots/list_changed"),
        Step::Pass(time) => peer.pass(seconds(time)),
        Step::Close => peer.close(),
        Step::Cancel(_) | Step::Unsubscribe(_) => {}
    }
}

fn some_config(kind: u8) -> ClientConfig {
    let mut config = config();
    config.capabilities = raw(r#"{"roots":{},"elicitation":{}}"#);
    config.max_garbage = 5;
    let version = crate::message::ProtocolVersion::ALL[usize::from(kind) % 5];
    match kind % 4 {
        0 => {}
        1 => config.known_era = Some(KnownEra { version }),
        2 => config.era = if version.is_modern() { EraMode::Modern } else { EraMode::Legacy(version) },
        _ => config.ping = Some(PingPolicy { interval: seconds(20), timeout: seconds(5), failures: 2 }),
    }
    config
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// FAULT C-37, FAULT A-B8: the harness itself fails on a session that never waits, on a lane that is
    /// shared, and on one that is not the last word.
    #[test]
    fn every_call_and_subscription_has_one_outcome(kind in any::<u8>(), steps in prop::collection::vec(step(), 1..90)) {
        let mut peer = Peer::on(some_config(kind), if kind % 3 == 0 { HTTP } else { PIPE });
        let mut made = Made::default();
        for step in steps {
            play(&mut peer, &mut made, step);
        }
        let open = peer.session.close_reason().is_none();
        peer.close();
        prop_assert!(!open || matches!(peer.events.last(), Some(ClientEvent::Closed(_))));
        prop_assert_eq!(peer.wait, None);
        prop_assert_eq!(peer.closes.is_empty(), false);
        let mut calls: HashMap<CallId, usize> = HashMap::new();
        let mut listens: HashMap<ListenId, usize> = HashMap::new();
        let mut inputs: HashMap<InputId, usize> = HashMap::new();
        let mut closed = 0;
        for event in &peer.events {
            match event {
                ClientEvent::CallDone { call, .. } => *calls.entry(*call).or_default() += 1,
                ClientEvent::CallNotification { call, .. } => prop_assert!(!calls.contains_key(call)),
                ClientEvent::ListenEnded { listen, .. } => *listens.entry(*listen).or_default() += 1,
                ClientEvent::ListenNotification { listen, .. } | ClientEvent::ListenStarted { listen, .. } => {
                    prop_assert!(!listens.contains_key(listen));
                }
                ClientEvent::InputCancelled { id } => *inputs.entry(*id).or_default() += 1,
                ClientEvent::Closed(_) => closed += 1,
                _ => {}
            }
        }
        prop_assert!(made.calls.iter().all(|call| calls.get(call) == Some(&1)));
        prop_assert!(made.listens.iter().all(|listen| listens.get(listen) == Some(&1)));
        prop_assert!(inputs.values().all(|count| *count == 1));
        prop_assert_eq!(closed, 1);
        let mut lanes: Vec<u64> = peer.sent.iter().map(|sent| sent.lane).collect();
        let count = lanes.len();
        lanes.sort_unstable();
        lanes.dedup();
        prop_assert_eq!(lanes.len(), count, "a lane was used twice");
    }
}
