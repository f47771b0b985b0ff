//! Batches: one revision has them.

use super::*;

const PING: &str = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;

fn list(id: &str) -> String {
    bare(id, "tools/list", "{}")
}

/// RPC-B-018, RPC-B-024, promise 4: one answer each, in any order, `last` on the final one alone.
#[test]
fn answers_are_collected_until_the_last() {
    let mut peer = Peer::legacy("2025-03-26", "{}");
    let note = r#"{"jsonrpc":"2.0","method":"com.example/told"}"#;
    let lines = peer.line(&format!("[{},{note},{PING},{},7]", list("1"), list("2")));
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(lines[0], "request #1 tools/list");
    assert_eq!(lines[1], "notification com.example/told");
    assert_eq!(lines[2], r#"@1001 {"id":9,"result":{}}"#);
    assert_eq!(lines[3], "request #2 tools/list");
    assert!(lines[4].starts_with(r#"@1001 {"error":{"code":-32600"#), "{lines:?}");
    assert_eq!(peer.result(2, "{}"), [r#"@1001 {"id":2,"result":{}}"#]);
    assert_eq!(peer.result(1, "{}"), [r#"@1001! {"id":1,"result":{}}"#]);
}

/// RPC-B-022, RPC-B-023, RPC-C-020, RPC-C-021, T-01: refused whole, with one error, and nothing is executed.
#[test]
fn an_illegal_batch_is_refused_whole() {
    let init = bare("1", "initialize", r#"{"protocolVersion":"2025-03-26","capabilities":{}}"#);
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let two = format!("[{PING},{}]", list("1"));
    let cases = [
        (Peer::new(), two.clone()),
        (Peer::new(), format!("[{init}]")),
        (Peer::legacy("2024-11-05", "{}"), two.clone()),
        (Peer::legacy("2025-06-18", "{}"), two.clone()),
        (Peer::legacy("2025-11-25", "{}"), two),
        (Peer::legacy("2025-03-26", "{}"), format!("[{PING},{init}]")),
        (Peer::legacy("2025-03-26", "{}"), format!("[{PING},{response}]")),
        (Peer::legacy("2025-03-26", "{}"), "[]".into()),
        (Peer::new(), "[]".into()),
    ];
    for (mut peer, batch) in cases {
        let lines = peer.line(&batch);
        assert_eq!(code(&lines), -32600, "{batch}");
        assert!(lines[0].starts_with(r#"@1001! {"error":"#) && lines[0].ends_with(" protocol"), "{lines:?}");
    }
}

/// RPC-B-023: a modern request comes alone; its neighbours are served.
#[test]
fn a_modern_request_in_a_batch_is_refused() {
    let mut peer = Peer::legacy("2025-03-26", "{}");
    let lines = peer.line(&format!("[{},{PING}]", modern("1", "tools/list", "")));
    assert!(lines[0].starts_with(r#"@1001 {"id":1,"error":{"code":-32600"#), "{lines:?}");
    assert_eq!(lines[1], r#"@1001! {"id":9,"result":{}}"#);
}

/// RPC-B-024: nothing is answered to notifications or responses; the lane is ended.
#[test]
fn a_batch_that_needs_no_answer_is_ended() {
    let mut peer = Peer::legacy("2025-03-26", r#"{"roots":{}}"#);
    let note = r#"{"jsonrpc":"2.0","method":"com.example/told"}"#;
    let malformed = r#"{"jsonrpc":"2.0","method":"x","params":[]}"#;
    assert_eq!(
        peer.line(&format!("[{note},{malformed}]")),
        ["notification com.example/told", "end lane 1001 NoAnswer"]
    );
    peer.session.request(peer.now, None, Method::from("roots/list"), None);
    peer.drain();
    assert_eq!(
        peer.line(r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#),
        ["outgoing #1 {}", "end lane 1002 NoAnswer"]
    );
}

/// T-21: within a batch the lane is shared, so an id stands for one request.
#[test]
fn one_id_twice_in_a_batch() {
    let mut peer = Peer::legacy("2025-03-26", "{}");
    let lines = peer.line(&format!("[{},{}]", list("1"), list("1")));
    assert_eq!(lines[0], "request #1 tools/list");
    assert!(lines[1].starts_with(r#"@1001 {"id":1,"error":{"code":-32600"#), "{lines:?}");
    assert_eq!(peer.result(1, "{}"), [r#"@1001! {"id":1,"result":{}}"#]);
}

/// CANC-S-010: a cancelled request owes the batch nothing; if it was the last, the batch is done.
#[test]
fn cancelling_in_a_batch() {
    let mut peer = Peer::legacy("2025-03-26", "{}");
    peer.line(&format!("[{},{},{}]", list("1"), list("2"), list("3")));
    assert_eq!(peer.line(&cancelled("1")), ["cancelled #1"]);
    assert_eq!(peer.result(2, "{}"), [r#"@1001 {"id":2,"result":{}}"#]);
    assert_eq!(peer.line(&cancelled("3")), ["cancelled #3", "end lane 1001 Cancelled"]);
}

/// Answers are collected until the last: a question or progress on that lane would never arrive.
#[test]
fn a_batched_request_speaks_on_the_shared_lane() {
    let mut peer = Peer::legacy("2025-03-26", r#"{"roots":{}}"#);
    peer.line(&format!("[{}]", bare("1", "tools/call", r#"{"_meta":{"progressToken":1}}"#)));
    assert!(peer.progress(1, 1.0)[0].starts_with(r#"{"method":"notifications/progress""#));
    assert_eq!(
        peer.reply(1, needs(vec![question("k", "roots/list", "{}")], None)),
        [r#"{"id":1,"method":"roots/list","params":{}}"#]
    );
    let lines = peer.rejected(0, Some(1));
    assert!(lines[0].starts_with(r#"@1001! {"id":1,"error":{"code":-32603"#), "{lines:?}");
}
