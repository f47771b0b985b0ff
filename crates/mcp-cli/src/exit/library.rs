//! Where each error of the library belongs.

use std::error::Error as _;

use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::transport::{CloseReport, ConnectError, ErrorChain, LossKind};
use mcp_core::{CloseReason, Error};
use mcp_http::HttpError;

use super::{Code, Failure, http};

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let era_unknown = is_era_unknown(&error);
        let versions = versions_in_refusal(&error);
        let mut failure = convert(error);
        failure.era_unknown = era_unknown;
        if let (None, Some(version)) = (&failure.hint, versions) {
            failure.hint = Some(format!("its text names the revision {version}: try --era legacy={version}"));
        }
        failure
    }
}

/// Whether the server did not answer the question for its era.
fn is_era_unknown(error: &Error) -> bool {
    let Error::Closed(CloseReason::OpeningFailed(inner)) = error else { return false };
    match (http::cause(error), &**inner) {
        (Some(HttpError::Status(refused)), _) => {
            refused.method == "server/discover" && refused.status.is_server_error()
        }
        (Some(HttpError::Cut { .. } | HttpError::TimedOut { .. }), _) => true,
        (_, Error::TimedOut { what, .. }) => what.contains("server/discover"),
        _ => false,
    }
}

/// The newest legacy revision that the text of a refused handshake names, if only the text does.
fn versions_in_refusal(error: &Error) -> Option<&'static str> {
    let Error::Closed(CloseReason::OpeningFailed(inner)) = error else { return None };
    let text = match (http::cause(error), &**inner) {
        (Some(HttpError::Status(refused)), _) => refused.body.clone(),
        (_, Error::Rpc(error)) => {
            let data = error.data.as_ref().map(RawJson::to_string);
            format!("{} {}", error.message, data.unwrap_or_default())
        }
        _ => return None,
    };
    let legacy = ProtocolVersion::ALL.iter().filter(|version| version.is_legacy());
    // The one that was refused is named too.
    let named: Vec<&str> =
        legacy.map(|version| version.as_str()).filter(|label| text.contains(label)).collect();
    named.into_iter().find(|label| *label != ProtocolVersion::LATEST_LEGACY.as_str())
}

fn convert(error: Error) -> Failure {
    if let Some(cause) = http::cause(&error) {
        return http::failure(cause);
    }
    let mut failure = Failure::new(code_of(&error), plain(&error));
    match error {
        Error::Rpc(object) => {
            failure.message = format!("the server answered with an error: {object}");
            failure.rpc = Some(object);
        }
        Error::Closed(reason) => describe_close(&mut failure, reason),
        Error::TimedOut { evidence, .. } => {
            failure.cause = evidence.as_deref().map(str::to_owned);
            failure.hint = Some("--timeout TIME allows more, 0 any time".to_owned());
        }
        _ => {}
    }
    failure
}

/// The text of an error without what the peer has shown, which is shown as the cause.
fn plain(error: &Error) -> String {
    match error {
        Error::TimedOut { what, after, .. } => Error::timed_out(what, *after).to_string(),
        error => ErrorChain::new(error).to_string(),
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
            LossKind::Cut | LossKind::SessionLost { .. } => Code::Closed,
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
    failure.process = reason.closed().filter(|closed| **closed != CloseReport::default()).cloned();
    match &reason {
        CloseReason::PeerClosed(closed) => {
            failure.message = format!("the server {}", without_stderr(closed));
            failure.cause =
                closed.stderr_tail.as_deref().map(|tail| format!("its stderr: {}", tail.trim_end()));
        }
        CloseReason::LinkFailed { error, closed, .. } => {
            failure.message = format!("the link to the server failed: {}", ErrorChain::new(error));
            if closed.exit.is_some() || closed.signal.is_some() {
                // Why its pipe is broken says more than that it is.
                failure.message = format!("the server {}", without_stderr(closed));
                let tail =
                    closed.stderr_tail.as_deref().map(|tail| format!("its stderr: {}\n", tail.trim_end()));
                failure.cause =
                    Some(format!("{}the link failed: {}", tail.unwrap_or_default(), ErrorChain::new(error)));
            } else if *closed != CloseReport::default() {
                failure.cause = Some(format!("the server {closed}"));
            }
        }
        CloseReason::NoLink(error) => {
            let cause = error.source().unwrap_or(error);
            failure.message = format!("cannot reach the server: {}", ErrorChain::new(cause));
        }
        CloseReason::OpeningFailed(inner) if matches!(**inner, Error::Misuse(_)) => {
            failure.message = inner.to_string().trim_start_matches("misuse: ").to_owned();
            failure.hint = Some("--era auto finds out what the server speaks".to_owned());
        }
        CloseReason::OpeningFailed(inner) => {
            failure.message = format!("the handshake with the server failed: {}", plain(inner));
            failure.cause = inner.evidence().map(str::to_owned);
            failure.rpc = inner.rpc().cloned();
        }
        CloseReason::NoCommonVersion { .. } => {
            failure.message = reason.to_string();
            failure.hint = Some("the server needs an update, or try --era legacy=VERSION".to_owned());
        }
        CloseReason::NotStarted { limit, evidence, .. } => {
            failure.cause = evidence.as_deref().map(str::to_owned);
            failure.message = format!("the server did not start within {limit:?}");
            failure.hint = Some("a slow start can be given more time with --start-timeout".to_owned());
        }
        _ => failure.message = format!("the session ended: {}", ErrorChain::new(&reason)),
    }
}

fn without_stderr(closed: &CloseReport) -> String {
    let mut closed = closed.clone();
    closed.stderr_tail = None;
    closed.to_string()
}
