//! The seam for authentication: an application says who calls, the transport asks it before it reads a body.

use hyper::{HeaderMap, Method, StatusCode, Uri};
use mcp_core::transport::async_trait;

/// What is known of a request before its body is read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The HTTP method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    /// The headers. `Mcp-*` copies are untrusted: decide nothing by them (ledger SEC-S-014).
    pub headers: &'a HeaderMap,
}

/// A verified caller. Found in the [`Envelope`](mcp_core::transport::Envelope) of every message; sessions and their
/// streams are bound to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// Who it is: unique within this server.
    pub subject: String,
}

impl Identity {
    /// The caller with this name.
    pub fn new(subject: impl Into<String>) -> Identity {
        Identity { subject: subject.into() }
    }
}

/// A refusal: 401 with a challenge, 403, or 400.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// 401, 403 or 400 (ledger SEC-S-007).
    pub status: StatusCode,
    /// The `WWW-Authenticate` header, with `resource_metadata` where there is such a document (SEC-S-008).
    pub challenge: Option<String>,
}

impl Denied {
    /// 401 with this challenge: no token, or a bad one.
    pub fn unauthorized(challenge: impl Into<String>) -> Denied {
        Denied { status: StatusCode::UNAUTHORIZED, challenge: Some(challenge.into()) }
    }

    /// 403 with this challenge: not enough scope.
    pub fn forbidden(challenge: impl Into<String>) -> Denied {
        Denied { status: StatusCode::FORBIDDEN, challenge: Some(challenge.into()) }
    }

    /// 400: the credentials are malformed.
    pub fn malformed() -> Denied {
        Denied { status: StatusCode::BAD_REQUEST, challenge: None }
    }
}

/// Says who calls. Asked for every request, whatever session it names (ledger SEC-S-010), after Host, Origin, method and
/// preflight, and before the body.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// The caller, or the refusal.
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied>;
}
