//! Multi round-trip requests.

use crate::error::Error;
use crate::message::ErrorObject;
use crate::session::client::ClientConfig;

use super::harness::*;

const ASK: &str = r#"{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"who?"}},"dirs":{"method":"roots/list"}},"requestState":"s\u0041\/\u20ac"}"#;

fn able() -> ClientConfig {
    let mut config = config();
    config.capabilities = raw(r#"{"elicitation":{},"roots":{},"sampling":{}}"#);
    config
}

/// MRTR-C-011, MRTR-C-012, MRTR-C-014, T-41: the retry is the original, this round's answers, and the
/// state byte for byte, under a new id.
#[test]
fn a_round_trip() {
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::modern(able(), binding);
        let call = peer.call("tools/call", r#"{"name":"a","n":1.0}"#);
        let first = peer.last().clone();
        peer.answer_last(ASK);
        let questions = peer.questions();
        assert_eq!((questions[0].2.as_str(), questions[1].2.as_str()), ("elicitation/create", "roots/list"));
        assert!(questions.iter().all(|(_, of, _)| *of == Some(call)));
        peer.answer(questions[1].0, Ok(r#"{"roots":[]}"#));
        assert_eq!(peer.sent.len(), 1);
        peer.answer(questions[0].0, Ok(r#"{"action":"accept","content":{"n":1.0}}"#));
        let retry = peer.last().clone();
        assert_eq!(retry.method(), "tools/call");
        assert_ne!((&retry.json["id"], retry.lane), (&first.json["id"], first.lane));
        assert!(retry.text.contains(r#""requestState":"s\u0041\/\u20ac""#), "{}", retry.text);
        assert!(retry.text.contains(r#""who":{"action":"accept","content":{"n":1.0}}"#));
        assert!(retry.text.contains(r#""name":"a","n":1.0"#));
        assert_eq!(retry.json["params"]["inputResponses"].as_object().unwrap().len(), 2);
        assert_eq!(retry.json["params"]["_meta"], first.json["params"]["_meta"]);
        peer.answer_last(r#"{"resultType":"complete","done":1}"#);
        assert_eq!(peer.result(call), r#"{"resultType":"complete","done":1}"#);
        assert_eq!(peer.wait, None);
    }
}

/// MRTR-C-013, T-41: neither state nor answers of an earlier round leak into a later one.
#[test]
fn rounds_do_not_leak_into_each_other() {
    let mut peer = Peer::modern(able(), PIPE);
    peer.call("tools/call", r#"{"name":"a","requestState":"old","inputResponses":{"x":{}}}"#);
    let ask = |key: &str| {
        format!(r#"{{"resultType":"input_required","inputRequests":{{"{key}":{{"method":"roots/list"}}}}}}"#)
    };
    for key in ["one", "two"] {
        peer.answer_last(&ask(key));
        let id = peer.questions().last().unwrap().0;
        peer.answer(id, Ok("{}"));
        assert_eq!(peer.last().json["params"]["inputResponses"], serde_json::json!({ key: {} }));
        assert!(peer.last().json["params"].get("requestState").is_none());
    }
}

/// MRTR-C-015: parallel calls are not touched.
#[test]
fn other_calls_are_not_touched() {
    let mut peer = Peer::modern(able(), PIPE);
    peer.call("tools/call", r#"{"name":"a"}"#);
    peer.answer_last(ASK);
    peer.call("tools/call", r#"{"name":"b"}"#);
    assert!(!peer.last().text.contains("requestState") && !peer.last().text.contains("inputResponses"));
}

/// MRTR-C-011: rounds that ask nothing rest longer and longer, and are bounded like all others.
#[test]
fn rounds_that_ask_nothing_rest_and_are_bounded() {
    let mut peer = Peer::modern(able(), PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    let mut rests = Vec::new();
    for round in 0..11 {
        peer.answer_last(&format!(r#"{{"resultType":"input_required","requestState":"{round}"}}"#));
        if peer.outcome(call).is_some() {
            break;
        }
        let rest = peer.wait.unwrap() - peer.clock;
        rests.push(rest.as_millis());
        peer.pass(rest);
        assert_eq!(peer.last().json["params"]["requestState"], round.to_string());
        assert!(peer.last().json["params"].get("inputResponses").is_none());
    }
    assert_eq!(rests, [50, 100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000]);
    assert!(matches!(peer.error(call), Error::Limit { what, limit: 10 } if what.contains("rounds")));
}

/// MRTR-S-003 to MRTR-S-006: what a server may not ask fails the call, and the application is not asked.
#[test]
fn illegal_rounds_are_violations() {
    let asks = |requests: &str| format!(r#"{{"resultType":"input_required","inputRequests":{requests}}}"#);
    let results = [
        r#"{"resultType":"input_required"}"#.to_owned(),
        r#"{"resultType":"input_required","requestState":7}"#.to_owned(),
        asks("{}"),
        asks("[]"),
        asks(r#"{"a":1}"#),
        asks(r#"{"a":{}}"#),
        asks(r#"{"a":{"method":7}}"#),
        asks(r#"{"a":{"method":"ping"}}"#),
        asks(r#"{"a":{"method":"roots/list","params":[]}}"#),
        asks(r#"{"a":{"method":"roots/list"},"a":{"method":"roots/list"}}"#),
        asks(r#"{"a":{"method":"roots/list"},"b":{"method":"elicitation/create","params":{"mode":"url"}}}"#),
        asks(r#"{"a":{"method":"sampling/createMessage","params":{"tools":[]}}}"#),
    ];
    for result in results {
        let mut peer = Peer::modern(able(), PIPE);
        let call = peer.call("tools/call", r#"{"name":"a"}"#);
        peer.answer_last(&result);
        assert!(matches!(peer.error(call), Error::Violation(_)), "{result}");
        assert_eq!((peer.questions().len(), peer.wait), (0, None), "{result}");
    }
    let mut peer = Peer::modern(able(), PIPE);
    let call = peer.call("tools/list", "");
    peer.answer_last(ASK);
    assert!(matches!(peer.error(call), Error::Violation(_)));
    let mut peer = Peer::modern(config(), PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.answer_last(ASK);
    assert!(matches!(peer.error(call), Error::Violation(_)));
}

/// T-41: an error cannot be sent back, so the call is abandoned, and the other questions with it.
#[test]
fn a_refused_question_abandons_the_call() {
    let mut peer = Peer::modern(able(), PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.answer_last(ASK);
    let questions = peer.questions();
    peer.answer(questions[0].0, Err(ErrorObject::new(-1, "no")));
    assert!(matches!(peer.error(call), Error::InputRefused(error) if error.code == -1));
    assert_eq!(peer.story(), ["Input", "Input", "InputCancelled", "CallDone"]);
    peer.answer(questions[1].0, Ok("{}"));
    assert_eq!((peer.sent.len(), peer.wait), (1, None));
}

/// FAULT C-37: nothing is on the wire, so a cancel says nothing; the questions are withdrawn.
#[test]
fn a_call_that_asks_is_cancelled_silently() {
    for binding in [PIPE, HTTP] {
        let mut peer = Peer::modern(able(), binding);
        let call = peer.call("tools/call", r#"{"name":"a"}"#);
        peer.answer_last(ASK);
        peer.cancel(call);
        assert!(matches!(peer.error(call), Error::Cancelled));
        assert_eq!(peer.story(), ["Input", "Input", "InputCancelled", "InputCancelled", "CallDone"]);
        assert_eq!((peer.sent.len(), peer.ended.len(), peer.wait), (1, 0, None));
    }
}

/// T-45: a person may take longer than the call; then the clocks go on where they stood.
#[test]
fn a_person_stops_the_clocks() {
    let mut config = able();
    config.call_maximum = seconds(100);
    let mut peer = Peer::modern(config, PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.pass(seconds(50));
    peer.answer_last(ASK);
    peer.pass(seconds(590));
    assert!(peer.outcome(call).is_none());
    for (id, ..) in peer.questions() {
        peer.answer(id, Ok("{}"));
    }
    peer.pass(millis(49_999));
    assert!(peer.outcome(call).is_none());
    peer.pass(millis(1));
    assert!(matches!(peer.error(call), Error::TimedOut { what: "no answer", .. }));
}

/// T-45: and a person who never answers ends it.
#[test]
fn a_person_who_never_answers_ends_the_call() {
    let mut peer = Peer::modern(able(), PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.answer_last(ASK);
    peer.pass(seconds(600));
    assert!(
        matches!(peer.error(call), Error::TimedOut { what: "no input", after, .. } if *after == seconds(600))
    );
    assert_eq!(peer.story(), ["Input", "Input", "InputCancelled", "InputCancelled", "CallDone"]);
    assert_eq!(peer.sent.len(), 1);
}
