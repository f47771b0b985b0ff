//! The legacy handshake and what the session answers itself afterwards.

use super::*;

fn initialize(version: &str) -> String {
    bare(
        "0",
        "initialize",
        &format!(r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"c"}}}}"#),
    )
}

/// LIFE-S-003, LIFE-S-008, LIFE-S-009, T-05: the version that was asked for, else the newest legacy one;
/// never an error, never the modern one.
#[test]
fn the_version_is_echoed_or_countered() {
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1.0.0", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
    ] {
        let lines = Peer::new().line(&initialize(asked));
        let head = format!(r#"{{"id":0,"result":{{"protocolVersion":"{given}","capabilities":{{"tools":"#);
        assert!(lines[0].starts_with(&head), "{asked}: {lines:?}");
        assert!(lines[0].ends_with(r#""serverInfo":{"name":"s"}}}"#), "{asked}: {lines:?}");
    }
    let mut peer = Peer::with(Binding::STREAM, |config| {
        config.versions = vec![ProtocolVersion::V2025_06_18, ProtocolVersion::V2024_11_05];
        config.instructions = Some("read \"me\"".into());
    });
    let lines = peer.line(&initialize("2025-11-25"));
    assert!(lines[0].contains(r#""protocolVersion":"2025-06-18""#), "{lines:?}");
    assert!(lines[0].contains(r#""instructions":"read \"me\"""#), "{lines:?}");
}

/// LIFE-B-001, T-43, PING-B-001: before the handshake known methods are refused, unknown ones not found,
/// and pings answered.
#[test]
fn before_the_handshake() {
    let mut peer = Peer::new();
    assert_eq!(peer.line(&bare("1", "ping", "{}")), [r#"{"id":1,"result":{}}"#]);
    assert_eq!(code(&peer.line(&bare("2", "tools/list", "{}"))), -32600);
    assert_eq!(code(&peer.line(&bare("3", "nobody/knows", "{}"))), -32601);
    assert_eq!(code(&peer.line(&bare("4", "server/discover", "{}"))), -32602);
    assert!(peer.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).is_empty());
    assert_eq!(peer.line(&initialize("2025-11-25")).len(), 1);
}

/// A bad `initialize` leaves no state behind, a second one changes none (ledger 2.5).
#[test]
fn a_refused_initialize_changes_nothing() {
    let mut peer = Peer::new();
    for params in [
        "{}",
        r#"{"protocolVersion":7,"capabilities":{}}"#,
        r#"{"protocolVersion":"2025-11-25"}"#,
        r#"{"protocolVersion":"2025-11-25","capabilities":[]}"#,
        r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":1}"#,
    ] {
        assert_eq!(code(&peer.line(&bare("1", "initialize", params))), -32602, "{params}");
        assert_eq!(code(&peer.line(&bare("2", "tools/list", "{}"))), -32600, "{params}");
    }
    let mut peer = Peer::legacy("2025-06-18", "{}");
    assert_eq!(code(&peer.line(&initialize("2025-11-25"))), -32600);
    peer.line(&bare("2", "tools/list", "{}"));
    assert_eq!(peer.context().version, ProtocolVersion::V2025_06_18);
}

/// LIFE-C-004: reported once, with what was negotiated.
#[test]
fn initialized_is_told_once() {
    let mut peer = Peer::new();
    peer.line(&initialize("2025-06-18"));
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(peer.line(note), ["initialized 2025-06-18"]);
    assert!(peer.line(note).is_empty());
}

/// Real clients pipeline: a request right behind `initialize` is served.
#[test]
fn a_request_before_initialized_is_served() {
    let mut peer = Peer::new();
    peer.line(&initialize("2025-06-18"));
    assert_eq!(peer.line(&bare("1", "tools/list", "{}")), ["request #1 tools/list"]);
}

/// PING-B-001: also while a handler is busy.
#[test]
fn ping_is_answered_at_once() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    peer.line(&bare("1", "tools/call", "{}"));
    assert_eq!(peer.line(&bare("2", "ping", "{}")), [r#"{"id":2,"result":{}}"#]);
}

/// SUB-B-015: `{}` and an event; without the capability the method is unknown.
#[test]
fn resource_subscriptions_are_kept_by_the_session() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    let on = bare("1", "resources/subscribe", r#"{"uri":"a:b"}"#);
    assert_eq!(peer.line(&on), [r#"{"id":1,"result":{}}"#, "resource a:b true"]);
    assert_eq!(peer.line(&on), [r#"{"id":1,"result":{}}"#]);
    let change = || crate::session::Change::Resource { uri: "a:b".into() };
    assert_eq!(
        peer.publish(change()),
        [r#"{"method":"notifications/resources/updated","params":{"uri":"a:b"}}"#]
    );
    assert!(peer.publish(crate::session::Change::Resource { uri: "a:bc".into() }).is_empty());
    let off = bare("2", "resources/unsubscribe", r#"{"uri":"a:b"}"#);
    assert_eq!(peer.line(&off), [r#"{"id":2,"result":{}}"#, "resource a:b false"]);
    assert!(peer.publish(change()).is_empty());
    assert_eq!(code(&peer.line(&bare("3", "resources/subscribe", "{}"))), -32602);

    let mut bare_server =
        Peer::with(Binding::STREAM, |config| config.capabilities = raw("{}")).open("2025-11-25", "{}");
    assert_eq!(code(&bare_server.line(&on)), -32601);
    assert_eq!(code(&bare_server.line(&bare("2", "logging/setLevel", r#"{"level":"info"}"#))), -32601);
}

/// LIFE-S-017, LIFE-B-011: unsolicited, after the handshake, and only what was declared.
#[test]
fn a_legacy_client_hears_of_declared_changes() {
    let mut peer = Peer::new();
    assert!(peer.publish(crate::session::Change::ToolsList).is_empty());
    peer.line(&initialize("2025-11-25"));
    assert!(peer.publish(crate::session::Change::ToolsList).is_empty());
    peer.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(
        peer.publish(crate::session::Change::ToolsList),
        [r#"{"method":"notifications/tools/list_changed"}"#]
    );
    assert!(peer.publish(crate::session::Change::PromptsList).is_empty());
}

/// LIFE-S-018: a malformed member is named, also where it is not needed.
#[test]
fn malformed_members_are_named() {
    for (info, member) in [
        ("5", "`clientInfo`"),
        ("[]", "`clientInfo`"),
        ("{}", "`clientInfo.name`"),
        (r#"{"name":1}"#, "`clientInfo.name`"),
        (r#"{"name":"c","version":2}"#, "`clientInfo.version`"),
    ] {
        let mut peer = Peer::new();
        let params = format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{info}}}"#);
        let lines = peer.line(&bare("0", "initialize", &params));
        assert!(code(&lines) == -32602 && lines[0].contains(member), "{lines:?}");
    }
    let mut peer = Peer::legacy("2025-11-25", "{}");
    for (meta, member) in [
        ("5", "params._meta "),
        ("[]", "params._meta "),
        (r#"{"progressToken":{}}"#, "params._meta.progressToken"),
        (r#"{"progressToken":null}"#, "params._meta.progressToken"),
        (r#"{"progressToken":true}"#, "params._meta.progressToken"),
    ] {
        for method in ["tools/call", "ping", "logging/setLevel"] {
            let lines = peer.line(&bare("1", method, &format!(r#"{{"_meta":{meta}}}"#)));
            assert!(code(&lines) == -32602 && lines[0].contains(member), "{lines:?}");
        }
    }
}
