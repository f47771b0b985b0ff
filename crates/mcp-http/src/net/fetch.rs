//! Single requests to any origin, for documents that a server names.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request, Response, Uri};

use super::config::{AddressPolicy, Credentials, NetConfig};
use super::deadline::Deadline;
use super::uri::{self, shown};
use super::{Answer, Exchange, Net, credentials};
use crate::HttpError;
use crate::error::ConnectFailure;
use crate::lock::Lock;

/// How many origins keep their connections.
const ORIGINS: usize = 16;

/// Names under which cloud providers hand out a machine's credentials. With a proxy no address would be checked.
const CLOUD_METADATA: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// The limits of one request of a [`Fetch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchLimits {
    /// The body of the response, in bytes.
    pub body: usize,
    /// From the call to the end of the body. [`NetTimeouts::connect`](super::NetTimeouts::connect) and
    /// [`NetTimeouts::first_byte`](super::NetTimeouts::first_byte) apply as well.
    pub total: Duration,
}

impl FetchLimits {
    /// A limit on the body in bytes, and one on the whole time.
    pub const fn new(body: usize, total: Duration) -> FetchLimits {
        FetchLimits { body, total }
    }
}

impl Default for FetchLimits {
    /// 1 MiB, 30 seconds.
    fn default() -> FetchLimits {
        FetchLimits::new(1 << 20, Duration::from_secs(30))
    }
}

/// Sends single requests to any origin, with the TLS, proxies and timeouts of a client.
///
/// Meant for URLs that a server names, which may be hostile: an [`AddressPolicy`] is applied to every address after
/// name lookup; redirects are not followed; there are no cookies, and no credentials other than those in the request;
/// `http` is only used for this machine unless [`Fetch::allow_plain`] permits it; body and time are bounded. Cheap to
/// clone; clones share connections, of at most 16 origins.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mcp_http::http::Request;
/// use mcp_http::net::{AddressPolicy, Fetch, NetConfig};
///
/// let fetch = Fetch::new(&NetConfig::default(), AddressPolicy::Public);
/// let request = Request::get("https://login.example.com/.well-known/openid-configuration").body(Default::default())?;
/// let response = fetch.fetch(request).await?;
/// println!("{}: {} bytes", response.status(), response.body().len());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Fetch {
    config: Arc<NetConfig>,
    limits: FetchLimits,
    allow_plain: bool,
    repeatable: bool,
    /// By origin, the one used last at the end.
    nets: Arc<Lock<Vec<(uri::Origin, Net)>>>,
}

impl Fetch {
    /// Requests with these settings. The policy replaces [`NetConfig::addresses`].
    pub fn new(config: &NetConfig, addresses: AddressPolicy) -> Fetch {
        let config = Arc::new(NetConfig { addresses, ..config.clone() });
        Fetch {
            config,
            limits: FetchLimits::default(),
            allow_plain: false,
            repeatable: false,
            nets: Arc::default(),
        }
    }

    /// The same with other limits. Connections are shared.
    #[must_use]
    pub fn with_limits(mut self, limits: FetchLimits) -> Fetch {
        self.limits = limits;
        self
    }

    /// The same with another policy. Connections are not shared.
    #[must_use]
    pub fn with_addresses(self, addresses: AddressPolicy) -> Fetch {
        let nets = Arc::default();
        Fetch { config: Arc::new(NetConfig { addresses, ..NetConfig::clone(&self.config) }), nets, ..self }
    }

    /// Also speak `http` to other machines, where requests can be read and answers forged on the path.
    #[must_use]
    pub fn allow_plain(mut self, allow: bool) -> Fetch {
        self.allow_plain = allow;
        self
    }

    /// Requests with methods other than GET and HEAD are safe to repeat as well: they use kept connections, and are sent
    /// once more if one of these ends without a response. Otherwise each opens a connection.
    #[must_use]
    pub fn repeatable(mut self, repeatable: bool) -> Fetch {
        self.repeatable = repeatable;
        self
    }

    /// Sends this request to its absolute URL and reads the whole response. Any status is a response, including a
    /// redirect.
    ///
    /// Headers that the client sets itself, such as `Host`, are refused. Cancel-safe: dropping the future closes the
    /// connection; the request may have been sent.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`] and [`HttpError::Setting`] before anything is sent; [`HttpError::Connect`] with
    /// [`ConnectFailure::ForbiddenAddress`] where the policy forbids every address; [`HttpError::TooLarge`],
    /// [`HttpError::TimedOut`] and those of a broken connection.
    pub async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        if head.uri.scheme().is_none() {
            let why = "not an absolute URL".to_owned();
            return Err(HttpError::Url { url: shown(&head.uri), why });
        }
        let url = uri::parse(&head.uri.to_string())?;
        let mut headers = Vec::with_capacity(head.headers.len());
        for (name, value) in &head.headers {
            if *name != ACCEPT && *name != CONTENT_TYPE {
                credentials::check_name(name)?;
            }
            headers.push((name.clone(), value.clone()));
        }
        let repeatable = self.repeatable || matches!(head.method, Method::GET | Method::HEAD);
        let net = self.net(&url, repeatable)?;
        let exchange = Exchange {
            method: head.method,
            url: Some(Arc::new(url)),
            template: None,
            headers,
            body,
            counted: false,
            repeatable,
        };
        let mut answer = net.send_once(&exchange, Some(self.limits.total)).await?;
        let body = answer.body.collect("response body", self.limits.body).await?;
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    /// The connections to the origin of this URL; new ones unless they may be `kept`.
    fn net(&self, url: &Uri, kept: bool) -> Result<Net, HttpError> {
        let origin =
            uri::Origin::of(url).map_err(|why| HttpError::Url { url: shown(url), why: why.into_owned() })?;
        self.check(url, &origin)?;
        let new = || {
            let credentials = Credentials { cookies: false, ..Credentials::default() };
            Net::new(url, &self.config, &credentials)
        };
        if !kept {
            return new();
        }
        let mut nets = self.nets.lock();
        let (_, net) = match nets.iter().position(|(known, _)| *known == origin) {
            Some(at) => nets.remove(at),
            None => (origin.clone(), new()?),
        };
        if nets.len() >= ORIGINS {
            nets.remove(0);
        }
        nets.push((origin, net.clone()));
        Ok(net)
    }

    fn check(&self, url: &Uri, origin: &uri::Origin) -> Result<(), HttpError> {
        if !origin.https && !origin.host.is_loopback() && !self.allow_plain {
            let why =
                "http to another machine, where answers can be forged on the path; use https".to_owned();
            return Err(HttpError::Url { url: shown(url), why });
        }
        let guarded = self.config.addresses != AddressPolicy::Any;
        match &origin.host {
            uri::Host::Name(name) if guarded && CLOUD_METADATA.contains(&name.trim_end_matches('.')) => {
                Err(HttpError::Connect {
                    to: name.clone(),
                    kind: ConnectFailure::ForbiddenAddress,
                    source: Arc::new(std::io::Error::new(
                        std::io::ErrorKind::PermissionDenied,
                        "the name belongs to the metadata service of a cloud provider",
                    )),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Net {
    /// Sends one request and waits for the head of its answer: no redirect is followed, no challenge answered. `total`
    /// bounds the exchange up to the end of its body.
    ///
    /// # Errors
    ///
    /// As [`Net::send`], without [`HttpError::Redirect`] and [`HttpError::Encoded`].
    async fn send_once(
        &self,
        exchange: &Exchange,
        total: Option<Duration>,
    ) -> Result<Box<Answer>, HttpError> {
        let shared = &*self.shared;
        let target = exchange.url.as_ref().map(|url| shared.target(url)).transpose()?;
        let target = target.as_ref().unwrap_or(&shared.endpoint);
        shared.exchange(exchange, target, &mut None, &mut Deadline::new(total)).await
    }
}

/// Shows no setting: a proxy may hold secrets.
impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("addresses", &self.config.addresses)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
