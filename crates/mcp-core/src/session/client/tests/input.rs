//! The questions of a legacy server.

use crate::error::Error;
use crate::message::{ErrorObject, ProtocolVersion};
use crate::session::InputRequest;
use crate::session::client::{ClientConfig, ClientEvent, EraMode};

use super::harness::*;

fn able(capabilities: &str) -> ClientConfig {
    let mut config = config();
    config.capabilities = raw(capabilities);
    config
}

fn asks(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// FAULT A-B15, LIFE-C-013: a declared capability is asked of the application, and its answer goes back.
#[test]
fn a_question_is_answered() {
    let mut peer = Peer::legacy(able(r#"{"elicitation":{}}"#), PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.says(&asks("\"q\"", "elicitation/create", r#"{"message":"?"}"#));
    let [(id, of, method)] = &peer.questions()[..] else { panic!() };
    assert_eq!((*of, method.as_str()), (Some(call), "elicitation/create"));
    let id = *id;
    peer.answer(id, Ok(r#"{"action":"accept"}"#));
    assert_eq!(peer.last().text, r#"{"jsonrpc":"2.0","id":"q","result":{"action":"accept"}}"#);
    peer.answer(id, Ok("{}"));
    assert_eq!(peer.sent.len(), 2);
    peer.says(&asks("\"q\"", "elicitation/create", r#"{"message":"again?"}"#));
    let id = peer.questions()[1].0;
    peer.answer(id, Err(ErrorObject::new(-1, "no")));
    assert_eq!(peer.last().json["error"]["code"], -1);
    peer.says(&asks("7", "elicitation/create", "{}"));
    let id = peer.questions()[2].0;
    peer.answer(id, Ok("[]"));
    assert_eq!(peer.last().json["error"]["code"], -32603);
}

/// LIFE-C-016, LIFE-S-014, LIFE-B-012: what was not declared is refused without asking the application.
#[test]
fn what_was_not_declared_is_refused() {
    let cases = [
        ("{}", "roots/list", "{}", -32601),
        ("{}", "sampling/createMessage", "{}", -32601),
        ("{}", "elicitation/create", "{}", -32601),
        (r#"{"roots":{}}"#, "no/such", "{}", -32601),
        (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"url"}"#, -32602),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", "{}", -32602),
        (r#"{"elicitation":{"form":{},"url":{}}}"#, "elicitation/create", r#"{"mode":"x"}"#, -32602),
        (r#"{"sampling":{}}"#, "sampling/createMessage", r#"{"tools":[]}"#, -32602),
        (r#"{"roots":{}}"#, "roots/list", "{}", 0),
        (r#"{"sampling":{"tools":{}}}"#, "sampling/createMessage", r#"{"tools":[]}"#, 0),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", r#"{"mode":"url"}"#, 0),
        (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"form"}"#, 0),
    ];
    for (capabilities, method, params, code) in cases {
        let mut peer = Peer::legacy(able(capabilities), PIPE);
        peer.says(&asks("1", method, params));
        if code == 0 {
            assert_eq!((peer.questions().len(), peer.sent.len()), (1, 0), "{capabilities} {method} {params}");
        } else {
            assert_eq!(peer.last().json["error"]["code"], code, "{capabilities} {method} {params}");
            assert!(peer.events.is_empty());
        }
        // A gateway decides for its clients.
        let mut config = able(capabilities);
        config.ask_undeclared = true;
        let mut peer = Peer::legacy(config, PIPE);
        peer.says(&asks("1", method, params));
        assert_eq!((peer.questions().len(), peer.sent.len()), (1, 0), "{capabilities} {method} {params}");
        let raw = |text: &str| crate::message::RawJson::parse(text.to_owned()).unwrap();
        let missing = InputRequest::new("q", method, Some(raw(params))).missing(&raw(capabilities));
        assert_eq!(missing.is_some(), code != 0, "{capabilities} {method} {params}");
    }
}

/// A revision without elicitation has no such question, whatever was declared.
#[test]
fn an_old_revision_has_no_elicitation() {
    let mut config = able(r#"{"elicitation":{}}"#);
    config.era = EraMode::Legacy(ProtocolVersion::V2025_03_26);
    let mut peer = Peer::on(config, PIPE);
    peer.answer_last(r#"{"protocolVersion":"2025-03-26","capabilities":{}}"#);
    peer.says(&asks("1", "elicitation/create", "{}"));
    assert_eq!(peer.last().json["error"]["code"], -32601);
}

/// ID-B-003: an id in flight is refused a second time, and free again afterwards.
#[test]
fn an_id_in_flight_is_refused() {
    let mut peer = Peer::legacy(able(r#"{"roots":{}}"#), PIPE);
    peer.says(&asks("1", "roots/list", "{}"));
    peer.says(&asks("1.0", "roots/list", "{}"));
    assert_eq!((peer.last().json["error"]["code"].as_i64(), peer.questions().len()), (Some(-32600), 1));
    let id = peer.questions()[0].0;
    peer.answer(id, Ok(r#"{"roots":[]}"#));
    peer.says(&asks("1", "roots/list", "{}"));
    assert_eq!(peer.questions().len(), 2);
}

/// Design bound: at most 1,024 questions are open; the next one is refused.
#[test]
fn open_questions_are_bounded() {
    let mut peer = Peer::legacy(able(r#"{"roots":{}}"#), PIPE);
    for id in 0..1025 {
        peer.says(&asks(&id.to_string(), "roots/list", "{}"));
    }
    assert_eq!(peer.questions().len(), 1024);
    assert!(peer.last().text.contains("limit is 1024"));
}

/// CANC-B-004, CANC-B-001: a question that is taken back gets no answer.
#[test]
fn a_question_that_is_taken_back_gets_no_answer() {
    let mut peer = Peer::legacy(able(r#"{"roots":{}}"#), PIPE);
    peer.says(&asks("1", "roots/list", "{}"));
    let id = peer.questions()[0].0;
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}"#);
    assert_eq!(peer.story(), ["Input"]);
    peer.says(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert_eq!(peer.story(), ["Input", "InputCancelled"]);
    peer.answer(id, Ok("{}"));
    assert!(peer.sent.is_empty());
    assert_eq!(peer.wait, None);
}

/// CANC-B-004: the cancellation of a question may come on another lane than the question.
#[test]
fn a_question_is_cancelled_from_another_lane() {
    let mut peer = Peer::legacy(able(r#"{"roots":{}}"#), HTTP);
    let (call, other) = (peer.call("tools/call", "{}"), peer.call("tools/call", "{}"));
    let lanes = [peer.sent[0].lane, peer.sent[1].lane];
    for from in [0, lanes[1]] {
        peer.events.clear();
        peer.says_on(lanes[0], &asks("1", "roots/list", "{}"));
        peer.says_on(
            from,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        );
        assert_eq!(peer.story(), ["Input", "InputCancelled"], "from {from}");
    }
    // The clocks of the call run again.
    peer.pass(seconds(60));
    assert!(peer.outcome(call).is_some() && peer.outcome(other).is_some());
}

/// Promise 2: on a call's own lane a question is that call's, and the same id on another lane is another.
#[test]
fn a_question_on_a_calls_lane_is_the_calls() {
    let mut peer = Peer::legacy(able(r#"{"roots":{}}"#), HTTP);
    let calls = [peer.call("tools/call", "{}"), peer.call("tools/call", "{}")];
    let lanes = [peer.sent[0].lane, peer.sent[1].lane];
    peer.says_on(lanes[1], &asks("1", "roots/list", "{}"));
    peer.says_on(lanes[0], &asks("1", "roots/list", "{}"));
    peer.says(&asks("1", "roots/list", "{}"));
    let of: Vec<_> = peer.questions().iter().map(|(_, call, _)| *call).collect();
    assert_eq!(of, [Some(calls[1]), Some(calls[0]), None]);
}

/// T-45: while a person is asked the call's clocks stand still, and the person has a limit of his own.
#[test]
fn a_person_stops_the_clocks_and_has_one() {
    let mut peer = Peer::legacy(able(r#"{"elicitation":{}}"#), PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.pass(seconds(30));
    peer.says(&asks("1", "elicitation/create", "{}"));
    peer.pass(seconds(599));
    assert!(peer.outcome(call).is_none());
    peer.pass(seconds(1));
    assert_eq!(peer.last().json["error"]["code"], -32603);
    assert_eq!(peer.story(), ["Input", "InputCancelled"]);
    peer.pass(millis(29_999));
    assert!(peer.outcome(call).is_none());
    peer.pass(millis(1));
    assert!(matches!(peer.error(call), Error::TimedOut { .. }));
}

/// FAULT F-A14: a server that always has a question open does not hold a call beyond its maximum and `input_timeout`.
#[test]
fn questions_without_end_do_not_hold_a_call_for_ever() {
    let mut config = able(r#"{"elicitation":{}}"#);
    config.call_maximum = seconds(100);
    let mut peer = Peer::legacy(config, PIPE);
    let call = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.pass(seconds(30));
    // A new question comes before the last one expires: 700 s after the call began, 600 of which do not count.
    for id in 0..66 {
        peer.says(&asks(&id.to_string(), "elicitation/create", "{}"));
        peer.pass(seconds(10));
    }
    peer.pass(millis(9_999));
    assert!(peer.outcome(call).is_none());
    peer.pass(millis(1));
    assert!(matches!(peer.error(call), Error::TimedOut { what: "no answer", .. }));
}

/// Questions end with the link.
#[test]
fn questions_end_with_the_link() {
    for closed in [true, false] {
        let mut peer = Peer::legacy(able(r#"{"roots":{}}"#), PIPE);
        peer.says(&asks("1", "roots/list", "{}"));
        if closed {
            peer.close()
        } else {
            peer.close_link()
        }
        assert!(peer.events.iter().any(|event| matches!(event, ClientEvent::InputCancelled { .. })));
        assert_eq!(peer.wait, None);
    }
}
