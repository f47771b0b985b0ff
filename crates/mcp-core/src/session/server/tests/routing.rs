//! Which era a request belongs to, and who answers it.

use super::super::route::{Governs, Route, look_up};
use super::*;

/// Ledger 2.6 without the header column, row by row. T-11: the claim wins over `initialize`. T-43: the
/// codes before the handshake. DISC-S-013: removed methods.
#[test]
fn the_table_row_by_row() {
    use Governs::{Fresh, Modern, Nothing, Session};
    let rows = [
        (Modern, "server/discover", Route::Discover),
        (Modern, "subscriptions/listen", Route::Listen),
        (Modern, "tools/call", Route::Handler),
        (Modern, "com.example/own", Route::Handler),
        (Modern, "initialize", Route::NotFound),
        (Modern, "ping", Route::NotFound),
        (Modern, "logging/setLevel", Route::NotFound),
        (Modern, "resources/subscribe", Route::NotFound),
        (Modern, "resources/unsubscribe", Route::NotFound),
        (Modern, "tasks/get", Route::NotFound),
        (Modern, "roots/list", Route::NotFound),
        (Modern, "sampling/createMessage", Route::NotFound),
        (Modern, "notifications/cancelled", Route::NotFound),
        (Fresh, "server/discover", Route::NoClaim),
        (Session, "server/discover", Route::NoClaim),
        (Session, "subscriptions/listen", Route::NoClaim),
        (Nothing, "initialize", Route::WrongEra),
        (Nothing, "tools/call", Route::NoClaim),
        (Nothing, "ping", Route::NoClaim),
        (Fresh, "ping", Route::Ping),
        (Fresh, "initialize", Route::Initialize),
        (Fresh, "tools/list", Route::TooEarly),
        (Fresh, "logging/setLevel", Route::TooEarly),
        (Fresh, "com.example/own", Route::NotFound),
        (Fresh, "notifications/initialized", Route::NotFound),
        (Session, "ping", Route::Ping),
        (Session, "initialize", Route::TooLate),
        (Session, "logging/setLevel", Route::SetLevel),
        (Session, "resources/subscribe", Route::Subscribe),
        (Session, "resources/unsubscribe", Route::Unsubscribe),
        (Session, "tools/call", Route::Handler),
        (Session, "com.example/own", Route::Handler),
        (Session, "roots/list", Route::NotFound),
        (Session, "notifications/progress", Route::NotFound),
    ];
    for (governs, method, expected) in rows {
        assert_eq!(look_up(governs, method), expected, "{governs:?} {method}");
    }
}

/// DISC-C-002: any request may be the first; DISC-S-001, DISC-S-003 and T-09: the same discover result each time.
#[test]
fn a_modern_request_needs_no_opening() {
    let mut peer = Peer::new();
    assert_eq!(peer.line(&modern("1", "tools/call", r#""name":"add""#)), ["request #1 tools/call"]);
    assert_eq!(peer.context().version, ProtocolVersion::V2026_07_28);
    let first = peer.line(&modern("2", "server/discover", ""));
    assert_eq!(
        first,
        [concat!(
            r#"{"id":2,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","#,
            r#""supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"#,
            r#""capabilities":{"tools":{"listChanged":true},"prompts":{},"#,
            r#""resources":{"listChanged":true,"subscribe":true},"logging":{}}}}"#
        )]
    );
    assert_eq!(peer.line(&modern("2", "server/discover", "")), first);
}

/// META-S-006: what `_meta` has to hold; META-S-019: bad log levels; clientInfo is not required.
#[test]
fn an_incomplete_claim_is_refused() {
    let meta = |meta: &str| bare("1", "tools/list", &format!(r#"{{"_meta":{{{meta}}}}}"#));
    let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    let capabilities = r#""io.modelcontextprotocol/clientCapabilities""#;
    for bad in [
        version.to_owned(),
        format!(r#"{version},{capabilities}:[]"#),
        format!(r#"{version},{capabilities}:null"#),
        format!(r#""io.modelcontextprotocol/protocolVersion":7,{capabilities}:{{}}"#),
        format!(r#"{version},{capabilities}:{{}},"io.modelcontextprotocol/logLevel":"loud""#),
        format!(r#"{version},{capabilities}:{{}},"io.modelcontextprotocol/logLevel":3"#),
    ] {
        let lines = Peer::new().line(&meta(&bad));
        assert_eq!(code(&lines), -32602, "{bad}");
        assert!(lines[0].ends_with(" protocol"), "{bad}");
    }
    let mut peer = Peer::new();
    assert_eq!(peer.line(&meta(&format!(r#"{version},{capabilities}:{{}}"#))), ["request #1 tools/list"]);
}

/// DISC-S-004: the version that was asked for, and all that are served (T-09); discover is not exempt. A
/// legacy label in a modern claim is not implemented as modern either (T-37).
#[test]
fn an_unknown_version_is_answered_with_those_that_are_served() {
    for (label, method) in
        [("1900-01-01", "tools/list"), ("v999.0.0", "server/discover"), ("2025-11-25", "tools/list")]
    {
        let line = modern("\"a\"", method, "").replace("2026-07-28", label);
        assert_eq!(
            Peer::new().line(&line),
            [format!(
                r#"{{"id":"a","error":{{"code":-32022,"message":"Unsupported protocol version","data":{{"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"requested":"{label}"}}}}}} protocol"#
            )]
        );
    }
    let mut off = Peer::with(Binding::STREAM, |config| config.versions.retain(|version| version.is_legacy()));
    assert_eq!(code(&off.line(&modern("1", "server/discover", ""))), -32022);
}

/// ERA-S-012, T-02: a `_meta` with only a progressToken claims nothing.
#[test]
fn a_bare_meta_is_no_claim() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    let line = bare("1", "tools/list", r#"{"_meta":{"progressToken":"t"}}"#);
    assert_eq!(peer.line(&line), ["request #1 tools/list"]);
    assert_eq!(peer.context().version, ProtocolVersion::V2025_11_25);
}

/// ERA-S-011, T-10, DISC-S-006, META-S-007: both eras on one pipe, and nothing of one shows in the other.
#[test]
fn both_eras_share_a_stream() {
    let mut peer = Peer::legacy("2025-06-18", r#"{"sampling":{}}"#);
    peer.line(&modern_meta(
        "1",
        "tools/list",
        r#""io.modelcontextprotocol/clientInfo":{"name":"m"}"#,
        "{}",
        "",
    ));
    assert_eq!(peer.context().client_capabilities, raw("{}"));
    assert_eq!(peer.context().client_info, Some(raw(r#"{"name":"m"}"#)));
    peer.line(&bare("2", "tools/list", "{}"));
    assert_eq!(peer.context().client_capabilities, raw(r#"{"sampling":{}}"#));
    peer.line(&modern("3", "tools/list", ""));
    assert_eq!(peer.context().client_info, None);
    assert_eq!(
        peer.result(1, r#"{"tools":[]}"#),
        [r#"{"id":1,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[]}}"#]
    );
    assert_eq!(peer.result(2, r#"{"tools":[]}"#), [r#"{"id":2,"result":{"tools":[]}}"#]);
}

/// DISC-S-013, PING-S-003, T-04: removed methods are the protocol's refusal; so is a handler's "no such method".
#[test]
fn an_unknown_method_is_refused_by_the_protocol() {
    let mut peer = Peer::new();
    let lines = peer.line(&modern("1", "ping", ""));
    assert_eq!(lines, [r#"{"id":1,"error":{"code":-32601,"message":"Method not found: ping"}} protocol"#]);
    assert_eq!(peer.line(&modern("2", "com.example/own", "")), ["request #1 com.example/own"]);
    let lines = peer.reply(1, Reply::MethodNotFound);
    assert_eq!(
        lines,
        [r#"{"id":2,"error":{"code":-32601,"message":"Method not found: com.example/own"}} protocol"#]
    );
    peer.line(&modern("3", "tools/call", ""));
    let lines = peer.refuse(2, ErrorObject::new(-32601, "no"));
    assert_eq!(lines, [r#"{"id":3,"error":{"code":-32601,"message":"no"}}"#]);
}

/// DISC-S-014, ERA-S-013: a modern-only server names its versions, also to a legacy client.
#[test]
fn a_modern_only_server_names_its_versions() {
    let mut peer = Peer::with(Binding::STREAM, |config| config.versions = vec![ProtocolVersion::V2026_07_28]);
    let init = bare("1", "initialize", r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#);
    assert_eq!(
        peer.line(&init),
        [
            r#"{"id":1,"error":{"code":-32022,"message":"Unsupported protocol version","data":{"supported":["2026-07-28"],"requested":"2025-11-25"}}} protocol"#
        ]
    );
    let lines = peer.line(&bare("2", "tools/list", "{}"));
    assert_eq!(code(&lines), -32602);
    assert!(lines[0].contains("2026-07-28"));
}

/// RPC-B-004: notifications are never answered, known or not. Extensions' own reach the application.
#[test]
fn notifications_are_never_answered() {
    let note = |method: &str| format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
    let mut fresh = Peer::new();
    assert!(fresh.line(&note("notifications/roots/list_changed")).is_empty());
    assert!(fresh.line(&note("notifications/message")).is_empty());
    assert!(fresh.line(&note("tools/call")).is_empty());
    assert_eq!(fresh.line(&note("com.example/told")), ["notification com.example/told"]);
    let mut open = Peer::legacy("2025-11-25", "{}");
    assert_eq!(
        open.line(&note("notifications/roots/list_changed")),
        ["notification notifications/roots/list_changed"]
    );
    assert!(open.line(&note("notifications/tools/list_changed")).is_empty());
}
