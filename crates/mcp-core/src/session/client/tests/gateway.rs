//! Calls that are made on behalf of another client.

use serde_json::json;

use crate::error::Error;
use crate::session::LogLevel;
use crate::session::client::{CallOptions, ClientFacts, InputMode};
use crate::transport::Envelope;

use super::harness::*;

const ASK: &str =
    r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}},"requestState":"s"}"#;

/// META-C-005: a request carries the facts of the client that it is made for, and no others.
#[test]
fn a_call_carries_the_facts_of_its_client() {
    let mut peer = Peer::modern(config(), HTTP);
    let facts = ClientFacts::new(raw(r#"{"roots":{}}"#));
    peer.call_with("tools/call", r#"{"name":"a","_meta":{"x":1}}"#, CallOptions::new().client(facts.clone()));
    let meta = &peer.last().json["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], serde_json::json!({"roots": {}}));
    assert_eq!(meta.get("io.modelcontextprotocol/clientInfo"), None);
    assert_eq!(
        (&meta["x"], &meta["io.modelcontextprotocol/protocolVersion"]),
        (&1.into(), &"2026-07-28".into())
    );

    let named = facts.info(raw(r#"{"name":"theirs"}"#));
    peer.call_with("tools/call", r#"{"name":"a"}"#, CallOptions::new().client(named));
    let meta = &peer.last().json["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "theirs");

    peer.call("tools/call", r#"{"name":"a"}"#);
    let meta = &peer.last().json["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], serde_json::json!({}));
}

/// MRTR-S-006: a server may ask for what the client of this very call declared.
#[test]
fn a_question_is_judged_by_the_client_of_its_call() {
    let mut peer = Peer::modern(config(), HTTP);
    let refused = peer.call("tools/call", r#"{"name":"a"}"#);
    peer.answer_last(ASK);
    assert!(matches!(peer.error(refused), Error::Violation(_)));
    let facts = ClientFacts::new(raw(r#"{"roots":{}}"#));
    let asked = peer.call_with("tools/call", r#"{"name":"a"}"#, CallOptions::new().client(facts));
    peer.answer_last(ASK);
    assert_eq!(peer.questions().last().unwrap().1, Some(asked));
}

/// MRTR-C-012: what a gateway passes on is neither answered nor changed, and neither is a result of an unknown type.
#[test]
fn input_that_passes_is_the_outcome() {
    let mut peer = Peer::modern(config(), HTTP);
    let pass = || CallOptions::new().input(InputMode::Pass);
    for result in [ASK, r#"{"resultType":"x/partial","n":1.0}"#] {
        let call = peer.call_with("tools/call", r#"{"name":"a"}"#, pass());
        peer.answer_last(result);
        assert_eq!(peer.result(call), result);
        assert!(peer.questions().is_empty());
    }
    let params = r#"{"name":"a","inputResponses":{"k":{"roots":[]}},"requestState":"s\u0041"}"#;
    peer.call_with("tools/call", params, pass());
    assert!(peer.last().text.contains(&params[1..]), "{}", peer.last().text);
}

/// What a program gives with a call is found again by the call's id, until it ends.
#[test]
fn the_envelope_of_a_call_is_kept() {
    let mut peer = Peer::modern(config(), HTTP);
    let options = CallOptions::new().envelope(Envelope::default().with(7_u8));
    let call = peer.call_with("tools/call", r#"{"name":"a"}"#, options);
    let kept = peer.session.envelope_of(call).and_then(|envelope| envelope.get::<u8>().copied());
    assert_eq!(kept, Some(7));
    peer.answer_last(r#"{"resultType":"complete"}"#);
    assert!(peer.session.envelope_of(call).is_none());
}

/// The facts of a client are objects.
#[test]
fn facts_have_to_be_objects() {
    let mut peer = Peer::modern(config(), HTTP);
    let call = peer.call_with("tools/call", "{}", CallOptions::new().client(ClientFacts::new(raw("[]"))));
    assert!(matches!(peer.error(call), Error::Misuse(_)));
}

const SAID: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/clientInfo":{"name":"theirs"}"#;

fn theirs() -> CallOptions {
    let facts = ClientFacts::new(raw(r#"{"roots":{}}"#)).info(raw(r#"{"name":"theirs"}"#));
    CallOptions::new().client(facts)
}

/// Params that were received and say already what the call would say are sent as they came.
#[test]
fn received_params_that_say_the_same_stay_as_they_came() {
    let mut peer = Peer::modern(config(), HTTP);
    let params = format!(r#"{{ "name":"a", "_meta" : {{"x":1.0, {SAID} }},"n":2.5e-308}}"#);
    peer.forward("tools/call", &params, theirs());
    assert!(peer.last().text.contains(&params), "{}", peer.last().text);
    let logged = params.replace(SAID, &format!(r#"{SAID},"io.modelcontextprotocol/logLevel":"info""#));
    peer.forward("tools/call", &logged, theirs().log_level(LogLevel::Info));
    assert!(peer.last().text.contains(&logged), "{}", peer.last().text);
    // The same text, but the application may have written a member twice.
    peer.call_with("tools/call", &params, theirs());
    assert!(!peer.last().text.contains(&params), "{}", peer.last().text);
    assert_eq!(peer.last().json["params"]["_meta"]["x"], 1.0);
    // A call that waits for progress adds its token.
    peer.forward("tools/call", &params, theirs().reset_on_progress());
    assert!(!peer.last().json["params"]["_meta"]["progressToken"].is_null(), "{}", peer.last().text);
}

/// Whatever they do not say, or say otherwise, is set. Everything else stays.
#[test]
fn received_params_that_say_something_else_are_set_right() {
    let (version, client) = ("io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientInfo");
    let level = "io.modelcontextprotocol/logLevel";
    let with = |more: &str| format!(r#"{{"name":"a","_meta":{{"x":1.0,{SAID}{more}}},"n":2.5e-308}}"#);
    let said = with("");
    let rows = [
        (said.replace("2026-07-28", "2027-01-01"), theirs(), version, json!("2026-07-28")),
        (said.replace("theirs", "mine"), theirs(), client, json!({"name": "theirs"})),
        (
            said.replace("roots", "sampling"),
            theirs(),
            "io.modelcontextprotocol/clientCapabilities",
            json!({"roots": {}}),
        ),
        (said.clone(), theirs().log_level(LogLevel::Error), level, json!("error")),
        (
            with(r#","io.modelcontextprotocol/logLevel":"info""#),
            theirs().log_level(LogLevel::Error),
            level,
            json!("error"),
        ),
        (said.clone(), theirs().meta(raw(r#"{"x":2}"#)), "x", json!(2)),
        (with(r#","y":{"z":[]}"#), theirs().meta(raw(r#"{"x":2}"#)), "y", json!({"z": []})),
    ];
    for (params, options, key, wanted) in rows {
        let mut peer = Peer::modern(config(), HTTP);
        peer.forward("tools/call", &params, options);
        let sent = &peer.last().json["params"];
        assert_eq!(sent["_meta"][key], wanted, "{params}");
        assert_eq!(sent["name"], "a");
        assert!(peer.last().text.contains(r#""n":2.5e-308"#), "{}", peer.last().text);
        for said in [version, client, "x"] {
            let times = peer.last().text.matches(&format!(r#""{said}":"#)).count();
            assert_eq!(times, 1, "{}", peer.last().text);
        }
    }
}

/// PROG-B-001: a token of the client that is served does not reach the server: the call has a token of this session.
#[test]
fn a_received_progress_token_is_replaced() {
    let mut peer = Peer::modern(config(), HTTP);
    let params = format!(r#"{{"name":"a","_meta":{{{SAID},"progressToken":"theirs-7"}}}}"#);
    peer.forward("tools/call", &params, theirs());
    let token = &peer.last().json["params"]["_meta"]["progressToken"];
    assert!(token.is_number(), "{token}");
    assert_eq!(peer.last().text.matches("progressToken").count(), 1);
}
