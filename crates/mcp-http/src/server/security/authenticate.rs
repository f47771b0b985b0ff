//! Authentication: a hook of the application identifies the caller before the body is read.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode, Uri};
use mcp_core::message::{Field, Payload, RawJson, Request};
use mcp_core::transport::{Identity, async_trait};

use crate::headers;
use crate::server::Peer;

/// The head of a request whose body was not read yet.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The HTTP method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    // Ledger SEC-S-014.
    /// The headers. `Mcp-*` headers are untrusted copies: do not base decisions on them.
    pub headers: &'a HeaderMap,
    /// The extensions that layers in front of a mounted service added.
    pub extensions: &'a Extensions,
    /// The other end of the connection. Behind a proxy it is the proxy.
    pub peer: Peer,
    /// The client's certificate in DER. `None` unless the server's TLS configuration requests and verifies one.
    pub client_certificate: Option<&'a [u8]>,
}

impl<'a> RequestHead<'a> {
    /// Creates the head of a request from an unknown peer, for tests of an [`Authenticate`].
    pub fn new(parts: &'a Parts) -> RequestHead<'a> {
        RequestHead {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            extensions: &parts.extensions,
            peer: Peer::Unknown,
            client_certificate: None,
        }
    }

    /// Sets the peer.
    #[must_use]
    pub fn with_peer(mut self, peer: Peer) -> RequestHead<'a> {
        self.peer = peer;
        self
    }

    /// Sets the client's certificate.
    #[must_use]
    pub fn with_client_certificate(mut self, der: &'a [u8]) -> RequestHead<'a> {
        self.client_certificate = Some(der);
        self
    }
}

/// Shows neither query nor headers, which hold credentials.
impl std::fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("path", &self.uri.path())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// A request in the body of a POST, as [`Authenticate::permit`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation<'a> {
    /// The method, such as `tools/call`.
    pub method: &'a str,
    /// The name of the tool or prompt, or the URI of the resource, if the method has one.
    pub name: Option<&'a str>,
    /// The parameters, as they were received.
    pub params: Option<&'a RawJson>,
    /// Whether the request belongs to a revision before 2026-07-28.
    pub legacy: bool,
}

impl<'a> Operation<'a> {
    /// Creates an operation without a name and parameters, for tests of an [`Authenticate`].
    pub fn new(method: &'a str) -> Operation<'a> {
        Operation { method, name: None, params: None, legacy: false }
    }

    /// The operation of this request, and its name, which is kept elsewhere.
    pub(crate) fn of(request: &'a Request, name: Option<&'a str>, legacy: bool) -> Operation<'a> {
        let params = request.params.as_ref().map(Payload::raw);
        Operation { method: request.method.as_str(), name, params, legacy }
    }

    /// The name that a request has in its body.
    pub(crate) fn name_of(request: &Request) -> Option<Cow<'_, str>> {
        let field = match request.method.as_str() {
            "resources/subscribe" | "resources/unsubscribe" => Some(Field::Uri),
            method => headers::named_by(method),
        };
        request.params.as_ref()?.field_text(field?)
    }
}

/// A refusal: 401 or 403 with challenges, 400, or 503.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    // Ledger SEC-S-007.
    /// 401, 403, 400 or 503.
    pub status: StatusCode,
    // Ledger SEC-S-008.
    /// The `WWW-Authenticate` headers, in order, with `resource_metadata` if the server has such a document. Ones that no
    /// header can hold are left out.
    pub challenges: Vec<String>,
    /// `Retry-After`, in whole seconds, rounded up.
    pub retry_after: Option<Duration>,
    /// The message of the JSON-RPC error in the body. Shown to people: it must hold no secret.
    pub reason: Cow<'static, str>,
}

impl Denied {
    fn new(status: StatusCode) -> Denied {
        Denied { status, challenges: Vec::new(), retry_after: None, reason: Cow::Borrowed("not authorized") }
    }

    /// 401 with this challenge: the token is missing or invalid.
    pub fn unauthorized(challenge: impl Into<String>) -> Denied {
        Denied::new(StatusCode::UNAUTHORIZED).with_challenge(challenge)
    }

    /// 403 with this challenge: the scope is insufficient.
    pub fn forbidden(challenge: impl Into<String>) -> Denied {
        Denied::new(StatusCode::FORBIDDEN).with_challenge(challenge)
    }

    /// 400: the credentials are malformed.
    pub fn malformed() -> Denied {
        Denied::new(StatusCode::BAD_REQUEST)
    }

    /// 503: credentials cannot be checked at the moment. The client may retry after this time.
    pub fn unavailable(after: Duration) -> Denied {
        let reason = Cow::Borrowed("credentials cannot be checked at the moment");
        Denied { retry_after: Some(after), reason, ..Denied::new(StatusCode::SERVICE_UNAVAILABLE) }
    }

    /// The same with one more challenge, such as one for another scheme.
    #[must_use]
    pub fn with_challenge(mut self, challenge: impl Into<String>) -> Denied {
        self.challenges.push(challenge.into());
        self
    }

    /// The same with this message in the body.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Denied {
        self.reason = reason.into();
        self
    }
}

// Ledger SEC-S-010.
/// Identifies callers. Called for every request, also within a session: after the checks of host, origin, method and
/// preflight, and before the body is read.
///
/// The [`Identity`] is found in the [`Envelope`](mcp_core::transport::Envelope) of every message of the request. Sessions
/// and their streams belong to its [`Owner`](mcp_core::transport::Owner): a refreshed token may change scopes and expiry.
/// When [`Identity::expires`] comes, subscriptions and streams that GET opened end; answers in progress do not.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// Identifies the caller of a request.
    ///
    /// # Errors
    ///
    /// The refusal, which becomes the answer.
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied>;

    /// Decides whether this caller may make this request. Called for each request in the body of a POST, in every
    /// revision, after the checks of headers against the body; for a batch item by item, and one refusal refuses the whole
    /// POST before anything of it is executed. Notifications and responses are not reported.
    ///
    /// The default permits everything.
    ///
    /// # Errors
    ///
    /// The refusal, which becomes the answer.
    async fn permit(&self, identity: &Identity, operation: &Operation<'_>) -> Result<(), Denied> {
        let _ = (identity, operation);
        Ok(())
    }
}

#[async_trait]
impl<A: Authenticate + ?Sized> Authenticate for Arc<A> {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        (**self).authenticate(head).await
    }

    async fn permit(&self, identity: &Identity, operation: &Operation<'_>) -> Result<(), Denied> {
        (**self).permit(identity, operation).await
    }
}
