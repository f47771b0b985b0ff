//! The tables of both directions, row by row.

use mcp_core::message::{ErrorObject, Payload, RawJson, code};

use super::*;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn payload(text: &str) -> Payload {
    Payload::new(raw(text))
}

const META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"c"},"io.modelcontextprotocol/logLevel":"info""#;

#[test]
fn params_lose_what_a_legacy_server_does_not_know() {
    let rows = [
        (format!(r#"{{"_meta":{{{META}}},"name":"a","n":2.5e-308}}"#), r#"{"name":"a","n":2.5e-308}"#),
        (
            format!(r#"{{"name":"a","_meta":{{"traceparent":"00-x",{META},"progressToken":"t"}}}}"#),
            r#"{"_meta":{"traceparent":"00-x","progressToken":"t"},"name":"a"}"#,
        ),
        (
            format!(r#"{{"_meta":{{{META}}},"requestState":"s","inputResponses":{{"k":{{}}}},"x":1.0}}"#),
            r#"{"x":1.0}"#,
        ),
        (r#"{"name":"a"}"#.to_owned(), r#"{"name":"a"}"#),
    ];
    for (params, wanted) in rows {
        let got = request(Era::Modern, Era::Legacy, "tools/call", Some(&payload(&params)));
        assert_eq!(got, Request::Forward(Some(payload(wanted))), "{params}");
    }
}

#[test]
fn params_of_one_era_stay_as_they_came() {
    let params = payload(&format!(r#"{{ "n":18446744073709551616, "_meta" : {{{META}}} }}"#));
    for era in [Era::Legacy, Era::Modern] {
        assert_eq!(request(era, era, "x/any", Some(&params)), Request::Forward(Some(params.clone())));
        assert_eq!(request(era, era, "x/any", None), Request::Forward(None));
    }
    let legacy = request(Era::Legacy, Era::Modern, "tools/call", Some(&params));
    assert_eq!(legacy, Request::Forward(Some(params)));
}

#[test]
fn tasks_of_a_legacy_client_have_no_counterpart() {
    assert_eq!(request(Era::Legacy, Era::Modern, "tasks/get", None), Request::Unknown);
    assert_eq!(request(Era::Legacy, Era::Legacy, "tasks/get", None), Request::Forward(None));
    assert_eq!(request(Era::Modern, Era::Modern, "tasks/get", None), Request::Forward(None));
    let declared = raw(r#"{"tasks":{},"tools":{"listChanged":true},"experimental":{"x":1.0}}"#);
    let without = raw(r#"{"tools":{"listChanged":true},"experimental":{"x":1.0}}"#);
    for (upstream, downstream, wanted) in [
        (Era::Legacy, Era::Legacy, &declared),
        (Era::Modern, Era::Modern, &declared),
        (Era::Legacy, Era::Modern, &without),
        (Era::Modern, Era::Legacy, &without),
    ] {
        assert_eq!(&server_capabilities(upstream, downstream, &declared), wanted);
    }
    assert_eq!(client_capabilities(Era::Legacy, &declared), declared);
    assert_eq!(client_capabilities(Era::Modern, &declared), without);
}

/// ERR-S-006, ERR-B-003.
#[test]
fn errors_change_their_codes() {
    let uri = r#"{"uri":"a:b"}"#;
    type Row = (Era, i64, Option<&'static str>, Option<&'static str>, i64, Option<&'static str>);
    let rows: [Row; 8] = [
        (Era::Legacy, -32602, Some(uri), Some("a:b"), -32002, Some(uri)),
        (Era::Legacy, -32602, None, Some("a:b"), -32602, None),
        (Era::Legacy, -32602, Some(uri), None, -32602, Some(uri)),
        (Era::Legacy, -32603, None, None, -32603, None),
        (Era::Modern, -32002, None, Some("a:b"), -32602, Some(uri)),
        (Era::Modern, -32002, None, None, -32603, None),
        (Era::Modern, -32050, Some("1"), None, -32603, Some("1")),
        (Era::Modern, -32601, None, None, -32601, None),
    ];
    for (era, code, data, read, wanted, wanted_data) in rows {
        let mut given = ErrorObject::new(code, "why");
        given.data = data.map(raw);
        let got = error(era, given, read);
        assert_eq!((got.code, got.data), (wanted, wanted_data.map(raw)), "{era:?} {code}");
        assert!(got.message.starts_with("why"));
    }
    let named = error(Era::Modern, ErrorObject::new(-32050, "why"), None);
    assert!(named.message.contains("-32050"), "{}", named.message);
}

#[test]
fn pages_to_visit_become_requests_for_input() {
    let data = r#"{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://a.test","message":"m"},{"url":"https://b.test","message":"n"}]}"#;
    let required = ErrorObject::new(code::URL_ELICITATION_REQUIRED, "visit").with_data(raw(data));
    let input = url_elicitations(&required).unwrap();
    assert_eq!(input.requests.len(), 2);
    assert_eq!(input.requests[0].method, "elicitation/create");
    let page = input.requests[0].params.as_ref().unwrap().to_string();
    assert_eq!(page, r#"{"mode":"url","url":"https://a.test","message":"m"}"#);
    for none in [ErrorObject::new(-32042, "visit"), ErrorObject::internal("no").with_data(raw(data))] {
        assert!(url_elicitations(&none).is_none());
    }
}

#[test]
fn progress_has_the_token_of_the_client() {
    let params = raw(r#"{"progressToken":7,"progress":1.0,"total":2,"x":"\u0041"}"#);
    let wanted = r#"{"progressToken":"t","progress":1.0,"total":2,"x":"\u0041"}"#;
    assert_eq!(with_progress_token(Some(&params), &raw(r#""t""#)).to_string(), wanted);
}

#[test]
fn changes_have_the_subscription_of_the_client_or_none() {
    let tagged =
        raw(r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"listen-3"},"uri":"a:b","t":1.0}"#);
    assert_eq!(bare_change(Some(&tagged)).unwrap().to_string(), r#"{"uri":"a:b","t":1.0}"#);
    let only = raw(r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"listen-3"}}"#);
    assert_eq!(bare_change(Some(&only)), None);
    let foreign = raw(r#"{"_meta":{"x":1}}"#);
    assert_eq!(bare_change(Some(&foreign)), Some(foreign));
    assert_eq!(bare_change(None), None);
    let id = raw("0");
    let wanted = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":0},"uri":"a:b","t":1.0}"#;
    assert_eq!(with_subscription(Some(&tagged), &id).to_string(), wanted);
    assert_eq!(
        with_subscription(None, &id).to_string(),
        r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":0}}"#
    );
}
