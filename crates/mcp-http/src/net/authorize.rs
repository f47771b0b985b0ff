//! The seam for credentials that change: an application answers challenges, the transport only carries them.

use hyper::StatusCode;
use mcp_core::transport::async_trait;

use crate::Secret;

/// What a server said when it refused for want of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// 401 or 403.
    pub status: StatusCode,
    /// The `WWW-Authenticate` headers, each as it stands.
    pub headers: Vec<String>,
    /// The endpoint, without user info and query.
    pub url: String,
}

/// Gives the `Authorization` header of each request, and may answer a challenge once.
#[async_trait]
pub trait Authorize: Send + Sync + 'static {
    /// The whole value of the `Authorization` header for the next request; `None` sends none. Asked for every request,
    /// so keep it cheap.
    async fn authorization(&self) -> Option<Secret>;

    /// Sees the 401 or 403. `Some` is the new value, and the request is sent once more; `None` reports the refusal.
    async fn challenged(&self, challenge: &Challenge) -> Option<Secret>;
}
