//! The extension point for credentials that change: an application makes them, the transport carries them.

use hyper::header::{HeaderMap, HeaderName};
use hyper::{Method, StatusCode, Uri};
use mcp_core::transport::async_trait;

use crate::Secret;
use crate::auth_scheme::AuthScheme;
use crate::error::AuthError;

/// The request that credentials are needed for.
#[derive(Clone, Copy, Debug)]
pub struct RequestInfo<'a> {
    method: &'a Method,
    uri: &'a Uri,
}

impl<'a> RequestInfo<'a> {
    /// Describes a request with this method to this absolute URL.
    pub fn new(method: &'a Method, uri: &'a Uri) -> RequestInfo<'a> {
        RequestInfo { method, uri }
    }

    /// The method.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URL without query and fragment, not shortened.
    pub fn url(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{scheme}://{authority}{}", self.uri.path())
    }
}

/// The headers that authorize one request. `Debug` shows no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthHeaders {
    /// The whole value of `Authorization`; `None` sends none.
    pub authorization: Option<Secret>,
    /// Further headers, such as a proof of possession. Headers that the transport sets itself are refused, as in
    /// [`Credentials::headers`](super::Credentials::headers).
    pub extra: Vec<(HeaderName, Secret)>,
}

impl AuthHeaders {
    /// No credentials.
    pub fn none() -> AuthHeaders {
        AuthHeaders::default()
    }

    /// This value of `Authorization`, scheme included.
    pub fn new(authorization: impl Into<Secret>) -> AuthHeaders {
        AuthHeaders { authorization: Some(authorization.into()), extra: Vec::new() }
    }

    /// `Authorization: Bearer` with this token.
    pub fn bearer(token: &Secret) -> AuthHeaders {
        // The token is written into the header that it is meant for.
        AuthHeaders::new(format!("Bearer {}", token.expose()))
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl Into<Secret>) -> AuthHeaders {
        self.extra.push((name, value.into()));
        self
    }
}

/// A refusal of a request whose credentials are missing, wrong or insufficient.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// 401 or 403.
    pub status: StatusCode,
    /// The `WWW-Authenticate` fields as they were received: at most 16, each shortened to 4,096 characters.
    /// [`Challenge::schemes`] parses them.
    pub headers: Vec<String>,
    /// The method of the refused request.
    pub method: Method,
    /// Its URL, without user info, query and fragment, not shortened.
    pub url: String,
    /// The `Authorization` that was refused; `None` if none was sent. Compare it with the current one: another request
    /// may have replaced it in the meantime.
    pub sent: Option<Secret>,
}

impl Challenge {
    /// A refusal with this status of a request, without headers, to a request without credentials. Clients make it; the
    /// constructor serves tests of an [`Authorize`].
    pub fn new(status: StatusCode, request: &RequestInfo<'_>) -> Challenge {
        Challenge {
            status,
            headers: Vec::new(),
            method: request.method().clone(),
            url: request.url(),
            sent: None,
        }
    }

    /// The challenges in the headers, in order.
    pub fn schemes(&self) -> Vec<AuthScheme> {
        self.headers.iter().flat_map(|field| AuthScheme::parse(field)).collect()
    }
}

/// What follows a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Again {
    /// The refusal is reported.
    No,
    /// There are other credentials: the request is sent again with those of [`Authorize::authorize`].
    Yes,
}

/// Makes the credentials of each request, and may answer challenges.
///
/// Its futures run inside the request that waits for them. The time limits of the call run on, and a caller that gives
/// up drops the future: work that must not be lost, such as exchanging a token that can be used only once, belongs in a
/// task that the next request can join. An implementation that waits for a person needs a longer call limit and, for
/// the first request, a longer start limit of the client.
#[async_trait]
pub trait Authorize: Send + Sync + 'static {
    /// The credentials for one request. Called before every try, redirects and repeated requests included, so that a
    /// header may be valid for one request only.
    ///
    /// **Cancellation**: may be dropped at any await point.
    ///
    /// # Errors
    ///
    /// There are none, and the request must not be sent without. It fails with
    /// [`HttpError::Authorization`](crate::HttpError::Authorization).
    async fn authorize(&self, request: &RequestInfo<'_>) -> Result<AuthHeaders, AuthError>;

    /// Sees a 401 or 403. One request reports at most three, and at most two with the same status; further ones are the
    /// answer to the request.
    ///
    /// The default answers [`Again::No`]. **Cancellation**: may be dropped at any await point.
    ///
    /// # Errors
    ///
    /// Why no other credentials could be had. The request fails with it instead of with the refusal.
    async fn challenged(&self, challenge: &Challenge) -> Result<Again, AuthError> {
        let _ = challenge;
        Ok(Again::No)
    }

    /// Sees the head of every response, whatever its status, before a challenge is reported. Must not block. The default
    /// does nothing.
    fn responded(&self, request: &RequestInfo<'_>, status: StatusCode, headers: &HeaderMap) {
        let _ = (request, status, headers);
    }
}
