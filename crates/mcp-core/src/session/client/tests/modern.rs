//! What a modern request carries, and what its result says.

use crate::error::Error;
use crate::message::ProtocolVersion;
use crate::session::LogLevel;
use crate::session::client::CallOptions;

use super::harness::*;

/// META-C-004, META-C-005, META-C-011: every request has params, and in them what governs it.
#[test]
fn every_request_says_what_governs_it() {
    let mut config = config();
    config.capabilities = raw(r#"{"sampling":{}}"#);
    let mut peer = Peer::modern(config, PIPE);
    peer.call("tools/list", "");
    let head = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}"#;
    let id = peer.last().json["id"].clone();
    assert_eq!(
        peer.last().text,
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list","params":{{{head}}}}}}}"#)
    );
    assert_eq!(peer.last().version, Some(ProtocolVersion::V2026_07_28));
    peer.call("tools/call", r#"{ "name":"a","n":2.5e-308}"#);
    assert!(peer.last().text.ends_with(&format!(r#""params":{{{head}}},"name":"a","n":2.5e-308}}}}"#)));
    peer.call("tools/list", "{ }");
    assert!(
        peer.last().text.ends_with(&format!(r#""params":{{{head}}} }}}}"#))
            || peer.last().text.ends_with(&format!(r#""params":{{{head}}}}}}}"#))
    );
}

/// META-C-005: the name can be kept back.
#[test]
fn the_name_can_be_kept_back() {
    let mut config = config();
    config.send_info = false;
    let mut peer = Peer::modern(config, PIPE);
    peer.call("tools/list", "");
    assert!(!peer.last().text.contains("clientInfo"));
}

/// The application adds to `_meta`; protocol keys always win.
#[test]
fn the_application_does_not_override_the_protocol() {
    let mut peer = Peer::modern(config(), PIPE);
    let options = CallOptions {
        meta: Some(raw(r#"{"k":2,"io.modelcontextprotocol/protocolVersion":"1999"}"#)),
        log_level: Some(LogLevel::Warning),
        progress: true,
        ..CallOptions::default()
    };
    peer.call_with(
        "tools/call",
        r#"{"name":"a","_meta":{"k":1,"j":1,"io.modelcontextprotocol/clientInfo":7}}"#,
        options,
    );
    let meta = &peer.last().json["params"]["_meta"];
    assert_eq!((&meta["k"], &meta["j"]), (&2.into(), &1.into()));
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "c");
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "warning");
    assert_eq!(meta["progressToken"], peer.last().json["id"]);
    for once in ["protocolVersion", "clientInfo", "\"k\"", "\"name\":\"a\""] {
        assert_eq!(peer.last().text.matches(once).count(), 1, "{once}");
    }
}

/// RPC-C-015, RPC-C-016, RPC-B-017.
#[test]
fn result_types() {
    let mut config = config();
    config.result_types = vec!["task".into()];
    let mut peer = Peer::modern(config, PIPE);
    for (result, good) in [
        ("{}", true),
        (r#"{"resultType":"complete"}"#, true),
        (r#"{"resultType":"c\u006fmplete"}"#, true),
        (r#"{"resultType":"task"}"#, true),
        (r#"{"resultType":"weird"}"#, false),
        (r#"{"resultType":null}"#, false),
        (r#"{"resultType":1}"#, false),
    ] {
        let call = peer.call("tools/list", "");
        peer.answer_last(result);
        match peer.outcome(call) {
            Some(Ok(_)) => assert!(good, "{result}"),
            Some(Err(Error::Violation(_))) => assert!(!good, "{result}"),
            other => panic!("{other:?}"),
        }
    }
    // A legacy server knows nothing of it.
    let mut peer = Peer::legacy(super::harness::config(), PIPE);
    let call = peer.call("tools/list", "");
    peer.answer_last(r#"{"resultType":"weird"}"#);
    assert_eq!(peer.result(call), r#"{"resultType":"weird"}"#);
}

/// RPC-C-012, FAULT C-41: a modern server's requests are ignored, legal or not.
#[test]
fn requests_of_a_modern_server_are_ignored() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.says(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    peer.says(r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}"#);
    peer.says(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#);
    peer.says(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#);
    assert!(peer.sent.is_empty() && peer.events.is_empty());
    assert_eq!(peer.session.stats().ignored_requests, 4);
}

/// LIFE-C-015: notifications that only legacy has are not sent.
#[test]
fn legacy_notifications_are_not_sent() {
    let mut peer = Peer::modern(config(), PIPE);
    peer.notify("notifications/roots/list_changed");
    peer.notify("notifications/progress");
    assert!(peer.sent.is_empty());
    peer.notify("notifications/x");
    assert_eq!(
        (peer.last().method(), peer.last().version),
        ("notifications/x", Some(ProtocolVersion::V2026_07_28))
    );
}

/// DISC-C-005: `-32022` that names the very version is met with one retry under a new id.
#[test]
fn an_unsupported_version_is_retried_once() {
    let mut peer = Peer::modern(config(), HTTP);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    let supported = r#"{"supported":["2026-07-28"],"requested":"2026-07-28"}"#;
    peer.refuse_last(-32022, supported);
    assert_eq!(peer.methods(), ["tools/call", "tools/call"]);
    assert_ne!(peer.sent[0].json["id"], peer.sent[1].json["id"]);
    peer.refuse_last(-32022, supported);
    assert_eq!(peer.sent.len(), 2);
    assert_eq!(peer.error(call).rpc().unwrap().code, -32022);
    let call = peer.call("tools/list", "");
    peer.refuse_last(-32022, r#"{"supported":["2025-11-25"],"requested":"2026-07-28"}"#);
    assert_eq!(peer.error(call).rpc().unwrap().code, -32022);
}

/// PROG-S-007: progress on another call's lane is not that call's.
#[test]
fn progress_stays_on_its_lane() {
    let mut peer = Peer::modern(config(), HTTP);
    let progress = CallOptions { progress: true, ..CallOptions::default() };
    peer.call_with("tools/call", r#"{"name":"a"}"#, progress.clone());
    peer.call_with("tools/call", r#"{"name":"b"}"#, progress);
    let (one, two) = (peer.sent[0].lane, peer.sent[1].lane);
    let note = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{one},"progress":1}}}}"#
    );
    peer.says_on(two, &note);
    assert!(peer.events.is_empty());
    peer.says_on(one, &note);
    assert_eq!(peer.story(), ["CallNotification"]);
}
