//! What an error of HTTP means for the run: its code, and words that say what to do.

use std::error::Error as _;

use mcp_core::Error;
use mcp_core::transport::ErrorChain;
use mcp_http::net::AuthErrorKind;
use mcp_http::{ConnectFailure, HttpError, Refused, TimeoutStep};

use super::{Code, Failure};

/// The error of HTTP behind an error of the library, if there is one.
pub(super) fn cause(error: &Error) -> Option<&HttpError> {
    std::iter::successors(error.source(), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// The error with its causes.
fn text(error: &HttpError) -> String {
    ErrorChain::new(error).to_string()
}

/// The failure for it.
pub(crate) fn failure(error: &HttpError) -> Failure {
    match error {
        HttpError::Status(refused) => of_refusal(refused),
        HttpError::NotMcp(answer) if answer.is_opening() => {
            elsewhere(Code::Protocol, format!("no MCP endpoint at this URL: {}", text(error)))
        }
        HttpError::NoEndpoint { source, .. } => {
            elsewhere(Code::Unreachable, format!("no MCP endpoint at this URL: {error}"))
                .because(format!("the answer before it: {source}"))
                .with_status(error.status().map(|status| status.as_u16()))
        }
        HttpError::Redirect { status, .. } => {
            Failure::new(Code::Unreachable, text(error)).with_status(Some(status.as_u16()))
        }
        HttpError::Url { .. } | HttpError::Setting { .. } => unusable(error.clone()),
        HttpError::TimedOut { step, .. } => {
            let failure = Failure::new(Code::Timeout, text(error));
            match *step {
                TimeoutStep::Connect => failure.hint("--connect-timeout TIME allows more"),
                TimeoutStep::Idle => failure.hint("--idle-timeout TIME allows more"),
                _ => failure,
            }
        }
        HttpError::TooLarge { limit_name, .. } => {
            let failure = Failure::new(Code::Limit, text(error));
            // Those of a head are fixed.
            if limit_name.contains("head") {
                failure
            } else {
                failure.hint("--max-message BYTES allows more")
            }
        }
        HttpError::Authorization(error) => {
            let code = match error.kind() {
                AuthErrorKind::LoginNeeded => Code::AuthRequired,
                AuthErrorKind::Denied => Code::Forbidden,
                AuthErrorKind::Unavailable => Code::Unreachable,
                _ => Code::Protocol,
            };
            let failure = Failure::new(code, ErrorChain::new(error).to_string());
            if code == Code::AuthRequired { failure.needs_login() } else { failure }
        }
        HttpError::Cut { .. } | HttpError::SessionLost | HttpError::Closed => {
            Failure::new(Code::Closed, text(error))
        }
        HttpError::Connect { kind, .. } => {
            let failure = Failure::new(Code::Unreachable, text(error));
            match kind {
                ConnectFailure::UntrustedCertificate => {
                    failure.hint("--ca-cert FILE also trusts the certificates in FILE")
                }
                ConnectFailure::ExpiredCertificate => {
                    failure.hint("the server needs a new certificate, or this machine's clock is wrong")
                }
                ConnectFailure::CertificateName => {
                    failure.hint("use one of the names in the server's certificate")
                }
                ConnectFailure::NotTls => failure.hint("the port does not speak TLS; try http:// instead"),
                _ => failure,
            }
        }
        _ => Failure::new(Code::Protocol, text(error)),
    }
}

/// The failure for a status without an MCP message.
pub(crate) fn of_refusal(refused: &Refused) -> Failure {
    let status = refused.status.as_u16();
    let failure = match status {
        401 => Failure::new(Code::AuthRequired, format!("the server wants credentials: {refused}"))
            .needs_login()
            .hint("--bearer-env VAR sends the token that VAR holds, --header-env NAME=VAR any header"),
        407 => Failure::new(Code::AuthRequired, format!("the proxy wants credentials: {refused}")),
        403 => Failure::new(Code::Forbidden, format!("the server refuses: {refused}")),
        408 => Failure::new(Code::Timeout, refused.to_string()),
        413 | 431 => Failure::new(Code::Limit, format!("too large for the server: {refused}")),
        429 | 500..=599 => Failure::new(Code::Unreachable, format!("the server cannot answer: {refused}")),
        _ => elsewhere(Code::Unreachable, format!("no MCP endpoint at this URL: {refused}")),
    };
    let failure = failure.with_status(Some(status));
    match &refused.challenge {
        Some(challenge) => failure.because(format!("WWW-Authenticate: {challenge}")),
        None => failure,
    }
}

fn elsewhere(code: Code, message: String) -> Failure {
    let mut failure = Failure::new(code, message);
    failure.elsewhere = true;
    failure
}

/// A URL or a setting that cannot be used. The URL is not repeated: what cannot be read may be a secret anywhere.
pub(crate) fn unusable(error: HttpError) -> Failure {
    match error {
        HttpError::Url { why, .. } => Failure::usage(format!("the URL cannot be used: {why}")),
        error => Failure::usage(text(&error)),
    }
}
