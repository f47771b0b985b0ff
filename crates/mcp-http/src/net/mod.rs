//! Plain HTTP exchanges with one origin: connections, TLS, proxies, redirects, credentials and limits.
//!
//! Nothing here depends on MCP.

mod address;
mod answer;
mod authorize;
mod body;
mod config;
mod connection;
mod cookies;
mod credentials;
mod deadline;
mod dial;
mod failure;
mod fetch;
mod header_template;
mod origin;
mod pool;
mod proxy;
mod redirect;
mod retry_after;
mod stream;
#[cfg(feature = "tls")]
mod tls;
pub(crate) mod uri;

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper::header::{COOKIE, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, SET_COOKIE};
use hyper::{Method, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use address::AddressClass;
pub(crate) use answer::Answer;
pub use authorize::{Again, AuthHeaders, Authorize, Challenge, RequestInfo};
pub(crate) use body::Body;
pub use config::{
    AddressPolicy, ClientIdentity, Credentials, HttpVersions, NetConfig, NetTimeouts, Proxy, TlsConfig,
};
#[cfg(unix)]
pub use dial::UnixDial;
pub use dial::{Dial, Io};
pub use fetch::{Fetch, FetchLimits};
pub(crate) use header_template::HeaderTemplate;

use answer::encoding;
use cookies::Jar;
use credentials::{CheckedCredentials, Headers, Refusals};
use deadline::Deadline;
use dial::Dialler;
use failure::Failure;
use origin::{Origin, RequestTarget};
use pool::{Lease, Pool};
use proxy::Via;

use uri::{same_origin, shown};

pub use crate::auth_scheme::AuthScheme;
pub use crate::error::{AuthError, AuthErrorKind};
use crate::{HttpError, Secret, TimeoutStep};

/// How often a request is sent again that an HTTP/2 server says it did not look at.
const MOST_REFUSALS: u32 = 3;

/// One request.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// `None` is the endpoint. Another must be of the same origin.
    pub(crate) url: Option<Arc<Uri>>,
    /// What it shares with others: see [`Net::template`].
    pub(crate) template: Option<HeaderTemplate>,
    /// Everything else but `Host`, the fixed headers and the credentials.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// Waits for one of the permits, and is bounded by the total timeout. Neither holds for streams that stay open
    /// and for messages that others wait for.
    pub(crate) counted: bool,
    /// Sent once more if a kept connection ends without one byte of an answer: the request is safe to repeat.
    pub(crate) repeatable: bool,
}

/// Exchanges with one origin over a pool of connections. Cheap to clone. When the last clone and the last body are
/// gone, the connections are closed.
#[derive(Clone)]
pub(crate) struct Net {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: RequestTarget,
    credentials: CheckedCredentials,
    /// `None` if cookies are turned off.
    jar: Option<Jar>,
    /// `Host` and the fixed headers.
    template: HeaderTemplate,
    permits: Option<Arc<Semaphore>>,
    pool: Arc<Pool>,
    /// The proxy's host and port.
    proxy: Option<String>,
    /// What a proxy that forwards wants, if there is one.
    forward: Option<Option<HeaderValue>>,
    first_byte: Option<Duration>,
    idle: Option<Duration>,
    total: Option<Duration>,
}

impl Net {
    /// Connections to the origin of this endpoint, by TCP. Opens none yet.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`] and [`HttpError::Setting`].
    pub(crate) fn new(url: &Uri, config: &NetConfig, credentials: &Credentials) -> Result<Net, HttpError> {
        Net::build(url, config, credentials, None)
    }

    /// The same over streams that the caller opens.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`] and [`HttpError::Setting`].
    pub(crate) fn over(
        url: &Uri,
        config: &NetConfig,
        credentials: &Credentials,
        dial: Arc<dyn Dial>,
    ) -> Result<Net, HttpError> {
        Net::build(url, config, credentials, Some(dial))
    }

    fn build(
        url: &Uri,
        config: &NetConfig,
        credentials: &Credentials,
        custom: Option<Arc<dyn Dial>>,
    ) -> Result<Net, HttpError> {
        let origin = Origin::new(url)?;
        let private = custom.is_some();
        let via = match custom {
            Some(_) => Via::Direct,
            None => proxy::choose(&origin, &config.proxy, config.versions)?,
        };
        let proxy = via.label();
        let near = private || (origin.loopback && via.is_near());
        let has_cookie = credentials.headers.iter().any(|(name, _)| *name == COOKIE);
        let jar = (credentials.cookies && !has_cookie).then(Jar::default);
        let credentials = CheckedCredentials::new(&origin, credentials, near)?;
        let forward = match &via {
            Via::Forward(proxy) => Some(proxy.authorization.clone()),
            _ => None,
        };
        #[cfg(not(feature = "tls"))]
        if origin.https {
            let why = "https needs the crate's `tls` feature".to_owned();
            return Err(HttpError::Setting { what: "TLS".to_owned(), why });
        }
        let dialler = Dialler {
            custom,
            via,
            addresses: config.addresses,
            #[cfg(feature = "tls")]
            tls: origin.https.then(|| tls::Tls::new(&origin, &config.tls, config.versions)).transpose()?,
        };
        let permits = (config.connections > 0)
            .then(|| Arc::new(Semaphore::new(config.connections.min(Semaphore::MAX_PERMITS))));
        Ok(Net {
            shared: Arc::new(Shared {
                endpoint: RequestTarget::new(url.clone()),
                template: HeaderTemplate::new(
                    &origin.header,
                    header_template::user_agent(config.user_agent.as_deref())?,
                    credentials.fixed(),
                ),
                jar,
                credentials,
                permits,
                pool: Arc::new(Pool::new(origin, dialler, config)),
                proxy,
                forward,
                first_byte: config.timeouts.first_byte,
                idle: config.timeouts.idle,
                total: config.timeouts.total,
            }),
        })
    }

    /// Sends one request and waits for the head of its answer.
    ///
    /// Follows redirects within the origin. Reports 401 and 403 to the provider of credentials, and sends the request
    /// again if there are others. A request that may have reached the server is otherwise never sent twice. Dropping the future closes the connection or resets the
    /// stream.
    ///
    /// The answer is boxed: it is large, and handed up through several futures.
    ///
    /// # Errors
    ///
    /// All but [`HttpError::Status`], [`HttpError::SessionLost`] and [`HttpError::Closed`].
    pub(crate) async fn send(&self, exchange: impl Borrow<Exchange>) -> Result<Box<Answer>, HttpError> {
        let shared = &*self.shared;
        let exchange = exchange.borrow();
        let mut deadline = Deadline::new(shared.total.filter(|_| exchange.counted));
        let permit = shared.permit(exchange.counted, &mut deadline).await?;
        let mut elsewhere = exchange.url.as_ref().map(|url| shared.target(url).map(Box::new)).transpose()?;
        let (mut followed, mut refusals, mut sent) = (0, Refusals::default(), None);
        loop {
            let target = elsewhere.as_deref().unwrap_or(&shared.endpoint);
            let mut answer = shared.exchange(exchange, target, &mut sent, &mut deadline).await?;
            if answer.status.is_success() {
                if let Some(encoding) = encoding(&answer.headers) {
                    return Err(HttpError::Encoded { encoding });
                }
            } else if let Some(to) =
                redirect::follow(answer.status, &answer.headers, &target.absolute, followed)?
            {
                followed += 1;
                elsewhere = Some(Box::new(RequestTarget::new(to)));
                deadline = answer.body.discard();
                continue;
            } else if let Some(provider) = &shared.credentials.provider
                && refusals.admit(answer.status)
            {
                // The provider may wait for other servers: only the total timeout bounds it.
                answer.body.waits_for(TimeoutStep::Total, None);
                let request = RequestInfo::new(&exchange.method, &target.absolute);
                let challenge = credentials::challenge(answer.status, &answer.headers, request, sent.take());
                let asked = async { provider.challenged(&challenge).await.map_err(HttpError::Authorization) };
                // Boxed, as is what few exchanges have: it would make the future of every one larger.
                if Box::pin(answer.body.deadline().bound(asked)).await? == Again::Yes {
                    deadline = answer.body.discard();
                    continue;
                }
                answer.body.waits_for(TimeoutStep::Idle, shared.idle);
            }
            answer.body.hold(permit);
            return Ok(answer);
        }
    }

    /// `Host`, the fixed headers and these, for exchanges with a body that have them in common.
    pub(crate) fn template(&self, headers: &[(HeaderName, HeaderValue)]) -> HeaderTemplate {
        self.shared.template.with(headers)
    }

    /// How many connections are open, in use or not.
    #[cfg(test)]
    pub(crate) fn open_connections(&self) -> usize {
        self.shared.pool.open_connections()
    }
}

impl Shared {
    async fn permit(
        &self,
        counted: bool,
        deadline: &mut Deadline,
    ) -> Result<Option<OwnedSemaphorePermit>, HttpError> {
        let Some(permits) = self.permits.as_ref().filter(|_| counted) else { return Ok(None) };
        if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
            return Ok(Some(permit));
        }
        let waiting = async {
            // Nobody closes the semaphore.
            Arc::clone(permits).acquire_owned().await.map(Some).map_err(|_| HttpError::Closed)
        };
        deadline.bound(waiting).await
    }

    /// A URL beside the endpoint.
    fn target(&self, url: &Uri) -> Result<RequestTarget, HttpError> {
        if !same_origin(url, &self.endpoint.absolute) {
            let why = format!("not of the same origin as {}", shown(&self.endpoint.absolute));
            return Err(HttpError::Url { url: shown(url), why });
        }
        Ok(RequestTarget::new(url.clone()))
    }

    /// One request, one answer, over a kept connection or else a new one. The provider's `Authorization` of the last
    /// try is left in `sent`.
    async fn exchange(
        &self,
        exchange: &Exchange,
        target: &RequestTarget,
        sent: &mut Option<Secret>,
        deadline: &mut Deadline,
    ) -> Result<Box<Answer>, HttpError> {
        let (mut refusals, mut repeated) = (0, false);
        loop {
            let authorization = match &self.credentials.provider {
                None => Headers::new(),
                Some(provider) => {
                    deadline.step(TimeoutStep::Total, None);
                    let request = RequestInfo::new(&exchange.method, &target.absolute);
                    let asked = credentials::ask(&**provider, request);
                    let (given, headers) = deadline.bound(Box::pin(asked)).await?;
                    *sent = given.authorization;
                    headers
                }
            };
            // Other kept connections have probably ended in the same way.
            let kept = if repeated { None } else { self.pool.take() };
            let is_new = kept.is_none();
            let lease = match kept {
                Some(lease) => lease,
                None => {
                    deadline.step(TimeoutStep::Total, None);
                    // Boxed: most exchanges open none, and it is large.
                    deadline.bound(Box::pin(self.pool.open())).await?
                }
            };
            let request = self.request(exchange, target, &authorization, &lease);
            deadline.step(TimeoutStep::FirstByte, self.first_byte);
            let result = match lease {
                Lease::Http1(mut wire) => {
                    let reply = pin!(wire.begin(request));
                    wire.reply(reply, deadline).await.map(|(r, w)| (r, Lease::Http1(w)))
                }
                Lease::Http2(slot) => {
                    let reply = pin!(slot.begin(request));
                    slot.reply(reply, deadline).await.map(|(r, s)| (r, Lease::Http2(s)))
                }
            };
            match result {
                Ok((response, lease)) => {
                    let (head, incoming) = response.into_parts();
                    if let Some(jar) = &self.jar
                        && head.headers.keys().any(|name| *name == SET_COOKIE)
                    {
                        let host = &self.pool.origin.host;
                        jar.learn(&head.headers, host, target.absolute.path(), SystemTime::now());
                    }
                    if let Some(provider) = &self.credentials.provider {
                        let request = RequestInfo::new(&exchange.method, &target.absolute);
                        provider.responded(&request, head.status, &head.headers);
                    }
                    let deadline = std::mem::replace(deadline, Deadline::new(None));
                    let body = Body::new(incoming, lease, &self.pool, deadline, self.idle);
                    return Ok(Box::new(Answer { status: head.status, headers: head.headers, body }));
                }
                // The server closed it while it was kept. Nothing was written, so another is as good.
                Err(Failure::Unsent(_)) if !is_new => {}
                Err(Failure::Unsent(error)) => return Err(self.pool.broken(&error)),
                Err(Failure::Unanswered(_)) if !is_new && exchange.repeatable && !repeated => repeated = true,
                Err(Failure::Refused(_)) if refusals < MOST_REFUSALS => refusals += 1,
                Err(Failure::Refused(error) | Failure::Unanswered(error) | Failure::Final(error)) => {
                    return Err(error);
                }
            }
        }
    }

    fn request(
        &self,
        exchange: &Exchange,
        target: &RequestTarget,
        authorization: &Headers,
        lease: &Lease,
    ) -> Request<Full<Bytes>> {
        let template = exchange.template.as_ref().unwrap_or(&self.template);
        let mut headers = template.copy(&exchange.headers, exchange.body.len());
        let uri = match (lease, &self.forward) {
            (Lease::Http2(_), _) => {
                // HTTP/2 says it in the URL.
                headers.remove(HOST);
                &target.absolute
            }
            (Lease::Http1(_), None) => &target.path,
            (Lease::Http1(_), Some(authorization)) => {
                if let Some(value) = authorization {
                    headers.insert(PROXY_AUTHORIZATION, value.clone());
                }
                &target.absolute
            }
        };
        for (name, value) in authorization {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(jar) = self.jar.as_ref().filter(|jar| !jar.is_empty())
            && let Some(cookies) =
                jar.header(target.absolute.path(), self.pool.origin.https, SystemTime::now())
        {
            headers.insert(COOKIE, cookies);
        }
        let mut request = Request::new(Full::new(exchange.body.clone()));
        *request.method_mut() = exchange.method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        request
    }
}
