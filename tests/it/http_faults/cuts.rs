//! A conversation that breaks behind any byte: an error of the right type or the right answer, and life goes on.

use std::collections::BTreeSet;

use mcp_core::client::EraMode;
use mcp_core::transport::LossKind;
use mcp_core::{CloseReason, Error};
use mcp_tests::fault_server::{Break, FaultServer, Record, Rule};

use super::kit::*;

/// What became of a conversation.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    NoStart,
    CallLost,
    Answered,
}

/// Opens a client, makes a call, and makes another one when the server is well again.
async fn converse(server: &FaultServer, era: EraMode) -> Outcome {
    let client = match in_time(builder(era).connect(http(server))).await {
        Ok(client) => client,
        Err(error) => {
            lost_in_the_opening(&error);
            let client = connect(era, server).await;
            succeeds(&client).await;
            in_time(client.close()).await;
            return Outcome::NoStart;
        }
    };
    let outcome = match call(&client).await {
        Ok(result) => {
            assert_eq!(String::from_utf8_lossy(result.raw().as_bytes()), SAID);
            Outcome::Answered
        }
        Err(error) => {
            let (kind, details) = details(&error);
            assert_eq!(kind, LossKind::Cut, "{error:?}");
            assert!(details.was_sent() && details.is_retryable(), "{details:?}");
            Outcome::CallLost
        }
    };
    in_time(server.until(|record| record.broken)).await;
    succeeds(&client).await;
    in_time(client.close()).await;
    outcome
}

fn lost_in_the_opening(error: &Error) {
    let Error::Closed(CloseReason::OpeningFailed(cause)) = error else { panic!("{error:?}") };
    assert_eq!(details(cause).0, LossKind::Cut, "{cause:?}");
}

/// The whole conversation without a fault, up to the end of the first call: how many bytes the server sends.
async fn length(script: &[Rule], era: EraMode) -> u64 {
    let server = FaultServer::memory(script);
    let client = connect(era, &server).await;
    succeeds(&client).await;
    let sent = server.record().sent;
    in_time(client.close()).await;
    let record = server.until(|record| record.open == 0).await;
    assert!(record.most_open <= 3, "{record:?}");
    sent
}

/// Breaks the conversation behind each byte in turn; the outcomes in their order, without repetitions.
async fn break_everywhere(script: Vec<Rule>, era: EraMode, how: Break) -> Vec<Outcome> {
    let whole = length(&script, era).await;
    assert!(whole > 300, "{whole} bytes are no conversation");
    let mut outcomes = Vec::new();
    for n in 0..=whole {
        let server = FaultServer::memory(script.as_slice());
        server.break_at(n, how);
        let outcome = converse(&server, era).await;
        let record = server.until(|record| record.open == 0).await;
        assert!(record.broken, "nothing broke at {n} of {whole}");
        no_call_was_repeated(&record, &outcome, n);
        if outcomes.last() != Some(&outcome) {
            outcomes.push(outcome);
        }
    }
    outcomes
}

/// SSE-C-011, FAULT C-24: whatever broke, no call was sent twice.
fn no_call_was_repeated(record: &Record, outcome: &Outcome, n: u64) {
    let calls = record.of("POST tools/call");
    let ids: BTreeSet<String> = calls.iter().map(|call| call.json()["id"].to_string()).collect();
    let made = if *outcome == Outcome::NoStart { 1 } else { 2 };
    // A call whose connection broke before it was read has not been seen.
    let seen = if *outcome == Outcome::CallLost { 1..=made } else { made..=made };
    assert!(seen.contains(&calls.len()), "broken at {n}: {:?}", record.lines());
    assert_eq!(calls.len(), ids.len(), "broken at {n}: {:?}", record.lines());
}

/// FAULT C-1, C-24, SSE-C-011, T-27: a server of 2026-07-28, JSON. Closed in order and reset, at every byte.
#[tokio::test(start_paused = true)]
async fn a_modern_conversation_in_json_may_break_at_any_byte() {
    for how in [Break::Close, Break::Reset] {
        let outcomes = break_everywhere(modern_json(), MODERN, how).await;
        assert!(outcomes.starts_with(&[Outcome::NoStart]), "{how:?} {outcomes:?}");
        assert!(outcomes.contains(&Outcome::CallLost), "{how:?} {outcomes:?}");
    }
}

/// FAULT C-24: the same with streams.
#[tokio::test(start_paused = true)]
async fn a_modern_conversation_in_streams_may_break_at_any_byte() {
    for how in [Break::Close, Break::Reset] {
        let outcomes = break_everywhere(modern_sse(), MODERN, how).await;
        assert!(outcomes.contains(&Outcome::CallLost), "{how:?} {outcomes:?}");
        // The answer was whole before the end of its stream.
        assert_eq!(outcomes.last(), Some(&Outcome::Answered), "{how:?} {outcomes:?}");
    }
}

/// FAULT C-24: a session of 2025-11-25, JSON.
#[tokio::test(start_paused = true)]
async fn a_legacy_conversation_in_json_may_break_at_any_byte() {
    for how in [Break::Close, Break::Reset] {
        let outcomes = break_everywhere(legacy_json(), LEGACY, how).await;
        assert!(outcomes.contains(&Outcome::CallLost), "{how:?} {outcomes:?}");
    }
}

/// FAULT C-24, RES-C-003, SSE-C-005: the same with streams that can be resumed: once the first event id has arrived no
/// call is lost any more.
#[tokio::test(start_paused = true)]
async fn a_legacy_conversation_in_streams_may_break_at_any_byte() {
    for how in [Break::Close, Break::Reset] {
        let outcomes = break_everywhere(legacy_sse(), LEGACY, how).await;
        assert_eq!(outcomes.last(), Some(&Outcome::Answered), "{how:?} {outcomes:?}");
        assert!(outcomes.contains(&Outcome::CallLost), "{how:?} {outcomes:?}");
    }
}

/// FAULT C-24: over TCP, where a reset may also take what arrived before it.
#[tokio::test]
async fn a_modern_conversation_over_tcp_may_be_reset_at_any_byte() {
    for script in [modern_json(), modern_sse()] {
        let whole = length(&script, MODERN).await;
        for n in 0..=whole {
            let server = FaultServer::tcp(script.as_slice()).await.unwrap();
            server.break_at(n, Break::Reset);
            let outcome = converse(&server, MODERN).await;
            no_call_was_repeated(&server.until(|record| record.open == 0).await, &outcome, n);
        }
    }
}
