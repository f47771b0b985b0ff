//! A handler that needs input, on 2026-07-28: the answer goes out, and the client comes again.

use super::*;

fn call(capabilities: &str) -> Peer {
    let mut peer = Peer::new();
    peer.line(&modern_meta("1", "tools/call", "", capabilities, r#""name":"t""#));
    peer
}

/// MRTR-S-001, MRTR-S-005, T-41: bare requests by key; nothing else goes out.
#[test]
fn input_required_goes_out_as_it_is() {
    let mut peer = call(r#"{"elicitation":{},"roots":{}}"#);
    let asked = vec![
        question("a", "elicitation/create", r#"{"message":"?"}"#),
        InputRequest { key: "b\"".into(), method: Method::from("roots/list"), params: None },
    ];
    assert_eq!(
        peer.reply(1, needs(asked, Some("st"))),
        [concat!(
            r#"{"id":1,"result":{"resultType":"input_required","inputRequests":{"#,
            r#""a":{"method":"elicitation/create","params":{"message":"?"}},"b\"":{"method":"roots/list"}},"#,
            r#""requestState":"st"}}"#
        )]
    );
}

/// MRTR-S-002, MRTR-S-010, DISC-S-007: the retry is a request like any other, on any link, with answers.
#[test]
fn the_retry_brings_the_answers() {
    let mut peer = Peer::new();
    let members = r#""name":"t","inputResponses":{"a":{"action":"accept"}},"requestState":"st""#;
    assert_eq!(peer.line(&modern("2", "tools/call", members)), ["request #1 tools/call"]);
    assert_eq!(peer.context().input_responses, Some(raw(r#"{"a":{"action":"accept"}}"#)));
    assert_eq!(peer.context().request_state.as_deref(), Some("st"));
}

/// MRTR-S-016: malformed answers are an error.
#[test]
fn malformed_answers_are_refused() {
    for members in [r#""inputResponses":[]"#, r#""requestState":7"#, r#""inputResponses":null"#] {
        assert_eq!(code(&Peer::new().line(&modern("1", "tools/call", members))), -32602, "{members}");
    }
}

/// MRTR-S-003, MRTR-S-004, MRTR-S-005: what a handler may not say.
#[test]
fn an_illegal_interim_result_is_an_error() {
    let elicit = || question("a", "elicitation/create", "{}");
    let bad = [
        needs(vec![], None),
        needs(vec![elicit(), elicit()], None),
        needs(vec![question("a", "tools/call", "{}")], None),
        needs(vec![question("a", "roots/list", "[]")], None),
        Reply::Result(raw(r#"{"resultType":"input_required"}"#)),
        Reply::Result(raw(r#"{"resultType":"input_required","inputRequests":[]}"#)),
        Reply::Result(raw(r#"{"resultType":"input_required","inputRequests":{"a":{}}}"#)),
        Reply::Result(raw(r#"{"resultType":"input_required","requestState":7}"#)),
    ];
    for reply in bad {
        let mut peer = call(r#"{"elicitation":{},"roots":{}}"#);
        assert_eq!(code(&peer.reply(1, reply.clone())), -32603, "{reply:?}");
    }
    for method in ["tools/list", "completion/complete", "com.example/own"] {
        let mut peer = Peer::new();
        peer.line(&modern("1", method, ""));
        assert_eq!(code(&peer.reply(1, needs(vec![], Some("s")))), -32603, "{method}");
    }
}

/// MRTR-S-006, META-S-007, META-S-008, T-42: what this request did not declare is not asked for.
#[test]
fn an_undeclared_capability_is_named() {
    let form = || question("a", "elicitation/create", r#"{"message":"?"}"#);
    let url = || question("b", "elicitation/create", r#"{"mode":"url"}"#);
    let sample = || question("c", "sampling/createMessage", "{}");
    let tools = || question("d", "sampling/createMessage", r#"{"tools":[]}"#);
    let roots = || question("e", "roots/list", "{}");
    let cases = [
        ("{}", vec![form()], r#"{"elicitation":{"form":{}}}"#),
        (r#"{"elicitation":{"url":{}}}"#, vec![form(), url()], r#"{"elicitation":{"form":{}}}"#),
        (r#"{"elicitation":{}}"#, vec![form(), url()], r#"{"elicitation":{"url":{}}}"#),
        (r#"{"sampling":{}}"#, vec![sample(), tools()], r#"{"sampling":{"tools":{}}}"#),
        ("{}", vec![sample(), roots()], r#"{"sampling":{},"roots":{}}"#),
        (r#"{"roots":7}"#, vec![roots()], r#"{"roots":{}}"#),
    ];
    for (declared, asked, missing) in cases {
        let lines = call(declared).reply(1, needs(asked, None));
        assert_eq!(code(&lines), -32021);
        let data = format!(r#""data":{{"requiredCapabilities":{missing}}}}}}}"#);
        assert!(lines[0].ends_with(&data), "{lines:?}");
    }
    let all = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#;
    let lines = call(all).reply(1, needs(vec![form(), url(), sample(), tools(), roots()], None));
    assert!(lines[0].contains("input_required"), "{lines:?}");
}

/// A result that was forwarded passes the same gates and keeps its members. CACHE-S-005: but no hints.
#[test]
fn a_forwarded_interim_result_is_checked() {
    let said = r#"{"resultType":"input_required","ttlMs":1,"cacheScope":"public","inputRequests":{"a":{"method":"roots/list"}},"x":1}"#;
    assert_eq!(code(&call("{}").result(1, said)), -32021);
    assert_eq!(
        call(r#"{"roots":{}}"#).result(1, said),
        [
            r#"{"id":1,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},"x":1}}"#
        ]
    );
    let mut peer = Peer::new();
    peer.line(&modern("1", "resources/read", ""));
    assert_eq!(
        peer.reply(1, needs(vec![], Some("s"))),
        [r#"{"id":1,"result":{"resultType":"input_required","requestState":"s"}}"#]
    );
}
