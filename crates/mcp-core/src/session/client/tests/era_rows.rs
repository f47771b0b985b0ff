//! The verdict table, row by row: the pure function alone.

use crate::message::ProtocolVersion::{self, V2024_11_05, V2025_06_18, V2025_11_25, V2026_07_28};
use crate::session::client::probe::{ProbeAction, ProbeContext, ProbeOutcome, Row, judge};
use crate::transport::LossKind;

fn on(continuous: bool, versions: &[ProtocolVersion], seen: ProbeOutcome) -> (Row, ProbeAction) {
    judge(&seen, &ProbeContext { versions, continuous, mirrors: !continuous })
}

fn both(seen: ProbeOutcome, row: Row, step: ProbeAction) {
    for continuous in [true, false] {
        assert_eq!(on(continuous, ProtocolVersion::ALL, seen.clone()), (row, step.clone()), "{seen:?}");
    }
}

fn list(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

/// FAULT C-42: 401, 403, 429, 5xx and network failures say nothing about the era (ledger T-07).
#[test]
fn row_1_the_carrier_failed() {
    for kind in [
        LossKind::Unauthorized,
        LossKind::busy(None),
        LossKind::PeerFailed,
        LossKind::Unreachable,
        LossKind::TimedOut,
        LossKind::Cut,
        LossKind::TooLarge,
        LossKind::NoRoute,
    ] {
        both(ProbeOutcome::Lost(kind), Row::Carrier, ProbeAction::Report);
    }
}

/// ERA-C-002, DISC-C-005.
#[test]
fn row_2_the_best_common_revision_is_modern() {
    let theirs = list(&["2025-11-25", "2026-07-28", "2099-01-01"]);
    both(ProbeOutcome::Discovered(theirs.clone()), Row::Modern, ProbeAction::Modern(V2026_07_28));
    both(ProbeOutcome::Unsupported(theirs), Row::Modern, ProbeAction::Retry(V2026_07_28));
}

/// T-08: a modern answer that lists legacy revisions only means `initialize` at the best of them.
#[test]
fn row_3_the_best_common_revision_is_legacy() {
    let theirs = list(&["2024-11-05", "2025-06-18"]);
    both(ProbeOutcome::Discovered(theirs.clone()), Row::ListedLegacy, ProbeAction::Initialize(V2025_06_18));
    both(ProbeOutcome::Unsupported(theirs), Row::ListedLegacy, ProbeAction::Initialize(V2025_06_18));
}

/// FAULT F-C2: legacy servers list their revisions under other codes, which says nothing of a modern one.
#[test]
fn row_3_a_legacy_refusal_lists_revisions() {
    let listed = |labels: &[&str]| ProbeOutcome::Listed(list(labels));
    let (row, best) = (Row::ListedLegacy, ProbeAction::Initialize(V2025_06_18));
    both(listed(&["2026-07-28", "2025-06-18", "2024-11-05"]), row, best);
    let newest = ProbeAction::Initialize(V2025_11_25);
    both(listed(&["2026-07-28"]), Row::AnythingElse, newest.clone());
    both(listed(&["2099-01-01"]), Row::AnythingElse, newest);
}

/// T-08.
#[test]
fn row_4_nothing_in_common() {
    for theirs in [list(&["2099-01-01"]), list(&[])] {
        both(
            ProbeOutcome::Unsupported(theirs.clone()),
            Row::NothingInCommon,
            ProbeAction::NothingInCommon(theirs.clone()),
        );
        both(
            ProbeOutcome::Discovered(theirs.clone()),
            Row::NothingInCommon,
            ProbeAction::NothingInCommon(theirs),
        );
    }
    let legacy = list(&["2025-11-25"]);
    let step = on(true, &[V2026_07_28], ProbeOutcome::Discovered(legacy.clone()));
    assert_eq!(step, (Row::NothingInCommon, ProbeAction::NothingInCommon(legacy)));
}

/// ERA-C-007, T-07: only with the data that makes it a modern error, and on a binding that mirrors.
#[test]
fn row_5_an_error_that_only_a_modern_peer_makes() {
    both(ProbeOutcome::Error(-32021, true), Row::ModernRefusal, ProbeAction::Report);
    let all = ProtocolVersion::ALL;
    assert_eq!(on(false, all, ProbeOutcome::Error(-32020, false)), (Row::ModernRefusal, ProbeAction::Report));
    assert_eq!(on(true, all, ProbeOutcome::Error(-32020, false)).0, Row::AnythingElse);
    both(ProbeOutcome::Error(-32021, false), Row::AnythingElse, ProbeAction::Initialize(V2025_11_25));
}

/// ERA-C-003, ERA-C-004, ERA-C-009, T-06: whatever the code, and whatever a 2xx or 4xx held instead.
#[test]
fn row_6_anything_else_is_legacy() {
    for code in [-32601, -32602, -32600, -32700, -32603, -32000, -32001, -32022, -32023, 0, 1, i64::MIN] {
        both(ProbeOutcome::Error(code, false), Row::AnythingElse, ProbeAction::Initialize(V2025_11_25));
    }
    both(ProbeOutcome::Nonsense, Row::AnythingElse, ProbeAction::Initialize(V2025_11_25));
    both(
        ProbeOutcome::Lost(LossKind::NotUnderstood),
        Row::AnythingElse,
        ProbeAction::Initialize(V2025_11_25),
    );
    let old = [V2026_07_28, V2024_11_05];
    assert_eq!(on(true, &old, ProbeOutcome::Nonsense).1, ProbeAction::Initialize(V2024_11_05));
}

/// ERA-C-005: with modern alone allowed, a legacy peer is an error, and a slow one is waited for.
#[test]
fn with_modern_alone_allowed_there_is_no_fallback() {
    let modern = [V2026_07_28];
    assert_eq!(on(true, &modern, ProbeOutcome::Error(-32601, false)).1, ProbeAction::NotModern);
    assert_eq!(on(true, &modern, ProbeOutcome::Silence).1, ProbeAction::Wait);
    assert_eq!(on(true, &modern, ProbeOutcome::LinkClosed).1, ProbeAction::Report);
}

/// ERA-C-003.
#[test]
fn row_7_silence_on_a_stream() {
    let all = ProtocolVersion::ALL;
    assert_eq!(on(true, all, ProbeOutcome::Silence), (Row::SilentStream, ProbeAction::Beside(V2025_11_25)));
}

/// FAULT C-42.
#[test]
fn row_8_a_stream_that_closes() {
    let all = ProtocolVersion::ALL;
    assert_eq!(
        on(true, all, ProbeOutcome::LinkClosed),
        (Row::ClosedStream, ProbeAction::Respawn(V2025_11_25))
    );
}

#[test]
fn row_9_silence_on_other_bindings() {
    let all = ProtocolVersion::ALL;
    assert_eq!(on(false, all, ProbeOutcome::Silence), (Row::NoAnswer, ProbeAction::Report));
    assert_eq!(on(false, all, ProbeOutcome::LinkClosed), (Row::NoAnswer, ProbeAction::Report));
}
