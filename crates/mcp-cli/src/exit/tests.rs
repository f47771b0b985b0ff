//! Codes, exit codes, and what is shown.

use std::time::Duration;

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{ConnectError, Loss, LossKind};
use mcp_core::{CloseReason, Error};

use super::*;

/// Every library error has its exit code, and auth and limits differ.
#[test]
fn library_errors_have_their_exit_codes() {
    let lost = |kind| Error::Lost(Loss::new(kind, "why"));
    let unusable = ConnectError::unusable("no such file");
    let none = CloseReason::no_common_version(vec![ProtocolVersion::V2025_11_25], vec![]);
    let rows = [
        (Error::Rpc(ErrorObject::internal("x")), "rpc_error", 1),
        (Error::Violation("x".into()), "protocol", 6),
        (Error::limit("pages", 3), "limit", 7),
        (Error::timed_out("no answer", Duration::from_secs(1)), "timeout", 4),
        (lost(LossKind::Unauthorized), "auth_required", 3),
        (lost(LossKind::TooLarge), "limit", 7),
        (Error::Closed(CloseReason::NoLink(unusable)), "spawn_failed", 4),
        (Error::Closed(none), "version", 6),
        (Error::Closed(CloseReason::not_started(Duration::from_secs(1))), "timeout", 4),
        (Error::Closed(CloseReason::OpeningFailed(Box::new(Error::Violation("x".into())))), "protocol", 6),
        (Error::Misuse("x".into()), "usage", 2),
        (Error::Closed(CloseReason::OpeningFailed(Box::new(Error::Misuse("too old".into())))), "version", 6),
    ];
    for (error, name, exit) in rows {
        let failure = Failure::from(error);
        assert_eq!((failure.code.name(), failure.exit()), (name, exit), "{failure:?}");
    }
}

/// A signal exits with 128 and its number, as shells do.
#[test]
fn signals_exit_with_their_number() {
    assert_eq!(Failure::signal(2).exit(), 130);
    assert_eq!(Failure::signal(15).exit(), 143);
}

/// The error line is one line and one JSON value, whatever the peer put in its message, and the
/// peer's data goes through unchanged.
#[test]
fn the_error_line_is_one_json_line() {
    let data = RawJson::parse(r#"{"n":18446744073709551616}"#).unwrap();
    let error = Error::Rpc(ErrorObject::new(-32000, "two\nlines \u{1b}[31m").with_data(data));
    let line = Failure::from(error).render(true);
    assert_eq!(line.matches('\n').count(), 1);
    assert!(line.starts_with(r#"{"error":{"code":"rpc_error","#), "{line}");
    assert!(line.contains(r#""data":{"n":18446744073709551616}"#), "{line}");
}

/// A person's terminal never sees a peer's control characters (FAULTS B, terminal escape injection).
#[test]
fn a_peers_text_is_safe_in_messages() {
    let error = Error::Rpc(ErrorObject::new(-32000, "\u{1b}]0;owned\u{7}"));
    let shown = Failure::from(error).render(false);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
}
