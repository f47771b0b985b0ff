//! The settings of connections, with their defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};

use super::address::AddressClass;
use super::authorize::Authorize;
#[cfg(feature = "tls")]
use super::tls::SystemRoots;
use crate::Secret;

/// How connections are made and what they are allowed to cost.
///
/// Plain data: take the default and change fields. It holds no credentials; those are in [`Credentials`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetConfig {
    /// TLS: trusted roots, and the client's certificate.
    pub tls: TlsConfig,
    /// The source of the proxy.
    pub proxy: Proxy,
    /// The versions of HTTP to use.
    pub versions: HttpVersions,
    /// The addresses that may be connected to.
    pub addresses: AddressPolicy,
    /// The time limits.
    pub timeouts: NetTimeouts,
    /// The program and its version, as in `my-program/1.0`: the first part of `User-Agent`, before the name and version
    /// of this crate. A `User-Agent` among [`Credentials::headers`] replaces both.
    pub user_agent: Option<String>,
    /// The limit on the headers of a response, in bytes. Interim responses (1xx) before it count too.
    pub response_headers: usize,
    /// The number of calls at once; further calls wait in order. Over HTTP/1.1 each call uses one connection. Streams
    /// that stay open do not count. 0 means no limit.
    pub connections: usize,
}

impl Default for NetConfig {
    fn default() -> NetConfig {
        NetConfig {
            tls: TlsConfig::default(),
            proxy: Proxy::Environment,
            versions: HttpVersions::Auto,
            addresses: AddressPolicy::Any,
            timeouts: NetTimeouts::default(),
            user_agent: None,
            response_headers: 64 << 10,
            connections: 64,
        }
    }
}

/// What is sent to one origin with every request, and to no other origin. `Debug` shows none of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Credentials {
    /// Headers of every request. Headers that the transport sets itself and hop-by-hop headers are refused: `Accept`,
    /// `Content-Type`, `Host`, `Mcp-*` and similar ones.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A fixed bearer token, sent with every request. [`Credentials::authorize`] takes precedence.
    pub bearer: Option<Secret>,
    /// The hook that supplies credentials that change.
    pub authorize: Option<Arc<dyn Authorize>>,
    /// Whether credentials are also sent over `http` to other machines, where they can be read on the path.
    pub allow_plain: bool,
    /// Keep the cookies that the server sets, and send them back to it: load balancers use them to keep a session on
    /// one replica. They are kept in memory, at most 32 with 16 KiB in total. A `Cookie` among the headers turns this
    /// off.
    pub cookies: bool,
}

impl Default for Credentials {
    fn default() -> Credentials {
        Credentials { headers: Vec::new(), bearer: None, authorize: None, allow_plain: false, cookies: true }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("allow_plain", &self.allow_plain).finish_non_exhaustive()
    }
}

/// TLS settings. Without the `tls` feature they have no effect, and `https` URLs are refused.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TlsConfig {
    /// More certificates to trust, each entry a PEM text, beside the system's. Certificate authorities; a server's own
    /// self-signed certificate is trusted for that server only.
    pub extra_roots: Vec<Vec<u8>>,
    /// The certificate that the client presents if the server asks for one.
    pub identity: Option<ClientIdentity>,
    /// Accept any server certificate. For tests only.
    pub insecure: bool,
    /// A complete configuration of rustls, used instead of the fields above. Only ALPN is set by this crate.
    #[cfg(feature = "tls")]
    pub custom: Option<Arc<rustls::ClientConfig>>,
    /// The system's certificates, loaded at the first TLS connection and shared by the clones of this value.
    #[cfg(feature = "tls")]
    pub(super) system: SystemRoots,
}

/// Shows no key.
impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("extra_roots", &self.extra_roots.len())
            .field("identity", &self.identity.is_some())
            .field("insecure", &self.insecure)
            .finish_non_exhaustive()
    }
}

/// A client certificate with its private key.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The certificate chain in PEM, the client's own certificate first.
    pub certificates: Vec<u8>,
    /// The private key in PEM (PKCS#8, PKCS#1 or SEC1).
    pub key: Secret,
}

impl ClientIdentity {
    /// A certificate chain and its private key, both in PEM. They are checked when the first connection is prepared.
    pub fn new(certificates: impl Into<Vec<u8>>, key: impl Into<Secret>) -> ClientIdentity {
        ClientIdentity { certificates: certificates.into(), key: key.into() }
    }
}

/// Shows no key.
impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

/// How long a step may take. `None` means no limit; a limit of zero is exceeded at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetTimeouts {
    /// The limit for name lookup, TCP, proxy and TLS together.
    pub connect: Option<Duration>,
    /// The limit from passing the request to the connection until the head of its answer. MCP sessions bound calls
    /// themselves; this limit detects dead peers.
    pub first_byte: Option<Duration>,
    /// The limit between two reads of a body, or of a stream whose answer is still missing.
    pub idle: Option<Duration>,
    /// The limit for a whole exchange, except for streams that stay open.
    pub total: Option<Duration>,
}

impl Default for NetTimeouts {
    fn default() -> NetTimeouts {
        NetTimeouts {
            connect: Some(Duration::from_secs(10)),
            first_byte: None,
            idle: Some(Duration::from_secs(300)),
            total: None,
        }
    }
}

/// Which versions of HTTP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only, also without TLS. Servers that speak only HTTP/1.1 cannot be reached.
    Http2,
}

/// Which addresses a name may lead to. The policy is applied to each address after name lookup, immediately before it
/// is connected to. A connection through a proxy, or one that the application opens itself, is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressPolicy {
    /// Any address.
    Any,
    /// Only addresses of the public internet: no loopback, private, link-local, shared, benchmarking, multicast or
    /// reserved address, and no IPv6 address that embeds such an IPv4 address. For URLs that a server names.
    Public,
    /// The same, and the addresses of this class: for URLs that a server of that class names.
    PublicAnd(AddressClass),
}

/// The source of the proxy. The connection to a proxy uses `http`: requests for `http` URLs are forwarded, and
/// `https` uses a tunnel. `Debug` shows no user info.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case. Never for loopback.
    Environment,
    /// No proxy.
    None,
    /// This proxy, for every request. User info in it is sent as `Proxy-Authorization`.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::Environment => f.write_str("Environment"),
            Proxy::None => f.write_str("None"),
            Proxy::Url(url) => {
                // Everything before the last `@` may be a secret, however the rest is written.
                let host = url.rsplit('@').next().unwrap_or_default();
                f.debug_tuple("Url").field(&host).finish()
            }
        }
    }
}
