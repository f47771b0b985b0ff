//! The server as a service that another server mounts.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use mcp_core::transport::Owner;

use super::body::Body;
use super::caller::{Head, Source};
use super::legacy::{SessionCounters, SessionTotals};
use super::service::{self, RequestBody};
use super::state::ServerState;

/// The endpoint as a [`hyper::service::Service`], and as a `tower::Service` with the feature `tower`, for axum and similar
/// servers. Clones share one server and are cheap.
///
/// It serves [`HttpServerConfig::path`](super::HttpServerConfig::path), and `/` for routers that remove the path under
/// which a service is mounted (`nest_service` of axum). Other paths are answered 404. Where a prefix is removed, the paths
/// that clients learn from the server lack it: set [`public_messages_path`](super::HttpServerConfig::public_messages_path)
/// if HTTP+SSE is served.
///
/// It takes these from the extensions of a request, where layers in front of it may put them:
///
/// - [`Identity`](mcp_core::transport::Identity): the verified caller, unless
///   [`authenticate`](super::HttpServerConfig::authenticate) is set. Sessions belong to its owner. Without either, every
///   caller who knows the id of a session can use it; the first such session logs a warning.
/// - [`Peer`](super::Peer): the other end of the connection. Callers without an identity share budgets by its address.
/// - [`BudgetKey`](mcp_core::transport::budget::BudgetKey): whose share of the budgets the request is charged to, in place
///   of the one that is made of the other two. The owner of an `Identity` replaces its owner.
#[derive(Clone)]
pub struct HttpService {
    server: Arc<ServerState>,
}

impl HttpService {
    pub(super) fn new(server: Arc<ServerState>) -> HttpService {
        HttpService { server }
    }

    /// Starts draining: new requests get 503, and subscriptions end. Call it when the outer server stops, before that
    /// server waits for its connections. Idempotent.
    pub fn drain(&self) {
        self.server.drain();
    }

    /// Announces the end of the server: health probes are answered 503, and work goes on. Call it some time before
    /// [`drain`](HttpService::drain), so that load balancers notice. Idempotent.
    pub fn announce_drain(&self) {
        self.server.announce_drain();
    }

    /// Whether the end was announced, or has begun.
    pub fn is_leaving(&self) -> bool {
        self.server.is_leaving()
    }

    /// Ends all legacy sessions of an owner, as when its account is closed: its requests are cancelled, and its next one
    /// gets 404. Returns how many sessions there were.
    pub fn end_sessions(&self, owner: &Owner) -> usize {
        self.server.end_sessions(owner)
    }

    /// Counts of open sessions and streams of the legacy era.
    pub fn sessions(&self) -> SessionCounters {
        self.server.sessions()
    }

    /// What has become of the sessions of the legacy era since the start.
    pub fn session_totals(&self) -> SessionTotals {
        self.server.session_totals()
    }

    fn answer<B>(&self, request: Request<B>) -> BoxFuture<'static, Result<Response<Body>, Infallible>>
    where
        B: RequestBody,
    {
        let server = self.server.clone();
        let (parts, body) = request.into_parts();
        let source = Source::mounted(&parts.extensions, &server.config.proxies);
        let head = Head::new(parts, source.into());
        async move { Ok(service::handle(&server, head, body).await.reply.into_response()) }.boxed()
    }
}

impl<B> hyper::service::Service<Request<B>> for HttpService
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

#[cfg(feature = "tower")]
impl<B> tower_service::Service<Request<B>> for HttpService
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("path", &self.server.config.path).finish_non_exhaustive()
    }
}
