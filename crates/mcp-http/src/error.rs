//! What goes wrong over HTTP, with the details that the contract's own errors do not have.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

/// What went wrong over HTTP. Found as the source of a [`Loss`](mcp_core::transport::Loss) or of a
/// [`ConnectError`](mcp_core::transport::ConnectError) by a downcast. Shows no header, no credential and no query.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL cannot be used.
    #[error("{url}: {why}")]
    Url {
        /// The URL, without user info and query.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A setting cannot be used: a header name, a certificate.
    #[error("{what}: {why}")]
    Setting {
        /// Which setting.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection: refused, no such name, no route, TLS.
    #[error("cannot connect to {to}: {source}")]
    Connect {
        /// Host and port.
        to: String,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// A step took longer than its limit.
    #[error("{step} took longer than {limit:?}")]
    TimedOut {
        /// Which step: `connect`, `first byte`, `idle`, `total`.
        step: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The server answered with a status that is no answer in MCP.
    #[error("{0}")]
    Status(Arc<Refused>),
    /// The server answered 2xx with something that is no MCP.
    #[error("the answer is no MCP: {why}")]
    NotMcp {
        /// What it is instead.
        why: String,
        /// The start of the body, clipped.
        body: String,
    },
    /// A redirect that is not followed: only 307 and 308 to the same origin are.
    #[error("redirect with status {status} to {to} is not followed")]
    Redirect {
        /// The status.
        status: StatusCode,
        /// Where to, without user info and query.
        to: String,
    },
    /// A limit was hit.
    #[error("larger than the {limit_name} limit of {limit} bytes")]
    TooLarge {
        /// Which limit.
        limit_name: &'static str,
        /// Its value.
        limit: usize,
    },
    /// The connection broke, or the stream ended, before the answer.
    #[error("cut before the answer: {why}")]
    Cut {
        /// How.
        why: String,
    },
    /// The server no longer knows the session.
    #[error("the server no longer knows the session")]
    SessionGone,
    /// The client is closed.
    #[error("closed")]
    Closed,
}

/// A refusal of the carrier: a status outside 2xx that carries no answer in MCP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// `Retry-After`, in seconds or from a date.
    pub retry_after: Option<Duration>,
    /// `WWW-Authenticate`, clipped.
    pub challenge: Option<String>,
    /// The start of the body, clipped to 64 KiB. Untrusted text.
    pub body: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP status {}", self.status)?;
        if let Some(after) = self.retry_after {
            write!(f, ", retry after {} s", after.as_secs())?;
        }
        let line = self.body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        if !line.is_empty() {
            write!(f, ": {}", line.chars().filter(|c| !c.is_control()).take(200).collect::<String>())?;
        }
        Ok(())
    }
}
