//! A handler that needs input, on a legacy link: the session pending, and calls the handler again.

use super::*;

const ALL: &str = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#;

fn answer(id: u64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn calling(version: &str, capabilities: &str) -> Peer {
    let mut peer = Peer::legacy(version, capabilities);
    peer.line(&bare("1", "tools/call", r#"{"name":"t"}"#));
    peer
}

fn two() -> Reply {
    let asked =
        vec![question("x", "elicitation/create", r#"{"message":"?"}"#), question("y", "roots/list", "{}")];
    needs(asked, Some("st"))
}

/// Requests use the server's ids, and the handler is called again after the last answer.
#[test]
fn the_client_is_asked_and_the_handler_called_again() {
    let mut peer = calling("2025-11-25", ALL);
    assert_eq!(
        peer.reply(1, two()),
        [
            r#"{"id":1,"method":"elicitation/create","params":{"message":"?"}}"#,
            r#"{"id":2,"method":"roots/list","params":{}}"#,
        ]
    );
    // While it waits, a handler that speaks again is not heard.
    assert!(peer.result(1, "{}").is_empty());
    assert!(peer.line(&answer(2, r#"{"roots":[]}"#)).is_empty());
    assert_eq!(peer.line(&answer(1, r#"{"action":"accept"}"#)), ["request #1 tools/call"]);
    let again = peer.last.clone().unwrap();
    assert_eq!(again.context.input_responses, Some(raw(r#"{"x":{"action":"accept"},"y":{"roots":[]}}"#)));
    assert_eq!(again.context.request_state.as_deref(), Some("st"));
    assert_eq!(again.params.as_ref().unwrap().raw(), &raw(r#"{"name":"t"}"#));
    assert_eq!(peer.result(1, r#"{"content":[]}"#), [r#"{"id":1,"result":{"content":[]}}"#]);
}

/// T-41: a state alone calls again at once, and counts as a round; the rounds are bounded.
#[test]
fn rounds_are_bounded() {
    let mut peer = calling("2025-11-25", ALL);
    for round in 0..8 {
        assert_eq!(peer.reply(1, needs(vec![], Some(&round.to_string()))), ["request #1 tools/call"]);
        assert_eq!(peer.context().request_state, Some(round.to_string()));
    }
    let lines = peer.reply(1, needs(vec![], Some("8")));
    assert_eq!(code(&lines), -32603);
    assert!(lines[0].contains("8 times (max_input_rounds)"), "{lines:?}");
}

/// LIFE-B-012, LIFE-S-014: fails before the wire. Modes and tools came with 2025-11-25, elicitation with
/// 2025-06-18.
#[test]
fn what_was_not_negotiated_is_not_asked() {
    let cases = [
        ("2025-11-25", "{}", "roots/list", "{}"),
        ("2025-11-25", "{}", "elicitation/create", "{}"),
        ("2025-03-26", ALL, "elicitation/create", "{}"),
        ("2025-06-18", ALL, "elicitation/create", r#"{"mode":"url"}"#),
        ("2025-11-25", r#"{"elicitation":{"form":{}}}"#, "elicitation/create", r#"{"mode":"url"}"#),
        ("2025-11-25", r#"{"sampling":{}}"#, "sampling/createMessage", r#"{"toolChoice":{}}"#),
    ];
    for (version, capabilities, method, params) in cases {
        let lines = calling(version, capabilities).reply(1, needs(vec![question("k", method, params)], None));
        assert_eq!(code(&lines), -32603, "{version} {method}");
        assert!(lines[0].contains("not negotiated"), "{lines:?}");
    }
    let form = needs(vec![question("k", "elicitation/create", "{}")], None);
    assert_eq!(calling("2025-06-18", r#"{"elicitation":{}}"#).reply(1, form).len(), 1);
}

/// LIFE-S-006: no request is sent before `notifications/initialized`.
#[test]
fn nobody_is_asked_before_initialized() {
    let mut peer = Peer::new();
    let params = format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{ALL}}}"#);
    peer.line(&bare("0", "initialize", &params));
    peer.line(&bare("1", "tools/call", "{}"));
    assert_eq!(code(&peer.reply(1, two())), -32603);
}

/// An error answer fails the call, and the other questions are taken back (CANC-B-004).
#[test]
fn a_refusal_of_the_client_fails_the_call() {
    let mut peer = calling("2025-11-25", ALL);
    peer.reply(1, two());
    let refusal = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"User said no"}}"#;
    assert_eq!(
        peer.line(refusal),
        [
            r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#,
            r#"{"id":1,"error":{"code":-32603,"message":"elicitation/create failed: the client refused: User said no"}}"#,
        ]
    );
    assert!(peer.line(&answer(2, "{}")).is_empty());
    assert_eq!(peer.session.stats().stray_responses, 1);
}

/// TIME-B-001, TIME-B-002: a leg has ten minutes; then all of them are taken back and the call fails.
#[test]
fn a_silent_client_fails_the_call() {
    let mut peer = calling("2025-11-25", ALL);
    peer.reply(1, two());
    assert!(peer.wait(Duration::from_secs(599)).is_empty());
    let lines = peer.wait(Duration::from_secs(1));
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert_eq!(lines[1], r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#);
    assert!(lines[2].contains("timed out"), "{lines:?}");
    assert!(matches!(peer.session.poll_output(), Output::Wait(None)));
}

/// Cancel reaches every leg; no handler is at work, so no reply is owed.
#[test]
fn cancelling_the_call_takes_the_questions_back() {
    let mut peer = calling("2025-11-25", ALL);
    peer.reply(1, two());
    assert_eq!(
        peer.line(&cancelled("1")),
        [
            r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#,
            r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#,
            "cancelled #1",
        ]
    );
    assert!(peer.line(&answer(1, "{}")).is_empty());
    assert_eq!(peer.line(&bare("1", "tools/list", "{}")), ["request #2 tools/list"]);
}

/// Questions travel on the lane of their request; without a way to the client the call fails (promise 6).
#[test]
fn questions_travel_on_the_lane_of_the_request() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", ALL);
    peer.on(5, &bare("1", "tools/call", "{}"));
    let lines = peer.reply(1, two());
    assert!(lines.iter().all(|line| line.starts_with("@5 {")), "{lines:?}");
    let lines = peer.rejected(5, Some(1));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with(r#"@5! {"id":1,"error":{"code":-32603"#), "{lines:?}");
}

/// T-22: the id `"1"` answers nothing that was asked as `1`. RPC-B-010: both sides count for themselves.
#[test]
fn an_answer_of_another_type_is_none() {
    let mut peer = calling("2025-11-25", ALL);
    let questions = vec![question("x", "roots/list", "{}"), question("y", "roots/list", "{}")];
    peer.reply(1, needs(questions, None));
    assert!(peer.line(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#).is_empty());
    peer.line(&answer(1, "{}"));
    assert_eq!(peer.line(&answer(2, "{}")), ["request #1 tools/call"]);
}

/// FAULT F-S16: it is accepted if it can only mean the one request that is open.
#[test]
fn the_one_open_request_is_answered_by_its_number_as_text() {
    for other in ["\"2\"", "\"01\"", "\"x\"", "\"\""] {
        let mut peer = calling("2025-11-25", ALL);
        peer.reply(1, needs(vec![question("x", "roots/list", "{}")], None));
        assert!(
            peer.line(&format!(r#"{{"jsonrpc":"2.0","id":{other},"result":{{}}}}"#)).is_empty(),
            "{other}"
        );
        assert_eq!(peer.line(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#), ["request #1 tools/call"]);
    }
}

/// RPC-B-005: a malformed answer is an error, and the call that waits for it fails.
#[test]
fn a_malformed_answer_fails_the_call() {
    let mut peer = calling("2025-11-25", ALL);
    peer.reply(1, needs(vec![question("x", "roots/list", "{}")], None));
    assert_eq!(code(&peer.line(r#"{"jsonrpc":"2.0","id":1,"result":[]}"#)), -32603);
}

/// The requests of a result that was forwarded from a modern server are sent to a legacy client.
#[test]
fn a_forwarded_interim_result_is_asked() {
    let mut peer = calling("2025-11-25", ALL);
    let said = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}}}"#;
    assert_eq!(peer.result(1, said), [r#"{"id":1,"method":"roots/list"}"#]);
}

/// A legacy client cannot smuggle answers in: they are the session's alone.
#[test]
fn answers_in_legacy_params_are_not_believed() {
    let mut peer = Peer::legacy("2025-11-25", ALL);
    peer.line(&bare("1", "tools/call", r#"{"inputResponses":{"a":{}},"requestState":"s"}"#));
    assert_eq!(peer.context().input_responses, None);
    assert_eq!(peer.context().request_state, None);
}
