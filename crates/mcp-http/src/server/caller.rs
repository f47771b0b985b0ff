//! The caller of a request, and the data that accompanies its messages.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, PROXY_AUTHORIZATION};
use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri, Version};
use mcp_core::transport::budget::BudgetKey;
use mcp_core::transport::{Envelope, Identity, Owner};

use super::RequestHead;
use super::budgets::Held;
use super::forwarded;
use crate::lock::Lock;

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
    source: Arc<Source>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.source.keep_map(std::mem::take(&mut self.head.headers));
    }
}

/// The most headers that a map which is used again has space for.
const MOST_KEPT: usize = 32;

/// Where a request came from: one for all requests of a connection.
#[derive(Debug)]
pub(crate) struct Source {
    peer: Peer,
    /// Whose share a request without an identity is charged to, and the connection.
    key: BudgetKey,
    /// What accompanies the messages of callers without an identity: the key.
    envelope: Envelope,
    /// The key of the caller that was identified last on this connection. Clones of a key remember their shares.
    known: Lock<Option<BudgetKey>>,
    /// The connection belongs to a server around this service.
    mounted: bool,
    /// The client's certificate in DER.
    certificate: Option<Vec<u8>>,
    /// The connection has TLS.
    secure: bool,
    /// The headers of a trusted proxy count.
    forwarded: bool,
    /// An empty map of headers, whose memory the next answer takes.
    spare: Lock<Option<HeaderMap>>,
}

impl Source {
    /// A connection of this server.
    pub(crate) fn connection(peer: Peer, proxies: &[IpAddr]) -> Source {
        let owner = match peer {
            Peer::Tcp(address) if !proxies.contains(&address.ip().to_canonical()) => {
                Owner::at_address(address.ip())
            }
            // The requests of one process, or of many callers.
            Peer::Tcp(_) | Peer::Unix { .. } | Peer::Unknown => Owner::anonymous(),
        };
        Source::new(peer, BudgetKey::new(owner, BudgetKey::next_link()), false)
    }

    fn new(peer: Peer, key: BudgetKey, mounted: bool) -> Source {
        Source {
            peer,
            envelope: Envelope::default().with(key.clone()),
            key,
            known: Lock::default(),
            mounted,
            certificate: None,
            secure: false,
            forwarded: false,
            spare: Lock::default(),
        }
    }

    /// Keeps the memory of a request's headers for an answer.
    fn keep_map(&self, mut headers: HeaderMap) {
        headers.clear();
        if headers.capacity() <= MOST_KEPT {
            *self.spare.lock() = Some(headers);
        }
    }

    /// The map that was kept. An answer takes it; a connection that falls silent frees it.
    pub(crate) fn take_map(&self) -> Option<HeaderMap> {
        self.spare.lock().take()
    }

    /// A request to a mounted service, described by the layers in front of it. Only they know connections: each
    /// address counts as one, and without an address each request does.
    pub(crate) fn mounted(extensions: &Extensions, proxies: &[IpAddr]) -> Source {
        let peer = extensions.get().copied().unwrap_or(Peer::Unknown);
        let key = extensions.get::<BudgetKey>().cloned().unwrap_or_else(|| {
            let key = Source::connection(peer, proxies).key;
            match peer {
                Peer::Tcp(address) => {
                    let mut hasher = DefaultHasher::new();
                    address.hash(&mut hasher);
                    // Apart from the numbers of connections, which are counted from 1.
                    BudgetKey::new(key.owner, hasher.finish() | (1 << 63))
                }
                _ => key,
            }
        });
        Source::new(peer, key, true)
    }

    /// Notes the certificate that the client proved to have.
    #[cfg(feature = "tls")]
    pub(crate) fn set_certificate(&mut self, der: &[u8]) {
        self.certificate = Some(der.to_vec());
    }

    /// The same connection, with TLS or without.
    pub(crate) fn with_tls(mut self, secure: bool) -> Source {
        self.secure = secure;
        self
    }

    /// What the headers of a trusted proxy say of this request's client. `None` if the connection is not from one.
    fn forwarded(&self, headers: &HeaderMap, proxies: &[IpAddr]) -> Option<Source> {
        let trusted = match self.peer {
            Peer::Tcp(address) => proxies.contains(&address.ip().to_canonical()),
            Peer::Unix { .. } => true,
            Peer::Unknown => false,
        };
        if !trusted {
            return None;
        }
        let (peer, owner) = match forwarded::client(headers, proxies) {
            Some(client) => (Peer::Tcp(SocketAddr::new(client, 0)), Owner::at_address(client)),
            None => (self.peer, self.key.owner.clone()),
        };
        let mut source = Source::new(peer, BudgetKey::new(owner, self.key.link), self.mounted);
        source.secure = self.secure;
        source.forwarded = true;
        Some(source)
    }

    /// The key of a caller on this connection.
    fn key_of(&self, owner: Option<&Owner>) -> BudgetKey {
        let Some(owner) = owner else { return self.key.clone() };
        // A panic while the lock is held leaves the data valid.
        let mut known = self.known.lock();
        match &*known {
            Some(key) if key.owner == *owner => key.clone(),
            _ => known.insert(BudgetKey::new(owner.clone(), self.key.link)).clone(),
        }
    }
}

/// The head of a request that has not passed the gate; it still has its credentials. Behind an `Arc`, because it is moved
/// through many futures.
pub(crate) struct Head(Arc<Inner>);

impl Head {
    pub(crate) fn new(head: Parts, source: Arc<Source>) -> Head {
        Head(Arc::new(Inner { head, source }))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.head
    }

    /// Whether a server around this service has the connection.
    pub(crate) fn is_mounted(&self) -> bool {
        self.0.source.mounted
    }

    /// Whose share is used before the caller is known.
    pub(crate) fn key(&self) -> &BudgetKey {
        &self.0.source.key
    }

    /// Whose share is used once the caller is known.
    pub(crate) fn key_of(&self, identity: Option<&Identity>) -> BudgetKey {
        self.0.source.key_of(identity.map(Identity::owner).as_ref())
    }

    /// What the hook of the application sees.
    pub(crate) fn request_head(&self) -> RequestHead<'_> {
        let source = &self.0.source;
        let head = RequestHead::new(self.parts()).with_peer(source.peer);
        match &source.certificate {
            Some(der) => head.with_client_certificate(der),
            None => head,
        }
    }

    /// The head as that of the client behind a trusted proxy, if it came through one.
    pub(crate) fn behind(self, proxies: &[IpAddr]) -> Head {
        match self.0.source.forwarded(&self.0.head.headers, proxies) {
            Some(source) => {
                let mut inner = self.0;
                // Never copies: the head is not shared before.
                Arc::make_mut(&mut inner).source = Arc::new(source);
                Head(inner)
            }
            None => self,
        }
    }

    /// Removes what handlers must not see.
    fn admit(mut self) -> HttpRequest {
        const SECRETS: [HeaderName; 3] = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];
        // Names are compared faster than they are hashed, and most requests have none of the three.
        if self.parts().headers.keys().any(|name| SECRETS.contains(name)) {
            // Never copies: the head is not shared before.
            let Inner { head, .. } = Arc::make_mut(&mut self.0);
            for secret in SECRETS {
                head.headers.remove(secret);
            }
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
    /// The headers, without credentials. `Mcp-*` headers are untrusted copies: do not base decisions on them.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    /// The extensions that layers in front of the service added.
    pub fn extensions(&self) -> &Extensions {
        &self.0.head.extensions
    }

    /// The other end of the connection. With [`HttpServerConfig::forwarded`](super::HttpServerConfig::forwarded), the client
    /// as a trusted proxy reports it, with port 0.
    pub fn peer(&self) -> Peer {
        self.0.source.peer
    }

    /// The client's certificate in DER. `None` unless the server's TLS configuration requests and verifies one.
    pub fn client_certificate(&self) -> Option<&[u8]> {
        self.0.source.certificate.as_deref()
    }

    /// Scheme, host and port that the client has used, such as `https://mcp.example.com`, as a trusted proxy reports it
    /// ([`HttpServerConfig::forwarded`](super::HttpServerConfig::forwarded)); else those of the connection. A mounted service
    /// does not know whether its connections have TLS. `None` if the request names no host.
    pub fn origin(&self) -> Option<String> {
        let Inner { head, source } = &*self.0;
        let trusted = source.forwarded.then_some(&head.headers);
        let own = || head.uri.scheme_str().unwrap_or(if source.secure { "https" } else { "http" });
        let scheme = trusted.and_then(forwarded::scheme).unwrap_or_else(own);
        let named = || {
            let authority = head.uri.authority().map(|authority| authority.as_str());
            authority.or_else(|| head.headers.get(HOST)?.to_str().ok())
        };
        let host = trusted.and_then(forwarded::host).or_else(named)?;
        Some(format!("{scheme}://{host}"))
    }

    /// The prefix of the path that a trusted proxy has removed.
    pub(crate) fn prefix(&self) -> Option<&str> {
        forwarded::prefix(&self.0.head.headers).filter(|_| self.0.source.forwarded)
    }

    /// Whether a server around this service has the connection.
    pub(crate) fn is_mounted(&self) -> bool {
        self.0.source.mounted
    }

    /// Whether the ticks of its connection poll this request. Streams of HTTP/2 have separate tasks.
    pub(crate) fn is_ticked(&self) -> bool {
        !self.is_mounted() && self.0.head.version < Version::HTTP_2
    }
}

/// A request that passed the gate.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Who owns what outlives the request. `None` without an identity: an address owns nothing.
    pub(crate) owner: Option<Owner>,
    /// Whose share what it holds is charged to.
    pub(crate) key: BudgetKey,
    /// The length of the body, and its charge if it did not come at once.
    pub(crate) length: usize,
    pub(crate) text: Option<Held>,
    /// The head of the request.
    pub(crate) request: HttpRequest,
    /// Accompanies each message of the request: the [`HttpRequest`], the [`Identity`] if there is one, and the
    /// [`BudgetKey`].
    pub(crate) envelope: Envelope,
}

impl Caller {
    /// Takes a head, and removes its credentials. The key is that of the identity, if there is one. Boxed, because it is
    /// moved through many futures.
    pub(crate) fn new(head: Head, identity: Option<Identity>, key: BudgetKey) -> Box<Caller> {
        let request = head.admit();
        let owner = identity.is_some().then(|| key.owner.clone());
        let envelope = match identity {
            None => request.0.source.envelope.clone(),
            Some(identity) => Envelope::default().with(key.clone()).with(identity),
        };
        Box::new(Caller {
            owner,
            envelope: envelope.with(request.clone()),
            request,
            key,
            length: 0,
            text: None,
        })
    }

    /// The verified identity, if there is one.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.envelope.get()
    }

    /// When the proof of the identity expires.
    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.identity()?.expires
    }

    /// The headers of the request.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }
}

#[cfg(test)]
mod tests;
