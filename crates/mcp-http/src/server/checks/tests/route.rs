//! Routing: ledger 2.6 steps 4 and 5, cell by cell, for three kinds of server.

use mcp_core::message::{Message, ProtocolVersion, RequestId, Shape, code, meta};

use super::super::status::refusal_status;
use super::super::{Route, route, route_batch};
use super::{BOTH, LEGACY_ONLY, MODERN, MODERN_ONLY, call, claim, headers, message, version};

/// A route in short.
#[derive(Debug, PartialEq)]
enum To {
    Modern,
    Legacy,
    Drop,
    No(i64),
}

fn brief(route: &Route) -> To {
    match route {
        Route::Modern => To::Modern,
        Route::Legacy => To::Legacy,
        Route::Drop => To::Drop,
        Route::Refuse(refusal) => {
            assert_eq!(refusal_status(&refusal.error), 400);
            To::No(refusal.error.code)
        }
    }
}

/// Where a message goes on a server of both eras, on a modern one and on a legacy one.
fn everywhere(values: &[&str], message: &Message) -> [To; 3] {
    [BOTH, MODERN_ONLY, LEGACY_ONLY].map(|served| brief(&route(&version(values), message, served)))
}

const MISMATCH: To = To::No(code::HEADER_MISMATCH);
const PARAMS: To = To::No(code::INVALID_PARAMS);
const VERSION: To = To::No(code::UNSUPPORTED_VERSION);
const INVALID: To = To::No(code::INVALID_REQUEST);

/// HDR-S-002, HDR-S-003, HTTP-S-020, T-02, T-11, T-34; rows 1 to 4. The order of results: both eras, modern,
/// legacy.
#[test]
fn a_request_with_a_claim() {
    for method in ["tools/list", "initialize", "ping", "unknown/method", "server/discover"] {
        let good = call(method, Some("1"), &claim(MODERN));
        // Row 1. What the method is, the session finds out.
        for same in [&[MODERN][..], &["  2026-07-28\t"]] {
            assert_eq!(everywhere(same, &good), [To::Modern, To::Modern, VERSION], "{method} {same:?}");
        }
        // Row 2.
        for other in [
            &[][..],
            &[""],
            &["2025-11-25"],
            &["1999-01-01"],
            &["v999.0.0"],
            &["2026-07-28, 2026-07-28"],
            &["2026-07-2８"],
            &[MODERN, MODERN],
            &[MODERN, "2025-11-25"],
        ] {
            assert_eq!(everywhere(other, &good), [MISMATCH, MISMATCH, MISMATCH], "{method} {other:?}");
        }
        let future = call(method, Some("1"), &claim("v999.0.0"));
        assert_eq!(everywhere(&[MODERN], &future), [MISMATCH, MISMATCH, MISMATCH]);
        assert_eq!(everywhere(&[], &future), [MISMATCH, MISMATCH, MISMATCH]);
        // Row 4, and a legacy version, which is never served by a claim.
        for label in ["v999.0.0", "1900-01-01", "2025-11-25", "2025-03-26", ""] {
            let asked = call(method, Some("1"), &claim(label));
            assert_eq!(everywhere(&[label], &asked), [VERSION, VERSION, VERSION], "{method} {label}");
        }
    }
}

/// HTTP-S-020, META-S-007, T-02; row 3: whatever the header.
#[test]
fn a_request_with_half_a_claim() {
    let (version, capabilities) = (meta::PROTOCOL_VERSION, meta::CLIENT_CAPABILITIES);
    for meta in [
        format!(r#""{version}":"2026-07-28""#),
        format!(r#""{version}":"2026-07-28","{capabilities}":null"#),
        format!(r#""{version}":"2026-07-28","{capabilities}":[]"#),
        format!(r#""{version}":7,"{capabilities}":{{}}"#),
        format!(r#""{version}":null,"{capabilities}":{{}}"#),
        format!(r#""{version}":"v999.0.0""#),
    ] {
        let request = call("tools/list", Some("1"), &meta);
        for header in [&[MODERN][..], &[], &["2025-11-25"], &["v999.0.0"], &[MODERN, MODERN]] {
            assert_eq!(everywhere(header, &request), [PARAMS, PARAMS, PARAMS], "{meta} {header:?}");
        }
    }
}

/// HTTP-S-017, HTTP-S-018, T-20, T-34; rows 5 to 7.
#[test]
fn a_request_without_a_claim() {
    let bare = message(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    let token = call("tools/list", Some("1"), r#""progressToken":1"#);
    let capabilities = call("tools/list", Some("1"), &format!(r#""{}":{{}}"#, meta::CLIENT_CAPABILITIES));
    for request in [&bare, &token, &capabilities] {
        // A revision that is not served is an unknown one.
        assert_eq!(everywhere(&[MODERN], request), [PARAMS, PARAMS, VERSION]);
        for unknown in ["1999-01-01", "garbage", "v999.0.0", "", "2025-11-2５"] {
            assert_eq!(everywhere(&[unknown], request), [VERSION, VERSION, VERSION], "{unknown}");
        }
        // 2025-06-18 is no revision of the legacy server: whether that matters its session knows.
        for legacy in ["2025-11-25", " 2025-11-25 ", "2025-06-18", "2024-11-05"] {
            assert_eq!(everywhere(&[legacy], request), [To::Legacy, VERSION, To::Legacy], "{legacy}");
        }
        assert_eq!(everywhere(&[], request), [To::Legacy, MISMATCH, To::Legacy]);
        // FAULT F-S9.
        for copies in [&["2025-11-25", "2025-11-25"][..], &["2025-11-25,2025-11-25"]] {
            assert_eq!(everywhere(copies, request), [To::Legacy, VERSION, To::Legacy]);
        }
        for differ in [&["2025-11-25", "2025-06-18"][..], &["2025-11-25, 2025-06-18"], &[MODERN, MODERN]] {
            assert_eq!(everywhere(differ, request), [MISMATCH, MISMATCH, MISMATCH]);
        }
    }
}

/// T-20, T-34: `initialize` negotiates by its body, so an old or strange header on it is ignored.
#[test]
fn initialize_without_a_claim() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
    let initialize = message(text);
    for header in [&[][..], &["2025-06-18"], &["1999-01-01"], &["garbage"]] {
        assert_eq!(everywhere(header, &initialize), [To::Legacy, VERSION, To::Legacy], "{header:?}");
    }
    assert_eq!(everywhere(&[MODERN], &initialize), [PARAMS, PARAMS, To::Legacy]);
    assert_eq!(everywhere(&[MODERN, MODERN], &initialize), [MISMATCH, MISMATCH, MISMATCH]);
}

/// T-31, HTTP-S-002, HTTP-S-003, HTTP-S-018; rows 8 and 9.
#[test]
fn a_notification() {
    let bare = message(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let claimed = call("notifications/cancelled", None, &claim(MODERN));
    for note in [&bare, &claimed] {
        assert_eq!(everywhere(&[MODERN], note), [To::Drop, To::Drop, VERSION]);
        assert_eq!(everywhere(&["1999-01-01"], note), [VERSION, VERSION, VERSION]);
        assert_eq!(everywhere(&["2025-11-25", "2025-06-18"], note), [MISMATCH, MISMATCH, MISMATCH]);
    }
    for header in [&[][..], &["2025-11-25"]] {
        assert_eq!(everywhere(header, &bare), [To::Legacy, To::Drop, To::Legacy]);
        assert_eq!(everywhere(header, &claimed), [To::Drop, To::Drop, To::Drop]);
    }
}

/// Step 4, RPC-B-013: a response is for a legacy server only.
#[test]
fn a_response() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
    ] {
        let response = message(text);
        for header in [&[][..], &["2025-11-25"]] {
            assert_eq!(everywhere(header, &response), [To::Legacy, INVALID, To::Legacy]);
        }
        for header in [&[MODERN][..], &["1999-01-01"], &["2025-11-25", "2025-06-18"]] {
            assert_eq!(everywhere(header, &response), [INVALID, INVALID, INVALID]);
        }
    }
}

/// Step 4, T-01, RPC-B-018, RPC-B-022, RPC-B-023.
#[test]
fn an_array() {
    let with_session = |value| headers(&[("mcp-protocol-version", value), ("mcp-session-id", "s")]);
    let to = |headers: &hyper::HeaderMap, served| brief(&route_batch(headers, served));
    for served in [BOTH, LEGACY_ONLY] {
        // The default without a header is 2025-03-26; in a session the session knows.
        assert_eq!(to(&version(&[]), served), To::Legacy);
        assert_eq!(to(&version(&["2025-03-26"]), served), To::Legacy);
        assert_eq!(to(&with_session("2025-11-25"), served), To::Legacy);
        for header in
            [&["2025-06-18"][..], &["2025-11-25"], &[MODERN], &["garbage"], &["2025-03-26", "2025-06-18"]]
        {
            assert_eq!(to(&version(header), served), INVALID, "{header:?}");
        }
        assert_eq!(to(&with_session(MODERN), served), INVALID);
    }
    for served in [MODERN_ONLY, &[ProtocolVersion::V2025_11_25][..], &[]] {
        for header in [version(&[]), version(&["2025-03-26"]), with_session("2025-03-26")] {
            assert_eq!(to(&header, served), INVALID);
        }
    }
}

/// ID-B-006, T-03, HTTP-S-003: a request's id is echoed unchanged; nothing else has one to echo.
#[test]
fn refusals_carry_the_request_id() {
    let refuse = |values: &[&str], message: &Message| match route(&version(values), message, BOTH) {
        Route::Refuse(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    for id in ["0", "\"\"", "\"7\"", "7", "7.0"] {
        let request = call("tools/list", Some(id), &claim(MODERN));
        let refusal = refuse(&[], &request);
        assert_eq!((refusal.id, refusal.shape), (RequestId::parse(id.as_bytes()), Shape::Request));
    }
    let note = message(r#"{"jsonrpc":"2.0","method":"x"}"#);
    let refusal = refuse(&["garbage"], &note);
    assert_eq!((refusal.id, refusal.shape), (None, Shape::Notification));
    let response = message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    let refusal = refuse(&[MODERN], &response);
    assert_eq!((refusal.id, refusal.shape), (None, Shape::Response));
}

/// DISC-S-004, T-09, T-34: `supported` is the whole list, newest first; `requested` is what was asked for.
#[test]
fn an_unsupported_version_names_the_versions() {
    let data = |values: &[&str], message: &Message, served| match route(&version(values), message, served) {
        Route::Refuse(refusal) => refusal.error.data.unwrap().to_string(),
        other => panic!("{other:?}"),
    };
    let future = call("tools/list", Some("1"), &claim("v999.0.0"));
    let all = r#"["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"]"#;
    assert_eq!(
        data(&["v999.0.0"], &future, BOTH),
        format!(r#"{{"supported":{all},"requested":"v999.0.0"}}"#)
    );
    let modern = call("tools/list", Some("1"), &claim(MODERN));
    let legacy = r#"{"supported":["2025-11-25","2025-03-26"],"requested":"2026-07-28"}"#;
    assert_eq!(data(&[MODERN], &modern, LEGACY_ONLY), legacy);
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
    let only = |asked| format!(r#"{{"supported":["2026-07-28"],"requested":"{asked}"}}"#);
    assert_eq!(data(&["2025-11-25"], &message(text), MODERN_ONLY), only("2025-06-18"));
    let bare = message(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#);
    assert_eq!(data(&["2025-11-25"], &bare, MODERN_ONLY), only("2025-11-25"));
    assert_eq!(data(&[], &bare, MODERN_ONLY), only(""));
    let list = message(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(data(&["2025-03-26"], &list, MODERN_ONLY), only("2025-03-26"));
    // Bytes that are no text still get an answer in JSON.
    let mut garbage = version(&[]);
    garbage.insert("mcp-protocol-version", hyper::header::HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(brief(&route(&garbage, &list, BOTH)), VERSION);
    // Without a header there is nothing that was asked for: the versions stand in the text.
    match route(&version(&[]), &list, MODERN_ONLY) {
        Route::Refuse(refusal) => {
            assert!(refusal.error.message.contains(MODERN), "{}", refusal.error.message)
        }
        other => panic!("{other:?}"),
    }
}
