//! The server as a service that another server mounts.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};

use super::body::Body;
use super::caller::{Head, Peer};
use super::legacy::SessionCounters;
use super::service::{self, RequestBody};
use super::state::ServerState;

/// The endpoint as a [`hyper::service::Service`], and as a `tower::Service` with the feature `tower`, for axum and similar
/// servers. Clones share one server and are cheap.
///
/// Mount it where requests keep their whole path: it serves [`HttpServerConfig::path`](super::HttpServerConfig::path) and
/// answers 404 elsewhere. Handlers see the [`Peer`] that the extensions of a request hold.
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

    /// Counts of open sessions and streams of the legacy era.
    pub fn sessions(&self) -> SessionCounters {
        self.server.sessions()
    }

    fn answer<B>(&self, request: Request<B>) -> BoxFuture<'static, Result<Response<Body>, Infallible>>
    where
        B: RequestBody,
    {
        let server = self.server.clone();
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get().copied().unwrap_or(Peer::Unknown);
        let head = Head::new(parts, peer);
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
