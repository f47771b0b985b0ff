//! The stored tokens of one server, for the HTTP client.

use mcp_auth::client::{OAuthError, ResourceAuth};
use mcp_core::transport::async_trait;
use mcp_http::http::{HeaderMap, StatusCode};
use mcp_http::net::{Again, AuthError, AuthHeaders, Authorize, Challenge, RequestInfo};

/// Uses what is stored. A server for which nothing is stored may want something else than OAuth: its refusal is
/// reported as it is.
pub(super) struct Stored(ResourceAuth);

impl Stored {
    pub(super) fn new(resource: ResourceAuth) -> Stored {
        Stored(resource)
    }
}

#[async_trait]
impl Authorize for Stored {
    async fn authorize(&self, request: &RequestInfo<'_>) -> Result<AuthHeaders, AuthError> {
        self.0.authorize(request).await
    }

    async fn challenged(&self, challenge: &Challenge) -> Result<Again, AuthError> {
        let outcome = self.0.challenged(challenge).await;
        let never_logged_in = |error: &AuthError| {
            matches!(error.cause().downcast_ref(), Some(OAuthError::LoginNeeded { why: None, .. }))
        };
        match outcome {
            Err(error) if never_logged_in(&error) && challenge.sent.is_none() => Ok(Again::No),
            outcome => outcome,
        }
    }

    fn responded(&self, request: &RequestInfo<'_>, status: StatusCode, headers: &HeaderMap) {
        self.0.responded(request, status, headers);
    }
}
