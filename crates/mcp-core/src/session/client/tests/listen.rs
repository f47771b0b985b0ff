//! Subscriptions, in both eras.

use crate::error::Error;
use crate::session::client::{ClientEvent, EraMode};
use crate::session::{ListenId, SubscriptionFilter};
use crate::transport::{EndReason, Inbound, Lane, LossKind, ServerStream};

use super::harness::*;

fn tools() -> SubscriptionFilter {
    SubscriptionFilter { tools_list_changed: true, ..SubscriptionFilter::default() }
}

fn uris(uris: &[&str]) -> SubscriptionFilter {
    let resource_subscriptions = uris.iter().map(|uri| (*uri).to_owned()).collect();
    SubscriptionFilter { resource_subscriptions, ..SubscriptionFilter::default() }
}

fn note(method: &str, id: &str, more: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{more}"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
    )
}

fn ack(id: &str, filter: &str) -> String {
    note("subscriptions/acknowledged", id, &format!(r#""notifications":{filter},"#))
}

fn updated(uri: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#)
}

/// The subscriptions that heard something, in order.
fn heard(peer: &Peer) -> Vec<ListenId> {
    let of = |event: &ClientEvent| match event {
        ClientEvent::ListenNotification { listen, .. } => Some(*listen),
        _ => None,
    };
    peer.events.iter().filter_map(of).collect()
}

fn started(peer: &Peer) -> Vec<(ListenId, SubscriptionFilter, bool)> {
    let of = |event: &ClientEvent| match event {
        ClientEvent::ListenStarted { listen, honoured, gap } => Some((*listen, honoured.clone(), *gap)),
        _ => None,
    };
    peer.events.iter().filter_map(of).collect()
}

/// SUB-C-007, SUB-C-004, T-13: a string id, a filter, and what the server honours of it.
#[test]
fn a_subscription_starts_with_its_acknowledgement() {
    let mut peer = Peer::modern(config(), PIPE);
    let listen = peer.listen(SubscriptionFilter { prompts_list_changed: true, ..tools() });
    let sent = peer.last().clone();
    assert_eq!(sent.json["id"], format!("listen-{}", sent.lane));
    assert_eq!(
        sent.json["params"]["notifications"].to_string(),
        r#"{"promptsListChanged":true,"toolsListChanged":true}"#
    );
    let id = sent.json["id"].to_string();
    // SUB-S-002: nothing of it comes before the acknowledgement.
    peer.says(&note("tools/list_changed", &id, ""));
    assert!(peer.events.is_empty());
    peer.says(&ack(&id, r#"{"toolsListChanged":true,"resourcesListChanged":true}"#));
    assert_eq!(started(&peer), [(listen, tools(), false)]);
    peer.says(&ack(&id, "{}"));
    peer.says(&note("tools/list_changed", &id, ""));
    assert_eq!(heard(&peer), [listen]);
    assert_eq!(peer.session.stats().dropped_notifications, 2);
    assert_eq!(peer.wait, None, "a subscription has no clock (T-45)");
}

/// SUB-C-006, T-13, T-14: subscriptions on one stream are distinguished by their typed ids.
#[test]
fn several_subscriptions_are_told_apart() {
    let mut peer = Peer::modern(config(), PIPE);
    let one = peer.listen(tools());
    let two = peer.listen(tools());
    let ids: Vec<String> = peer.sent.iter().map(|sent| sent.json["id"].to_string()).collect();
    for id in &ids {
        peer.says(&ack(id, r#"{"toolsListChanged":true}"#));
    }
    let number = peer.last().lane.to_string();
    for id in
        [&ids[1], &ids[0], &number, &"\"listen-99\"".into(), &format!("\"listen-0{number}\""), &"null".into()]
    {
        peer.says(&note("tools/list_changed", id, ""));
    }
    assert_eq!(heard(&peer), [two, one]);
}

/// SUB-S-014: a part of a subscribed resource is accepted; a kind that was not asked for is not.
#[test]
fn parts_of_resources_are_accepted() {
    let mut peer = Peer::modern(config(), PIPE);
    let listen = peer.listen(uris(&["file:///a"]));
    let id = peer.last().json["id"].to_string();
    peer.says(&ack(&id, r#"{"resourceSubscriptions":["file:///a"]}"#));
    peer.says(&note("resources/updated", &id, r#""uri":"file:///a/b","#));
    peer.says(&note("tools/list_changed", &id, ""));
    assert_eq!(heard(&peer), [listen]);
}

/// Subscriptions on separate lanes are distinguished by lane; a message with another one's id is dropped.
#[test]
fn lanes_of_their_own() {
    let mut peer = Peer::modern(config(), HTTP);
    let one = peer.listen(tools());
    peer.listen(tools());
    let ids: Vec<String> = peer.sent.iter().map(|sent| sent.json["id"].to_string()).collect();
    let lane = peer.sent[0].lane;
    peer.says_on(lane, &ack(&ids[0], r#"{"toolsListChanged":true}"#));
    peer.says_on(lane, r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    peer.says_on(lane, &note("tools/list_changed", &ids[1], ""));
    assert_eq!(heard(&peer), [one]);
}

/// T-12: a result, a cancel that names it, or both; each is an orderly end.
#[test]
fn a_server_ends_a_subscription() {
    for (result, cancelled) in [(true, false), (false, true), (true, true)] {
        let mut peer = Peer::modern(config(), PIPE);
        let wanted = peer.listen(tools());
        let id = peer.last().json["id"].to_string();
        peer.says(&ack(&id, "{}"));
        if result {
            peer.answer_last(r#"{"resultType":"complete"}"#);
        }
        if cancelled {
            peer.says(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
            ));
        }
        assert!(
            matches!(peer.events[..], [_, ClientEvent::ListenEnded { listen, outcome: Ok(()) }] if listen == wanted)
        );
        assert_eq!(peer.methods(), ["subscriptions/listen"]);
    }
}

/// T-47: a refusal ends it with the peer's error.
#[test]
fn a_refused_subscription_ends() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.listen(tools());
    peer.refuse_last(-32603, "");
    assert!(matches!(&peer.events[..], [ClientEvent::ListenEnded { outcome: Err(Error::Rpc(_)), .. }]));
}

/// SUB-C-010: ended by the application, as the binding ends requests.
#[test]
fn the_application_ends_a_subscription() {
    let mut pipe = Peer::modern(config(), PIPE);
    let listen = pipe.listen(tools());
    let id = pipe.last().json["id"].clone();
    pipe.unsubscribe(listen);
    pipe.unsubscribe(listen);
    assert_eq!(pipe.methods(), ["subscriptions/listen", "notifications/cancelled"]);
    assert_eq!(pipe.last().json["params"]["requestId"], id);
    assert!(matches!(&pipe.events[..], [ClientEvent::ListenEnded { outcome: Err(Error::Cancelled), .. }]));
    pipe.says(&note("tools/list_changed", &id.to_string(), ""));
    assert_eq!(pipe.events.len(), 1);
    let mut http = Peer::modern(config(), HTTP);
    let listen = http.listen(tools());
    http.unsubscribe(listen);
    assert_eq!((http.sent.len(), &http.ended[..]), (1, &[(http.sent[0].lane, EndReason::Cancelled)][..]));
}

/// SUB-C-012: a stream that is cut is requested again, at once; one that keeps being cut more slowly, and
/// not forever.
#[test]
fn a_cut_subscription_is_asked_for_again() {
    let mut peer = Peer::modern(config(), HTTP);
    let listen = peer.listen(tools());
    let accept = |peer: &mut Peer| {
        let sent = peer.last().clone();
        peer.says_on(sent.lane, &ack(&sent.json["id"].to_string(), r#"{"toolsListChanged":true}"#));
    };
    accept(&mut peer);
    peer.pass(seconds(1));
    let lane = peer.last().lane;
    peer.inbound(Inbound::ended(Lane::numbered(lane)));
    assert_eq!(peer.story(), ["ListenStarted", "ListenLost"]);
    peer.pass(seconds(0));
    assert_eq!(peer.methods(), ["subscriptions/listen"; 2]);
    assert_ne!(peer.sent[0].json["id"], peer.sent[1].json["id"]);
    accept(&mut peer);
    assert_eq!(started(&peer).last(), Some(&(listen, tools(), true)));
    let mut waits = vec![];
    while !matches!(peer.events.last(), Some(ClientEvent::ListenEnded { .. })) {
        let lane = peer.last().lane;
        peer.lose(lane, LossKind::PeerFailed);
        if let Some(at) = peer.wait {
            waits.push((at - peer.clock).as_millis());
            peer.pass(at - peer.clock);
        }
    }
    assert_eq!(waits, [1000, 2000, 4000]);
    let mut peer = Peer::modern(config(), HTTP);
    peer.listen(tools());
    let lane = peer.last().lane;
    peer.lose(lane, LossKind::PeerFailed);
    assert_eq!(peer.story(), ["ListenEnded"], "one that never was is an error");
}

/// SUB-C-013: after a reconnect every subscription is requested again under a new id, and says that there
/// is a gap.
#[test]
fn subscriptions_live_over_links() {
    let mut peer = Peer::modern(config(), PIPE);
    let listen = peer.listen(tools());
    let id = peer.last().json["id"].to_string();
    peer.says(&ack(&id, r#"{"toolsListChanged":true}"#));
    peer.close_link();
    assert_eq!(peer.story(), ["ListenStarted", "ListenLost", "Disconnected"]);
    assert_eq!(peer.redials, [seconds(0)]);
    peer.connect(PIPE);
    peer.answer_last(DISCOVER);
    let again = peer.last().json["id"].to_string();
    assert_ne!(again, id);
    peer.says(&ack(&again, r#"{"toolsListChanged":true}"#));
    assert_eq!(started(&peer)[1], (listen, tools(), true));
    peer.close();
    assert!(peer.story().ends_with(&["ListenEnded".into(), "Closed".into()]));
}

/// SUB-B-015, LIFE-B-012: on a legacy link, by `resources/subscribe` for what the server declared, and by
/// the notices that come unasked.
#[test]
fn a_legacy_subscription() {
    let mut peer = Peer::legacy(config(), PIPE);
    let filter =
        SubscriptionFilter { tools_list_changed: true, prompts_list_changed: true, ..uris(&["a", "b", "a"]) };
    let listen = peer.listen(filter);
    assert_eq!(peer.methods(), ["resources/subscribe"; 2]);
    assert_eq!(peer.sent[0].json["params"].to_string(), r#"{"uri":"a"}"#);
    peer.answer_last("{}");
    assert!(peer.events.is_empty());
    let id = peer.sent[0].json["id"].clone();
    peer.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32002,"message":"no"}}}}"#));
    let honoured = SubscriptionFilter { tools_list_changed: true, ..uris(&["b"]) };
    assert_eq!(started(&peer), [(listen, honoured, false)]);
    peer.says(&updated("b"));
    peer.says(&updated("b/part"));
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    assert_eq!(heard(&peer), [listen; 3]);
    peer.says(&updated("a"));
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#);
    assert_eq!(peer.story()[4..], ["Notification", "Notification"]);
    peer.unsubscribe(listen);
    assert_eq!(
        (peer.last().method(), &peer.last().json["params"]["uri"]),
        ("resources/unsubscribe", &"b".into())
    );
    peer.answer_last("{}");
    assert_eq!(peer.wait, None);
}

/// A resource is subscribed to once, however many want it, and given back by the last.
#[test]
fn legacy_resources_are_counted() {
    let mut peer = Peer::legacy(config(), PIPE);
    let one = peer.listen(uris(&["a"]));
    let two = peer.listen(uris(&["a"]));
    assert_eq!(peer.methods(), ["resources/subscribe"]);
    peer.answer_last("{}");
    let three = peer.listen(uris(&["a"]));
    assert_eq!(started(&peer).len(), 3);
    peer.says(&updated("a"));
    assert_eq!(heard(&peer), [one, two, three]);
    peer.unsubscribe(one);
    peer.unsubscribe(three);
    assert_eq!(peer.sent.len(), 1);
    peer.unsubscribe(two);
    assert_eq!(peer.methods(), ["resources/subscribe", "resources/unsubscribe"]);
    peer.listen(uris(&["a"]));
    assert_eq!(peer.last().method(), "resources/subscribe");
}

/// LIFE-B-012: where the server declared nothing, nothing is asked, and nothing is honoured.
#[test]
fn nothing_is_asked_of_a_legacy_server_that_declared_nothing() {
    let mut config = config();
    config.era = EraMode::Legacy(crate::message::ProtocolVersion::LATEST_LEGACY);
    let mut peer = Peer::on(config, PIPE);
    peer.listen(SubscriptionFilter { tools_list_changed: true, ..uris(&["a"]) });
    peer.answer_last(r#"{"protocolVersion":"2025-11-25","capabilities":{"resources":{}}}"#);
    assert!(started(&peer)[0].1.is_empty());
    assert_eq!(peer.methods(), ["initialize", "notifications/initialized"]);
}

/// TIME-B-001: a subscription that is not answered for is left out.
#[test]
fn a_silent_subscribe_is_left_out() {
    let mut peer = Peer::legacy(config(), PIPE);
    peer.listen(uris(&["a"]));
    peer.pass(seconds(60));
    assert!(started(&peer)[0].1.is_empty());
}

const PUSHED: crate::transport::Binding = HTTP.server_stream(true);

fn stream(peer: &mut Peer, state: ServerStream) {
    peer.inbound(Inbound::server_stream(state));
}

/// FAULT F-C8: what is honoured is what can be heard: nothing where the server has no standalone stream.
#[test]
fn without_a_server_stream_nothing_is_honoured() {
    let mut peer = Peer::legacy(config(), PUSHED);
    peer.listen(SubscriptionFilter { tools_list_changed: true, ..uris(&["a"]) });
    assert!(started(&peer).is_empty());
    stream(&mut peer, ServerStream::Unavailable);
    assert!(started(&peer)[0].1.is_empty() && !started(&peer)[0].2);
    assert_eq!(peer.methods(), [""; 0]);
    peer.listen(tools());
    assert!(started(&peer)[1].1.is_empty());
}

/// FAULT F-C8: a stream that was reopened without its events leaves a gap, and one that is given up is reported.
#[test]
fn a_server_stream_that_breaks_leaves_a_gap() {
    let mut peer = Peer::legacy(config(), PUSHED);
    let listen = peer.listen(tools());
    stream(&mut peer, ServerStream::Open { gap: false });
    assert_eq!(started(&peer), [(listen, tools(), false)]);
    stream(&mut peer, ServerStream::Open { gap: false });
    assert_eq!(started(&peer).len(), 1, "its events were replayed");
    stream(&mut peer, ServerStream::Open { gap: true });
    assert_eq!(started(&peer)[1..], [(listen, tools(), true)]);
    stream(&mut peer, ServerStream::Unavailable);
    assert_eq!(started(&peer)[2..], [(listen, SubscriptionFilter::default(), true)]);
    stream(&mut peer, ServerStream::Open { gap: true });
    assert_eq!(started(&peer)[3..], [(listen, tools(), true)]);
    assert_eq!(peer.story().iter().filter(|event| *event == "ListenLost").count(), 3);
}

/// A server that sends the head of its stream with the first message only is listened to all the same.
#[test]
fn a_silent_server_stream_counts_as_open() {
    let mut peer = Peer::legacy(config(), PUSHED);
    peer.listen(tools());
    peer.pass(seconds(2));
    assert_eq!(started(&peer)[0].1, tools());
}
