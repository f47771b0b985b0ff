//! How a run fails: the error codes, the exit codes, and where each library error belongs.

use std::fmt::Write as _;

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::transport::{Closed, ConnectError, LossKind};
use mcp_core::{CloseReason, Error};

use crate::text;

/// The `code` of an error line. [`Code::exit`] says which exit code it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Usage,
    AuthRequired,
    Unreachable,
    Timeout,
    SpawnFailed,
    Closed,
    ToolError,
    ToolNotFound,
    Rpc,
    Protocol,
    Version,
    Limit,
    Cancelled,
    /// The demo ran, and something in it did not go as it should.
    CheckFailed,
    /// Reading a file or writing the output failed.
    Io,
}

/// Every code with its name and its exit code.
const CODES: &[(Code, &str, u8)] = &[
    (Code::Usage, "usage", 2),
    (Code::AuthRequired, "auth_required", 3),
    (Code::Unreachable, "unreachable", 4),
    (Code::Timeout, "timeout", 4),
    (Code::SpawnFailed, "spawn_failed", 4),
    (Code::Closed, "closed", 4),
    (Code::ToolError, "tool_error", 5),
    (Code::ToolNotFound, "tool_not_found", 5),
    (Code::Rpc, "rpc_error", 1),
    (Code::Protocol, "protocol", 6),
    (Code::Version, "version", 6),
    (Code::Limit, "limit", 7),
    (Code::Cancelled, "cancelled", 1),
    (Code::CheckFailed, "check_failed", 1),
    (Code::Io, "io", 1),
];

impl Code {
    fn row(self) -> (&'static str, u8) {
        CODES.iter().find(|row| row.0 == self).map_or(("io", 1), |row| (row.1, row.2))
    }

    /// The name in an error line.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The exit code.
    pub(crate) fn exit(self) -> u8 {
        self.row().1
    }
}

/// Why a run failed, for a person and for a script.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of failure.
    pub(crate) code: Code,
    /// What happened, in one sentence.
    pub(crate) message: String,
    /// What is known of the reason.
    pub(crate) cause: Option<String>,
    /// What the user can do about it.
    pub(crate) hint: Option<String>,
    rpc: Option<ErrorObject>,
    process: Option<Closed>,
    signal: Option<i32>,
    /// The text has been shown already; the exit code is all that is left to say.
    silent: bool,
}

impl Failure {
    /// A failure of this kind.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            cause: None,
            hint: None,
            rpc: None,
            process: None,
            signal: None,
            silent: false,
        }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Code::Usage, message)
    }

    /// A signal ended the run: the exit code is 128 and the signal's number.
    pub(crate) fn signal(number: i32) -> Failure {
        let name = match number {
            1 => "SIGHUP",
            3 => "SIGQUIT",
            15 => "SIGTERM",
            _ => "SIGINT",
        };
        let mut failure = Failure::new(Code::Cancelled, format!("interrupted by {name}"));
        failure.signal = Some(number);
        failure
    }

    /// With a cause.
    pub(crate) fn because(mut self, cause: impl ToString) -> Failure {
        self.cause = Some(cause.to_string());
        self
    }

    /// With a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The result itself was shown and says it all.
    pub(crate) fn silent(mut self) -> Failure {
        self.silent = true;
        self
    }

    /// The peer's error object, if it sent one.
    pub(crate) fn rpc(&self) -> Option<&ErrorObject> {
        self.rpc.as_ref()
    }

    /// The exit code of the process.
    pub(crate) fn exit(&self) -> u8 {
        match self.signal {
            Some(number) => 128_u8.saturating_add(u8::try_from(number).unwrap_or(0)),
            None => self.code.exit(),
        }
    }

    /// What goes to stderr, newline included. With `json` one line that is one JSON value.
    pub(crate) fn render(&self, json: bool) -> String {
        if json {
            return format!("{}\n", self.json());
        }
        if self.silent {
            return String::new();
        }
        let mut out = format!("mcp: {}\n", text::safe_block(&self.message));
        if let Some(cause) = &self.cause {
            let _infallible =
                writeln!(out, "  cause: {}", text::safe_block(cause).replace('\n', "\n         "));
        }
        if let Some(hint) = &self.hint {
            let _infallible = writeln!(out, "  hint: {}", text::safe_block(hint));
        }
        out
    }

    fn json(&self) -> RawJson {
        let mut error =
            vec![("code", RawJson::string(self.code.name())), ("message", RawJson::string(&self.message))];
        if let Some(cause) = &self.cause {
            error.push(("cause", RawJson::string(cause)));
        }
        if let Some(hint) = &self.hint {
            error.push(("hint", RawJson::string(hint)));
        }
        if let Some(rpc) = &self.rpc {
            let mut members =
                vec![("code", RawJson::integer(rpc.code)), ("message", RawJson::string(&rpc.message))];
            members.extend(rpc.data.clone().map(|data| ("data", data)));
            error.push(("rpc", RawJson::object(members)));
        }
        if let Some(closed) = &self.process {
            let mut members = Vec::new();
            members.extend(closed.exit.map(|code| ("exit", RawJson::integer(code.into()))));
            members.extend(closed.signal.map(|signal| ("signal", RawJson::integer(signal.into()))));
            members.extend(closed.stderr_tail.as_deref().map(|tail| ("stderr", RawJson::string(tail))));
            members.extend(closed.note.as_deref().map(|note| ("note", RawJson::string(note))));
            error.push(("process", RawJson::object(members)));
        }
        RawJson::object([("error", RawJson::object(error))])
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let mut failure = Failure::new(code_of(&error), error.to_string());
        match error {
            Error::Rpc(object) => {
                failure.message = format!("the server answered with an error: {object}");
                failure.rpc = Some(object);
            }
            Error::Closed(reason) => describe_close(&mut failure, reason),
            _ => {}
        }
        failure
    }
}

/// Where a library error belongs.
fn code_of(error: &Error) -> Code {
    match error {
        Error::Rpc(_) => Code::Rpc,
        Error::Violation(_) => Code::Protocol,
        Error::Misuse(_) => Code::Usage,
        Error::Limit { .. } => Code::Limit,
        Error::TimedOut { .. } => Code::Timeout,
        Error::Cancelled => Code::Cancelled,
        Error::Lost(loss) => match loss.kind {
            LossKind::Unauthorized => Code::AuthRequired,
            LossKind::TooLarge => Code::Limit,
            LossKind::TimedOut => Code::Timeout,
            LossKind::NotUnderstood => Code::Protocol,
            LossKind::Cut | LossKind::StateGone { .. } => Code::Closed,
            _ => Code::Unreachable,
        },
        Error::Closed(reason) => match reason {
            CloseReason::NoCommonVersion { .. } => Code::Version,
            CloseReason::Violation(_) => Code::Protocol,
            CloseReason::NotStarted { .. } | CloseReason::PingTimedOut => Code::Timeout,
            CloseReason::OpeningFailed(inner) => match **inner {
                // The revision that was asked for is not one of the server's.
                Error::Misuse(_) => Code::Version,
                _ => code_of(inner),
            },
            CloseReason::NoLink(ConnectError::Unusable(_)) => Code::SpawnFailed,
            CloseReason::NoLink(ConnectError::TimedOut { .. }) => Code::Timeout,
            CloseReason::NoLink(ConnectError::Unauthorized(_)) => Code::AuthRequired,
            CloseReason::NoLink(_) => Code::Unreachable,
            _ => Code::Closed,
        },
        // The enum may grow; what is not known here is an error like any other.
        _ => Code::Rpc,
    }
}

/// The words for a session that ended, with what is known of the process.
fn describe_close(failure: &mut Failure, reason: CloseReason) {
    failure.process = reason.closed().filter(|closed| **closed != Closed::default()).cloned();
    match &reason {
        CloseReason::PeerClosed(closed) => {
            failure.message = format!("the server {}", without_stderr(closed));
            failure.cause =
                closed.stderr_tail.as_deref().map(|tail| format!("its stderr: {}", tail.trim_end()));
        }
        CloseReason::LinkFailed { error, closed } => {
            failure.message = format!("the link to the server failed: {error}");
            if *closed != Closed::default() {
                failure.cause = Some(format!("the server {closed}"));
            }
        }
        CloseReason::NoLink(error) => failure.message = format!("cannot reach the server: {error}"),
        CloseReason::OpeningFailed(inner) if matches!(**inner, Error::Misuse(_)) => {
            failure.message = inner.to_string().trim_start_matches("misuse: ").to_owned();
            failure.hint = Some("--era auto finds out what the server speaks".to_owned());
        }
        CloseReason::OpeningFailed(inner) => {
            failure.message = format!("the server's answer to the opening cannot be worked with: {inner}");
            failure.rpc = inner.rpc().cloned();
        }
        CloseReason::NoCommonVersion { .. } => {
            failure.message = reason.to_string();
            failure.hint = Some("the server needs an update, or try --era legacy=VERSION".to_owned());
        }
        CloseReason::NotStarted { limit } => {
            failure.message = format!("the server did not start within {limit:?}");
            failure.hint = Some("a slow start can be given more time with --start-timeout".to_owned());
        }
        _ => failure.message = format!("the session ended: {reason}"),
    }
}

fn without_stderr(closed: &Closed) -> String {
    let mut closed = closed.clone();
    closed.stderr_tail = None;
    closed.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mcp_core::message::ProtocolVersion;
    use mcp_core::transport::{Loss, TransportError};

    use super::*;

    /// Every library error has its exit code, and auth and limits are told apart.
    #[test]
    fn library_errors_have_their_exit_codes() {
        let lost = |kind| Error::Lost(Loss::new(kind, "why"));
        let unusable = ConnectError::Unusable(TransportError::new("no such file"));
        let none = CloseReason::NoCommonVersion { ours: vec![ProtocolVersion::V2025_11_25], theirs: vec![] };
        let rows = [
            (Error::Rpc(ErrorObject::internal("x")), "rpc_error", 1),
            (Error::Violation("x".into()), "protocol", 6),
            (Error::Limit { what: "pages".into(), limit: 3 }, "limit", 7),
            (Error::TimedOut { what: "no answer", after: Duration::from_secs(1) }, "timeout", 4),
            (lost(LossKind::Unauthorized), "auth_required", 3),
            (lost(LossKind::TooLarge), "limit", 7),
            (Error::Closed(CloseReason::NoLink(unusable)), "spawn_failed", 4),
            (Error::Closed(none), "version", 6),
            (Error::Closed(CloseReason::NotStarted { limit: Duration::from_secs(1) }), "timeout", 4),
            (
                Error::Closed(CloseReason::OpeningFailed(Box::new(Error::Violation("x".into())))),
                "protocol",
                6,
            ),
            (Error::Misuse("x".into()), "usage", 2),
            (
                Error::Closed(CloseReason::OpeningFailed(Box::new(Error::Misuse("too old".into())))),
                "version",
                6,
            ),
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
}
