//! The caller of a request, and the data that accompanies its messages.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri};
use mcp_core::transport::Envelope;

use super::Identity;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// A TCP address. Behind a proxy it is that of the proxy.
    Tcp(SocketAddr),
    /// A process on this machine, over a Unix socket, as the kernel reports it.
    Unix {
        /// The user id.
        uid: u32,
        /// The group id.
        gid: u32,
        /// The process id, where the system reports it.
        pid: Option<i32>,
    },
    /// Unknown.
    Unknown,
}

/// The HTTP request that carried a message. Found in the [`Envelope`] of the message. Clones are cheap.
///
/// `Authorization`, `Proxy-Authorization` and `Cookie` are removed: only [`Authenticate`](super::Authenticate) sees them, so
/// that no handler passes them on.
// Ledger SEC-S-009.
#[derive(Clone)]
pub struct HttpRequest(Arc<Inner>);

/// Shows neither query nor headers, which may hold a session id.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", self.method())
            .field("path", &self.uri().path())
            .field("peer", &self.peer())
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Inner {
    head: Parts,
    peer: Peer,
}

/// The head of a request that has not passed the gate; it still has its credentials. Behind an `Arc`, because it is moved
/// through many futures.
pub(crate) struct Head(Arc<Inner>);

impl Head {
    pub(crate) fn new(head: Parts, peer: Peer) -> Head {
        Head(Arc::new(Inner { head, peer }))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.head
    }

    /// Removes what handlers must not see.
    fn admit(mut self) -> HttpRequest {
        // Never copies: the head is not shared before.
        let Inner { head, .. } = Arc::make_mut(&mut self.0);
        for secret in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE] {
            head.headers.remove(secret);
        }
        HttpRequest(self.0)
    }
}

impl HttpRequest {
    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.0.head.method
    }

    /// The target.
    pub fn uri(&self) -> &Uri {
        &self.0.head.uri
    }

    // Ledger SEC-S-014.
    /// The headers, without credentials. `Mcp-*` headers are untrusted copies: decide nothing by them.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    /// The extensions that layers in front of the service added.
    pub fn extensions(&self) -> &Extensions {
        &self.0.head.extensions
    }

    /// The other end of the connection.
    pub fn peer(&self) -> Peer {
        self.0.peer
    }
}

/// A request that passed the gate.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The identity of the caller, if the server asks for one.
    pub(crate) identity: Option<Identity>,
    /// The head of the request.
    pub(crate) request: HttpRequest,
    /// Accompanies each message of the request: the [`HttpRequest`], and the [`Identity`] if there is one.
    pub(crate) envelope: Envelope,
}

impl Caller {
    /// Takes a head, and removes its credentials.
    pub(crate) fn new(head: Head, identity: Option<Identity>) -> Caller {
        let request = head.admit();
        let mut envelope = Envelope::default().with(request.clone());
        if let Some(identity) = &identity {
            envelope = envelope.with(identity.clone());
        }
        Caller { identity, request, envelope }
    }

    /// The headers of the request.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// SESS-C-005: a printed request shows no session id, of either kind of session.
    #[test]
    fn a_request_is_shown_without_query_and_headers() {
        let request = Request::post("http://h.test/messages?sessionId=canary")
            .header("mcp-session-id", "canary")
            .body(())
            .unwrap();
        let caller = Caller::new(Head::new(request.into_parts().0, Peer::Unknown), None);
        let shown = format!("{:?} {caller:?}", caller.request);
        assert!(shown.contains("/messages") && !shown.contains("canary"), "{shown}");
    }
}
