//! The resource server: the settings, and the decisions about a request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use mcp_core::transport::{Identity, async_trait};
use mcp_http::HttpServer;
use mcp_http::net::NetConfig;
use mcp_http::server::{Authenticate, Denied, Document, Operation, RequestHead};
use ring::digest::{SHA256, digest};

use super::challenge::BearerChallenge;
use super::claims::{Claims, Expected, Refused};
use super::header::{self, Brought};
use super::issuer::{Issuer, TokenError, Trusted};
use super::keys::Unavailable;
use super::metadata::{self, Published};
use super::scopes::Scopes;
use crate::jose::{Jws, encode};
use crate::urls::WebUrl;

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ConfigError {
    what: &'static str,
    why: String,
}

impl ConfigError {
    pub(super) fn new(what: &'static str, why: impl Into<String>) -> ConfigError {
        ConfigError { what, why: why.into() }
    }
}

/// Checks the access tokens of requests, and what they allow. Cheap to clone; clones share their caches.
///
/// - A request without a token, or with one that is not valid, gets 401 with a challenge that names the metadata document;
///   one that a token does not allow gets 403 with all scopes that it needs.
/// - The audience of a token must be this resource.
/// - Keys of an issuer are fresh for an hour, or as `max-age` says between 5 minutes and a day. An unknown key id fetches
///   them again, at most every 30 seconds. If they cannot be fetched, known ones are used for another day; without any, the
///   answer is 503 with `Retry-After`.
/// - Answers about opaque tokens are kept for a minute, or until the token expires; refusals for 5 seconds; 10,000 of both.
/// - Tokens that are bound to a key by DPoP are refused. Those that are bound to a client certificate need it.
#[derive(Clone)]
pub struct ResourceServer {
    shared: Arc<Shared>,
}

struct Shared {
    resource: WebUrl,
    issuers: Vec<Trusted>,
    scopes: Scopes,
    leeway: Duration,
    metadata_url: String,
    documents: Vec<Document>,
}

/// The settings of a [`ResourceServer`].
#[must_use]
pub struct ResourceServerBuilder {
    resource: String,
    issuers: Vec<Issuer>,
    scopes: Scopes,
    scopes_supported: Option<Vec<String>>,
    leeway: Duration,
    name: Option<String>,
    documentation: Option<String>,
    root_document: bool,
    net: NetConfig,
}

impl ResourceServerBuilder {
    /// Trusts this authorization server. At least one is needed; clients use the first that suits them.
    pub fn issuer(mut self, issuer: Issuer) -> ResourceServerBuilder {
        self.issuers.push(issuer);
        self
    }

    /// Sets what requests need. Default: any valid token may do everything.
    pub fn scopes(mut self, scopes: Scopes) -> ResourceServerBuilder {
        self.scopes = scopes;
        self
    }

    /// Publishes these scopes as `scopes_supported`: what a client without other information requests. Default: those that
    /// every request needs.
    pub fn scopes_supported<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> ResourceServerBuilder {
        self.scopes_supported = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets how far clocks may differ. Default: 60 seconds.
    pub fn leeway(mut self, leeway: Duration) -> ResourceServerBuilder {
        self.leeway = leeway;
        self
    }

    /// Publishes a name for people.
    pub fn name(mut self, name: impl Into<String>) -> ResourceServerBuilder {
        self.name = Some(name.into());
        self
    }

    /// Publishes the URL of a text for developers.
    pub fn documentation(mut self, url: impl Into<String>) -> ResourceServerBuilder {
        self.documentation = Some(url.into());
        self
    }

    /// Does not publish the document at the root of the host, for hosts with several resources.
    pub fn without_root_document(mut self) -> ResourceServerBuilder {
        self.root_document = false;
        self
    }

    /// Sets how authorization servers are reached: TLS, proxies, timeouts. Which addresses they may have is set by
    /// [`Issuer::addresses`].
    pub fn net(mut self, net: NetConfig) -> ResourceServerBuilder {
        self.net = net;
        self
    }

    /// Checks the settings. Nothing is fetched before the first token comes.
    ///
    /// # Errors
    ///
    /// A URL that cannot be used, or no issuer.
    pub fn build(self) -> Result<ResourceServer, ConfigError> {
        let resource = WebUrl::parse(&self.resource).map_err(|why| ConfigError::new("resource", why))?;
        if self.issuers.is_empty() {
            return Err(ConfigError::new("issuer", "none is set"));
        }
        let issuers =
            self.issuers.into_iter().map(|issuer| Trusted::new(issuer, resource.as_str(), &self.net));
        let issuers = issuers.collect::<Result<Vec<_>, _>>()?;
        let published = Published {
            resource: resource.as_str(),
            authorization_servers: issuers.iter().map(|issuer| issuer.name.as_str()).collect(),
            scopes_supported: self.scopes_supported.as_deref().unwrap_or(self.scopes.base()),
            bearer_methods_supported: ["header"],
            resource_name: self.name.as_deref(),
            resource_documentation: self.documentation.as_deref(),
        };
        let body = serde_json::to_vec(&published)
            .map_err(|error| ConfigError::new("metadata", error.to_string()))?;
        let mut documents = vec![Document::json(metadata::path(&resource), body.clone())];
        if self.root_document && documents.iter().all(|document| document.path != metadata::root_path()) {
            documents.push(Document::json(metadata::root_path(), body));
        }
        Ok(ResourceServer {
            shared: Arc::new(Shared {
                metadata_url: metadata::url(&resource),
                resource,
                issuers,
                scopes: self.scopes,
                leeway: self.leeway,
                documents,
            }),
        })
    }
}

impl ResourceServer {
    /// Protects the resource with this identifier: the URL of the endpoint as clients use it. It is published and compared
    /// byte for byte.
    pub fn builder(resource: impl Into<String>) -> ResourceServerBuilder {
        ResourceServerBuilder {
            resource: resource.into(),
            issuers: Vec::new(),
            scopes: Scopes::none(),
            scopes_supported: None,
            leeway: Duration::from_secs(60),
            name: None,
            documentation: None,
            root_document: true,
            net: NetConfig::default(),
        }
    }

    /// Sets this as the hook of the server, and publishes the documents.
    #[must_use]
    pub fn protect(&self, server: HttpServer) -> HttpServer {
        let documents = self.documents();
        server.authenticate(self.clone()).configure(|config| config.documents.extend(documents))
    }

    /// The metadata document at its place below `/.well-known`, and at the root of the host. A service that is mounted
    /// elsewhere must be reached at these paths too.
    // AU-S-01.
    pub fn documents(&self) -> Vec<Document> {
        self.shared.documents.clone()
    }

    /// The URL of the metadata document, as challenges name it.
    pub fn metadata_url(&self) -> &str {
        &self.shared.metadata_url
    }

    /// The identifier of the resource.
    pub fn resource(&self) -> &str {
        self.shared.resource.as_str()
    }
}

impl Shared {
    fn expected<'a>(&'a self, issuer: &'a Trusted, certificate: Option<&'a str>) -> Expected<'a> {
        Expected {
            issuer: &issuer.name,
            audiences: &issuer.audiences,
            leeway: self.leeway,
            certificate,
            now: SystemTime::now(),
        }
    }

    /// The caller that a token names.
    async fn check(&self, token: &str, certificate: Option<&[u8]>) -> Result<Identity, TokenError> {
        let certificate = certificate.map(|der| encode(digest(&SHA256, der).as_ref()));
        let certificate = certificate.as_deref();
        if let Ok(jws) = Jws::parse(token) {
            // Not verified yet: it only says whose keys to use.
            let issuer = Claims::parse(jws.unverified())?.iss;
            let issuer = self.issuers.iter().find(|known| issuer.as_deref() == Some(known.name.as_str()));
            let issuer = issuer.ok_or(Refused::Issuer)?;
            return issuer.verify(&jws, &self.expected(issuer, certificate)).await;
        }
        let mut refused = Refused::Unreadable;
        for issuer in &self.issuers {
            match issuer.introspect(token, &self.expected(issuer, certificate)).await {
                None => {}
                Some(Ok(Ok(identity))) => return Ok(identity),
                Some(Ok(Err(why))) => refused = why,
                Some(Err(unavailable)) => return Err(unavailable.into()),
            }
        }
        Err(refused.into())
    }

    /// 401. `why` only if a token came.
    // AU-S-02.
    fn unauthorized(&self, why: Option<Refused>) -> Denied {
        let mut challenge = BearerChallenge::new();
        if let Some(why) = why {
            challenge = challenge.with("error", "invalid_token").with("error_description", &why.to_string());
        }
        let challenge = challenge.with("resource_metadata", &self.metadata_url);
        let denied = Denied::unauthorized(challenge.with_scopes(self.scopes.base()).into_text());
        match why {
            Some(why) => denied.with_reason(why.to_string()),
            None => denied.with_reason("an access token is needed"),
        }
    }

    /// 403 with everything that the request needs.
    // AU-S-03.
    fn forbidden(&self, needed: &[String]) -> Denied {
        let challenge = BearerChallenge::new()
            .with("error", "insufficient_scope")
            .with_scopes(needed)
            .with("resource_metadata", &self.metadata_url);
        Denied::forbidden(challenge.into_text())
            .with_reason(format!("needs the scopes: {}", needed.join(" ")))
    }

    /// 400.
    // AU-S-04.
    fn malformed(&self) -> Denied {
        let challenge = BearerChallenge::new()
            .with("error", "invalid_request")
            .with("resource_metadata", &self.metadata_url);
        Denied::malformed()
            .with_challenge(challenge.into_text())
            .with_reason("the Authorization header cannot be read")
    }

    fn allow(&self, identity: &Identity, needed: &[String]) -> Result<(), Denied> {
        if self.scopes.covers(identity, needed) { Ok(()) } else { Err(self.forbidden(needed)) }
    }
}

#[async_trait]
impl Authenticate for ResourceServer {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let shared = &*self.shared;
        let token = match header::token(head.headers) {
            Brought::Nothing => return Err(shared.unauthorized(None)),
            Brought::Malformed => return Err(shared.malformed()),
            Brought::Token(token) => token,
        };
        let identity = match shared.check(token, head.client_certificate).await {
            Ok(identity) => identity,
            Err(TokenError::Refused(why)) => {
                tracing::debug!(%why, "a token is refused");
                return Err(shared.unauthorized(Some(why)));
            }
            Err(TokenError::Unavailable(Unavailable(after))) => return Err(Denied::unavailable(after)),
        };
        // What a POST needs depends on its body; see `permit`.
        if head.method != Method::POST {
            shared.allow(&identity, shared.scopes.base())?;
        }
        Ok(identity)
    }

    async fn permit(&self, identity: &Identity, operation: &Operation<'_>) -> Result<(), Denied> {
        self.shared.allow(identity, &self.shared.scopes.needed(operation))
    }
}

/// Shows the resource alone.
impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer").field("resource", &self.resource()).finish_non_exhaustive()
    }
}

/// Shows the resource alone.
impl fmt::Debug for ResourceServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServerBuilder").field("resource", &self.resource).finish_non_exhaustive()
    }
}
