//! What goes wrong over HTTP, with the details that the contract's own errors do not have.

mod auth;
mod refused;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

pub use auth::{AuthError, AuthErrorKind};
pub use refused::Refused;

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
    /// No connection, so nothing was sent.
    #[error("cannot connect to {to}")]
    Connect {
        /// Host and port.
        to: String,
        /// What failed.
        kind: ConnectFailure,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// A step took longer than its limit.
    #[error("{step} took longer than {limit:?}{}", shown_came(.came.as_deref()))]
    TimedOut {
        /// Which step.
        step: TimeoutStep,
        /// The limit.
        limit: Duration,
        /// What has come of the answer, for people; `None` if nothing has, or where only a part of it was needed.
        came: Option<Arc<str>>,
    },
    /// The server answered with a status and without an answer in MCP.
    #[error("{0}")]
    Status(Arc<Refused>),
    /// The server answered 2xx with something that is not MCP.
    #[error("{0}")]
    NotMcp(Arc<NotMcp>),
    /// `initialize` was refused, and the event stream that a server of 2024-11-05 has in its place cannot be used. The
    /// source is that refusal.
    #[error("no HTTP+SSE stream at {url}: {why}")]
    NoEndpoint {
        /// The URL that was asked, without user info and query.
        url: String,
        /// What is wrong with the stream.
        why: String,
        /// The refusal.
        source: Arc<HttpError>,
    },
    /// The body has a content encoding, although none was requested.
    #[error("the body is encoded as {encoding}, which was not requested")]
    Encoded {
        /// `Content-Encoding`, shortened.
        encoding: String,
    },
    /// The peer does not speak HTTP.
    #[error("the answer is not HTTP: {why}")]
    NotHttp {
        /// What the parser objects to.
        why: String,
    },
    /// A redirect that is not followed: only 307 and 308 to the same origin are, and at most three.
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
    /// The provider of credentials failed. The request was not sent, or was refused with 401 or 403 before.
    #[error(transparent)]
    Authorization(AuthError),
    /// The server no longer knows the session.
    #[error("the server no longer knows the session")]
    SessionLost,
    /// The client is closed.
    #[error("closed")]
    Closed,
}

/// Which part of connecting failed.
// FAULT C-23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The name has no address, or could not be looked up.
    Name,
    /// The port is closed.
    Refused,
    /// No route, no answer, a broken connection: anything else on the way.
    Network,
    /// TLS failed in another way than the next four: no common version, a refused client certificate.
    Tls,
    /// No trusted authority vouches for the server's certificate.
    UntrustedCertificate,
    /// The server's certificate has expired, or is not valid yet.
    ExpiredCertificate,
    /// The server's certificate is for other names.
    CertificateName,
    /// The port does not speak TLS.
    NotTls,
    /// [`AddressPolicy`](crate::net::AddressPolicy) forbids every address of the name.
    ForbiddenAddress,
    /// The proxy refused or failed.
    Proxy,
}

impl ConnectFailure {
    /// Whether TLS failed, for whichever reason.
    pub fn is_tls(self) -> bool {
        use ConnectFailure::{CertificateName, ExpiredCertificate, NotTls, Tls, UntrustedCertificate};
        matches!(self, Tls | UntrustedCertificate | ExpiredCertificate | CertificateName | NotTls)
    }
}

impl HttpError {
    /// Retrying later may help. Whether the request was executed is a separate question: see
    /// [`HttpError::was_sent`].
    pub fn is_retryable(&self) -> bool {
        match self {
            HttpError::Connect { kind, .. } => !kind.is_tls() && *kind != ConnectFailure::ForbiddenAddress,
            HttpError::TimedOut { .. } | HttpError::Cut { .. } | HttpError::SessionLost => true,
            HttpError::Status(refused) => refused.is_retryable(),
            HttpError::Authorization(error) => error.kind() == AuthErrorKind::Unavailable,
            _ => false,
        }
    }

    /// Whether the request may have reached the server. `false` is certain: nothing of it was sent.
    pub fn was_sent(&self) -> bool {
        match self {
            HttpError::Url { .. } | HttpError::Setting { .. } | HttpError::Connect { .. } => false,
            HttpError::TimedOut { step, .. } => *step != TimeoutStep::Connect,
            HttpError::Closed => false,
            _ => true,
        }
    }

    /// Adds what has come of the answer, if a limit of time was hit.
    pub(crate) fn with_came(mut self, what: impl FnOnce() -> Option<String>) -> HttpError {
        if let HttpError::TimedOut { came, .. } = &mut self
            && came.is_none()
        {
            *came = what().map(Into::into);
        }
        self
    }

    /// A limit of time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, HttpError::TimedOut { .. })
    }

    /// No connection could be made, in time or at all.
    pub fn is_connect(&self) -> bool {
        matches!(self, HttpError::Connect { .. } | HttpError::TimedOut { step: TimeoutStep::Connect, .. })
    }

    /// Whether credentials are missing, wrong or insufficient, for the server or for a proxy in front of it.
    pub fn is_auth(&self) -> bool {
        match self {
            HttpError::Status(refused) => refused.is_auth(),
            HttpError::Authorization(error) => error.kind() != AuthErrorKind::Unavailable,
            _ => false,
        }
    }

    /// The HTTP status, if one was received.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            HttpError::Status(refused) => Some(refused.status),
            HttpError::NoEndpoint { source, .. } => source.status(),
            HttpError::Redirect { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// A step with a time limit, as [`HttpError::TimedOut`] reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutStep {
    /// Opening the connection. No part of the request was sent.
    Connect,
    /// Waiting for the head of the answer.
    FirstByte,
    /// Waiting for the next part of a body.
    Idle,
    /// The whole exchange.
    Total,
}

impl fmt::Display for TimeoutStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeoutStep::Connect => "connecting",
            TimeoutStep::FirstByte => "waiting for the answer",
            TimeoutStep::Idle => "waiting for more of the answer",
            TimeoutStep::Total => "the exchange",
        })
    }
}

/// An answer with a status of 2xx that is not MCP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotMcp {
    /// The method of the request, such as `tools/call`; empty for the GET of a stream.
    pub method: String,
    /// What is wrong with the answer.
    pub why: String,
    /// `Content-Type`, shortened; `None` if the answer has none.
    pub content_type: Option<String>,
    /// The start of the body, at most 1 KiB. Untrusted text.
    pub body: String,
}

impl NotMcp {
    /// Creates the error of an answer to this method, with what is wrong with it.
    pub fn new(method: &str, why: impl Into<String>) -> NotMcp {
        NotMcp { method: method.to_owned(), why: why.into(), content_type: None, body: String::new() }
    }

    /// Whether it answers a request that opens a conversation. Then the URL is probably not an MCP endpoint; later
    /// ones say nothing about the URL.
    pub fn is_opening(&self) -> bool {
        matches!(self.method.as_str(), "initialize" | "server/discover")
    }
}

impl fmt::Display for NotMcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method.as_str() {
            "" => write!(f, "the server's stream is not MCP: {}", self.why)?,
            method => write!(f, "the server's answer to {method} is not MCP: {}", self.why)?,
        }
        if let Some(content_type) = &self.content_type {
            write!(f, ", {content_type}")?;
        }
        let line = first_line(&self.body);
        if line.is_empty() { Ok(()) } else { write!(f, ", `{line}`") }
    }
}

fn shown_came(came: Option<&str>) -> String {
    came.map_or_else(String::new, |came| format!(" ({came})"))
}

/// The first line of a peer's text that says something, made safe to show and shortened.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}
