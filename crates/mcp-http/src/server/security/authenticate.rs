//! Authentication: a hook of the application identifies the caller before the body is read.

use std::sync::Arc;

use hyper::{HeaderMap, Method, StatusCode, Uri};
use mcp_core::transport::{Identity, async_trait};

/// The head of a request whose body was not read yet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The HTTP method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    // Ledger SEC-S-014.
    /// The headers. `Mcp-*` headers are untrusted copies: do not base decisions on them.
    pub headers: &'a HeaderMap,
}

impl<'a> RequestHead<'a> {
    /// Creates a head, for tests of an [`Authenticate`].
    pub fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> RequestHead<'a> {
        RequestHead { method, uri, headers }
    }
}

/// A refusal: 401 with a challenge, 403, or 400.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    // Ledger SEC-S-007.
    /// 401, 403 or 400.
    pub status: StatusCode,
    // Ledger SEC-S-008.
    /// The `WWW-Authenticate` header, with `resource_metadata` if the server has such a document.
    pub challenge: Option<String>,
}

impl Denied {
    /// 401 with this challenge: the token is missing or invalid.
    pub fn unauthorized(challenge: impl Into<String>) -> Denied {
        Denied { status: StatusCode::UNAUTHORIZED, challenge: Some(challenge.into()) }
    }

    /// 403 with this challenge: the scope is insufficient.
    pub fn forbidden(challenge: impl Into<String>) -> Denied {
        Denied { status: StatusCode::FORBIDDEN, challenge: Some(challenge.into()) }
    }

    /// 400: the credentials are malformed.
    pub fn malformed() -> Denied {
        Denied { status: StatusCode::BAD_REQUEST, challenge: None }
    }
}

// Ledger SEC-S-010.
/// Identifies callers. Called for every request, also within a session: after the checks of host, origin, method and
/// preflight, and before the body is read.
///
/// The [`Identity`] is found in the [`Envelope`](mcp_core::transport::Envelope) of every message of the request. Sessions
/// and their streams belong to its [`Owner`](mcp_core::transport::Owner): a refreshed token may change scopes and expiry.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// Identifies the caller of a request.
    ///
    /// # Errors
    ///
    /// The refusal, which becomes the answer.
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied>;
}

#[async_trait]
impl<A: Authenticate + ?Sized> Authenticate for Arc<A> {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        (**self).authenticate(head).await
    }
}
