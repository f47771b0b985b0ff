//! Who sent a request, and what is told of it beside the message.

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
    /// An address. Behind a proxy it is the proxy's.
    Tcp(SocketAddr),
    /// A process on this machine, over a Unix socket, as the kernel tells.
    Unix {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
        /// The process, where the system tells it.
        pid: Option<i32>,
    },
    /// Nobody knows.
    Unknown,
}

/// The HTTP request that a message came with. Found in the [`Envelope`] of the message. Cloning it is cheap.
///
/// Credentials are not in it: `Authorization`, `Proxy-Authorization` and `Cookie` are for
/// [`Authenticate`](super::Authenticate) alone, so that no handler passes them on (ledger SEC-S-009).
#[derive(Clone)]
pub struct HttpRequest(Arc<Inner>);

/// Shows neither query nor headers: a session id is in one or the other.
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

/// The head of a request that has not passed the gate: it holds credentials. It stands where it stays, and what is
/// passed on is small.
pub(crate) struct Head(Arc<Inner>);

impl Head {
    pub(crate) fn new(head: Parts, peer: Peer) -> Head {
        Head(Arc::new(Inner { head, peer }))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.head
    }

    /// What handlers may see of it.
    fn admit(mut self) -> HttpRequest {
        // No copy: a head is not cloned, so it is ours alone.
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

    /// The headers, without credentials. `Mcp-*` copies are untrusted: decide nothing by them (ledger SEC-S-014).
    pub fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    /// What a layer in front of the service put there.
    pub fn extensions(&self) -> &Extensions {
        &self.0.head.extensions
    }

    /// The other end of the connection.
    pub fn peer(&self) -> Peer {
        self.0.peer
    }
}

/// What is known of a request once the gate let it pass.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who calls, if anybody asked.
    pub(crate) identity: Option<Identity>,
    /// The head of the request.
    pub(crate) request: HttpRequest,
    /// What goes along with each of its messages: the [`HttpRequest`], and the [`Identity`] if there is one.
    pub(crate) envelope: Envelope,
}

impl Caller {
    /// Takes the head as it is, without its credentials.
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

    /// SESS-C-005: whoever prints a request prints no session id, of either kind of session.
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
