//! What a handler said, in the form of each era.

use super::*;

fn modern_result(method: &str, result: &str, change: impl FnOnce(&mut ServerConfig)) -> String {
    let mut peer = Peer::with(Binding::STREAM, change);
    peer.line(&modern("1", method, ""));
    peer.result(1, result).remove(0)
}

fn result_of(line: &str) -> &str {
    line.strip_prefix(r#"{"id":1,"result":"#).unwrap().strip_suffix('}').unwrap()
}

/// RPC-S-014, META-S-009: `resultType` always, the identity unless it is off; what is there stays.
#[test]
fn a_modern_result_is_completed() {
    let cases = [
        (r#"{}"#, r#"{"resultType":"complete"}"#),
        (r#"{ "a":1 }"#, r#"{"resultType":"complete","a":1 }"#),
        (r#"{"resultType":"com.example/odd"}"#, r#"{"resultType":"com.example/odd"}"#),
        (r#"{"resultType":7,"a":1}"#, r#"{"resultType":"complete","a":1}"#),
    ];
    for (said, sent) in cases {
        assert_eq!(result_of(&modern_result("tools/call", said, |_| {})), sent);
    }
    let info = r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}"#;
    let cases = [
        (r#"{}"#, format!(r#"{{"resultType":"complete",{info}}}}}"#)),
        (r#"{"resultType":"complete"}"#, format!(r#"{{{info}}},"resultType":"complete"}}"#)),
        (
            r#"{"_meta":{"a":1}}"#,
            r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"},"a":1}}"#
                .into(),
        ),
        (
            r#"{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"mine"}}}"#,
            r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"mine"}}}"#
                .into(),
        ),
    ];
    for (said, sent) in cases {
        assert_eq!(result_of(&modern_result("tools/call", said, |config| config.send_info = true)), sent);
    }
}

/// RPC-S-014, META-S-009: a large result gets the same members; they may stand behind what it has.
#[test]
fn a_large_result_is_completed_in_place() {
    let text = "x".repeat(100_000);
    for said in [format!(r#"{{"a":"{text}"}}"#), format!(r#"{{ "a":"{text}" }} "#)] {
        let line = modern_result("tools/list", &said, |config| config.send_info = true);
        let sent = RawJson::parse(result_of(&line).to_owned()).unwrap();
        let names: Vec<String> = sent.members().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "resultType", "ttlMs", "cacheScope", "_meta"]);
        assert_eq!(sent.member("a").unwrap().to_text().unwrap(), text);
    }
    let empty = format!("{{{}}}", " ".repeat(100_000));
    let sent = modern_result("tools/call", &empty, |_| {});
    assert_eq!(result_of(&sent), r#"{"resultType":"complete"}"#);
}

/// CACHE-S-001, CACHE-S-002, T-40: hints on the six methods, defaults 0 and private, illegal ones replaced.
#[test]
fn caching_hints_are_there_and_legal() {
    for method in
        ["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"]
    {
        assert_eq!(
            result_of(&modern_result(method, "{}", |_| {})),
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#
        );
    }
    let hinted = r#"{"resultType":"complete","ttlMs":5,"cacheScope":"public"}"#;
    assert_eq!(
        result_of(&modern_result("tools/list", "{}", |config| {
            config.cache_ttl_ms = 5;
            config.cache_public = true;
        })),
        hinted
    );
    assert_eq!(result_of(&modern_result("tools/list", hinted, |_| {})), hinted);
    for bad in ["-1", "1.5", "\"1\"", "null", "1e3"] {
        let said = format!(r#"{{"ttlMs":{bad},"cacheScope":"everyone"}}"#);
        assert_eq!(
            result_of(&modern_result("tools/list", &said, |_| {})),
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#
        );
    }
    assert_eq!(result_of(&modern_result("prompts/get", "{}", |_| {})), r#"{"resultType":"complete"}"#);
}

/// T-39: a legacy result has none of it, even if the handler put it there.
#[test]
fn a_legacy_result_is_bare() {
    let cases = [
        (r#"{"tools":[]}"#, r#"{"tools":[]}"#),
        (r#"{"resultType":"complete","ttlMs":1,"cacheScope":"public","tools":[]}"#, r#"{"tools":[]}"#),
        (r#"{"_meta":{"io.modelcontextprotocol/serverInfo":{}},"resultType":"complete"}"#, r#"{}"#),
        (r#"{"_meta":{"io.modelcontextprotocol/serverInfo":{},"a":1}}"#, r#"{"_meta":{"a":1}}"#),
    ];
    for (said, sent) in cases {
        let mut peer = Peer::legacy("2025-11-25", "{}");
        peer.line(&bare("1", "tools/list", "{}"));
        assert_eq!(result_of(&peer.result(1, said)[0]), sent);
    }
}

/// RPC-B-007: a result is an object.
#[test]
fn a_result_that_is_no_object_is_an_error() {
    let mut peer = Peer::new();
    peer.line(&modern("1", "tools/call", ""));
    assert_eq!(code(&peer.result(1, "[]")), -32603);
}

/// ERR-B-001, ERR-B-003, ERR-B-004, ERR-S-006, ERR-S-007, ERR-S-009: codes by revision.
#[test]
fn error_codes_fit_the_revision() {
    let modern_codes = [
        (-32002, -32602),
        (-32042, -32603),
        (-32000, -32603),
        (-32001, -32603),
        (-32019, -32603),
        (-32023, -32603),
        (-32099, -32603),
        (-32021, -32021),
        (-32602, -32602),
        (-32100, -32100),
        (42, 42),
    ];
    for (said, sent) in modern_codes {
        let mut peer = Peer::new();
        peer.line(&modern("1", "resources/read", ""));
        assert_eq!(code(&peer.refuse(1, ErrorObject::new(said, "x"))), sent, "{said}");
    }
    let legacy_codes = [
        ("2025-11-25", -32002, -32002),
        ("2025-11-25", -32602, -32602),
        ("2025-11-25", -32042, -32042),
        ("2025-06-18", -32042, -32603),
        ("2025-11-25", -32020, -32603),
        ("2025-11-25", -32021, -32603),
        ("2025-11-25", -32022, -32603),
    ];
    for (version, said, sent) in legacy_codes {
        let mut peer = Peer::legacy(version, "{}");
        peer.line(&bare("1", "resources/read", "{}"));
        assert_eq!(code(&peer.refuse(1, ErrorObject::new(said, "x"))), sent, "{said}");
    }
}

/// ERR-S-006: the URI stays with the error.
#[test]
fn an_unknown_resource_keeps_its_uri() {
    let mut peer = Peer::new();
    peer.line(&modern("1", "resources/read", ""));
    assert_eq!(
        peer.refuse(1, ErrorObject::resource_not_found("a:b")),
        [r#"{"id":1,"error":{"code":-32602,"message":"Resource not found","data":{"uri":"a:b"}}}"#]
    );
}

/// ID-B-005, FAULT C-36: the id comes back in its exact form.
#[test]
fn ids_are_echoed_verbatim() {
    for id in ["\"1\"", "1", "0", "-5", "\"\"", "9007199254740993", "1.0", "18446744073709551616"] {
        let mut peer = Peer::new();
        peer.line(&modern(id, "tools/call", ""));
        assert_eq!(peer.result(1, "{}"), [format!(r#"{{"id":{id},"result":{{"resultType":"complete"}}}}"#)]);
    }
}
