//! Subscriptions of modern clients.

use super::*;
use crate::session::Change;

const TOOLS: &str = r#"{"toolsListChanged":true}"#;

fn listen(id: &str, filter: &str) -> String {
    modern(id, "subscriptions/listen", &format!(r#""notifications":{filter}"#))
}

fn stamped(method: &str, id: &str, rest: &str) -> String {
    format!(
        r#"{{"method":"notifications/{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}{rest}}}}}"#
    )
}

/// SUB-S-002, SUB-S-003, SUB-S-005, T-13: the acknowledgement comes first, names what is honoured, and
/// carries the id as it is, falsy ones too.
#[test]
fn a_subscription_is_acknowledged_with_what_is_honoured() {
    for id in ["1", "\"1\"", "0", "\"\""] {
        let mut peer = Peer::new();
        let filter = r#"{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["a:b"]}"#;
        let honoured = r#","notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#;
        assert_eq!(peer.line(&listen(id, filter)), [stamped("subscriptions/acknowledged", id, honoured)]);
        assert_eq!(peer.publish(Change::ToolsList), [stamped("tools/list_changed", id, "")]);
        assert_eq!(
            peer.publish(Change::Resource { uri: "a:b".into() }),
            [stamped("resources/updated", id, r#","uri":"a:b""#)]
        );
    }
}

/// SUB-S-001, SUB-S-009, T-14: only what was asked for, URIs exactly, and never without a subscription.
#[test]
fn nothing_that_was_not_asked_for_is_told() {
    let mut peer = Peer::new();
    assert!(peer.publish(Change::ToolsList).is_empty());
    peer.line(&listen("1", r#"{"toolsListChanged":false,"resourceSubscriptions":["a:b"]}"#));
    assert!(peer.publish(Change::ToolsList).is_empty());
    assert!(peer.publish(Change::ResourcesList).is_empty());
    assert!(peer.publish(Change::Resource { uri: "a:b/c".into() }).is_empty());
}

/// T-14, T-15, SUB-S-008, SUB-C-006: one copy for each subscription that asked, on its lane.
#[test]
fn each_subscription_gets_its_copy() {
    let mut peer = Peer::with(POSTS, |_| {});
    peer.on(5, &listen("1", r#"{"toolsListChanged":true}"#));
    peer.on(6, &listen("1", r#"{"toolsListChanged":true,"resourcesListChanged":true}"#));
    peer.on(7, &listen("2", r#"{"resourcesListChanged":true}"#));
    let copy = stamped("tools/list_changed", "1", "");
    assert_eq!(peer.publish(Change::ToolsList), [format!("@5 {copy}"), format!("@6 {copy}")]);
}

/// T-47: a subscription that can deliver nothing is acknowledged and ended at once. It takes no slot.
#[test]
fn a_subscription_that_can_deliver_nothing_is_ended() {
    let ack = stamped("subscriptions/acknowledged", "1", r#","notifications":{}"#);
    let result =
        r#"{"id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#;
    let end = r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#;
    for filter in
        ["{}", r#"{"toolsListChanged":false}"#, r#"{"x/unknown":true}"#, r#"{"promptsListChanged":true}"#]
    {
        let mut peer = Peer::with(Binding::STREAM, |config| config.max_listens = 1);
        assert_eq!(peer.line(&listen("1", filter)), [&ack, result, end], "{filter}");
        assert_eq!(peer.line(&listen("1", filter)), [&ack, result, end], "{filter}");
        let mut posts = Peer::with(POSTS, |_| {});
        assert_eq!(posts.on(5, &listen("1", filter)), [format!("@5 {ack}"), format!("@5! {result}")]);
    }
}

/// Too many subscriptions are refused before they are acknowledged.
#[test]
fn subscriptions_are_bounded() {
    let mut peer = Peer::with(Binding::STREAM, |config| config.max_listens = 1);
    let filter = r#"{"toolsListChanged":true}"#;
    peer.line(&listen("1", filter));
    let lines = peer.line(&listen("2", filter));
    assert_eq!(code(&lines), -32603);
    assert!(lines[0].contains("1 subscriptions are open (max_listens)"), "{lines:?}");
    peer.line(&cancelled("1"));
    assert_eq!(peer.line(&listen("2", filter)).len(), 1);
}

/// SUB-C-007: the filter is required and an object of the right types.
#[test]
fn a_bad_filter_is_refused() {
    let mut peer = Peer::new();
    for filter in ["[]", "1", "null", r#"{"toolsListChanged":"yes"}"#, r#"{"resourceSubscriptions":"a"}"#] {
        assert_eq!(code(&peer.line(&listen("1", filter))), -32602, "{filter}");
    }
    assert_eq!(code(&peer.line(&modern("1", "subscriptions/listen", ""))), -32602);
}

/// SUB-C-010, CANC-S-010: the client's end is silent, frees the id, and nothing comes after it.
#[test]
fn the_client_ends_a_subscription() {
    let mut peer = Peer::new();
    peer.line(&listen("1", r#"{"toolsListChanged":true}"#));
    assert!(peer.line(&cancelled("1")).is_empty());
    assert!(peer.publish(Change::ToolsList).is_empty());
    assert_eq!(peer.line(&listen("1", r#"{"toolsListChanged":true}"#)).len(), 1);

    let mut posts = Peer::with(POSTS, |_| {});
    posts.on(5, &listen("1", r#"{"toolsListChanged":true}"#));
    assert!(posts.ended(5).is_empty());
    assert!(posts.publish(Change::ToolsList).is_empty());
}

/// SUB-S-011, CANC-S-011, CANC-S-012, T-12: the result first; then, where requests are given up by message,
/// `notifications/cancelled`.
#[test]
fn the_server_ends_a_subscription_in_order() {
    let result = r#"{"id":"l","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}}"#;
    let mut stream = Peer::new();
    stream.line(&listen("\"l\"", TOOLS));
    stream.session.drain(stream.now);
    assert_eq!(
        stream.drain(),
        [result, r#"{"method":"notifications/cancelled","params":{"requestId":"l"}}"#, "drained"]
    );
    let mut posts = Peer::with(POSTS, |config| config.send_info = true);
    posts.on(5, &listen("\"l\"", TOOLS));
    posts.session.close(posts.now, CloseReason::Requested);
    assert_eq!(
        posts.drain(),
        [
            r#"@5! {"id":"l","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"},"io.modelcontextprotocol/subscriptionId":"l"}}}"#,
            "close by this program"
        ]
    );
}

/// T-21: a subscription's id is in use like any other.
#[test]
fn a_subscription_holds_its_id() {
    let mut peer = Peer::new();
    peer.line(&listen("1", TOOLS));
    assert_eq!(code(&peer.line(&modern("1", "tools/list", ""))), -32600);
}
