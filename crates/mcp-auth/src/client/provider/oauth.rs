//! The provider as an application sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use mcp_http::Secret;
use mcp_http::net::{Challenge, Fetch, RequestInfo};

use super::builder::OAuthBuilder;
use super::flight::Job;
use super::resource::{Resource, ResourceAuth};
use super::status::{LogoutReport, Status};
use crate::client::challenge::{Wanted, wanted};
use crate::client::dpop::Nonces;
use crate::client::error::OAuthError;
use crate::client::machine::{Machine, Purpose, RefreshPlan, revoke};
use crate::client::person::Person;
use crate::client::record::{Key, Stored, TokenRecord};
use crate::client::scopes::Scopes;
use crate::client::settings::Settings;
use crate::client::store::{CredentialStore, StoreError};
use crate::lock::Lock;
use crate::urls::WebUrl;

/// OAuth for any number of MCP servers. Cheap to clone; clones share everything.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mcp_auth::client::{FileStore, OAuth};
/// use mcp_http::HttpClient;
///
/// let oauth = OAuth::builder().client_name("my-app").store(FileStore::default_place()?).build();
/// let url = "https://mcp.example.com/mcp";
/// let server = HttpClient::new(url)?.authorize(oauth.resource(url)?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct OAuth {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: Arc<Settings>,
    pub(super) store: Arc<dyn CredentialStore>,
    /// Logins inside of requests are allowed, with this person.
    pub(super) person: Option<Arc<dyn Person>>,
    pub(super) profile: String,
    /// For URLs from untrusted documents.
    pub(super) fetch: Fetch,
    /// For the origin of the MCP endpoint, and for what the application names.
    pub(super) own_fetch: Fetch,
    pub(super) allow_private: bool,
    pub(super) login_timeout: Duration,
    pub(super) nonces: Arc<Nonces>,
    pub(super) resources: Lock<BTreeMap<String, Arc<Resource>>>,
}

impl Inner {
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl OAuth {
    /// A builder with the default settings.
    pub fn builder() -> OAuthBuilder {
        OAuthBuilder::default()
    }

    /// Authorizes the requests to this MCP endpoint: hand it to [`HttpClient::authorize`](mcp_http::HttpClient::authorize).
    /// Calls with the same URL share their tokens.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Setting`]: not an `http` or `https` URL.
    pub fn resource(&self, url: &str) -> Result<ResourceAuth, OAuthError> {
        Ok(ResourceAuth { oauth: self.clone(), resource: self.shared(url)? })
    }

    fn shared(&self, url: &str) -> Result<Arc<Resource>, OAuthError> {
        let parsed = WebUrl::parse(url).map_err(|why| OAuthError::setting("MCP endpoint", why))?;
        let mut resources = self.inner.resources.lock();
        let new = || Arc::new(Resource::new(parsed, self.inner.profile.clone()));
        Ok(resources.entry(url.to_owned()).or_insert_with(new).clone())
    }

    /// Logs in with this person, whatever is stored, and keeps the tokens. Asks the endpoint for its challenge first.
    ///
    /// The login goes on in a task if the future is dropped. Grants without a person ignore the person.
    ///
    /// # Errors
    ///
    /// The first thing that failed. What was stored before is kept.
    pub async fn login(&self, url: &str, person: impl Person) -> Result<Status, OAuthError> {
        self.login_with(url, person, None).await
    }

    /// The same for exactly these scopes, instead of those that the server names.
    ///
    /// # Errors
    ///
    /// As [`OAuth::login`].
    pub async fn login_for(
        &self,
        url: &str,
        person: impl Person,
        scopes: &[String],
    ) -> Result<Status, OAuthError> {
        self.login_with(url, person, Some(Scopes::of(scopes))).await
    }

    async fn login_with(
        &self,
        url: &str,
        person: impl Person,
        scopes: Option<Scopes>,
    ) -> Result<Status, OAuthError> {
        let resource = self.shared(url)?;
        let demand = self.challenge(&resource.endpoint).await?.demand;
        let job = Job::Login {
            demand,
            purpose: Purpose::Login(scopes),
            person: Some(Arc::new(person)),
            forced: true,
        };
        let record = resource.fly(&self.inner, job).await?;
        Ok(self.status_of(&record))
    }

    /// What the endpoint demands of a request without credentials.
    async fn challenge(&self, endpoint: &WebUrl) -> Result<Wanted, OAuthError> {
        // An MCP server refuses it before it reads it; one without authorization answers or refuses otherwise.
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let (method, uri) = (Method::POST, endpoint.uri());
        let request = Request::post(uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .body(body.into())
            .map_err(|error| OAuthError::setting("MCP endpoint", error.to_string()))?;
        let step = crate::client::error::FlowStep::ResourceMetadata;
        let response = self.inner.own_fetch.clone().repeatable(true).fetch(request).await;
        let response = response.map_err(|error| {
            let why = format!("{} cannot be reached: {error}", endpoint.shown());
            OAuthError::Unavailable { step, why, source: Some(Arc::new(error)) }
        })?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(Wanted::default());
        }
        let mut challenge = Challenge::new(response.status(), &RequestInfo::new(&method, &uri));
        let fields = response.headers().get_all(http::header::WWW_AUTHENTICATE).iter().take(16);
        challenge.headers = fields.filter_map(|field| field.to_str().ok().map(str::to_owned)).collect();
        Ok(wanted(&challenge))
    }

    /// What is stored for this endpoint.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Store`].
    pub async fn status(&self, url: &str) -> Result<Option<Status>, OAuthError> {
        let resource = self.shared(url)?;
        let record = resource.load(&self.inner).await?;
        Ok(record.map(|record| self.status_of(&record)))
    }

    /// What is stored for all endpoints, in all profiles.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Store`]. Records that cannot be read are left out.
    pub async fn all(&self) -> Result<Vec<Status>, OAuthError> {
        let mut found = Vec::new();
        for key in self.inner.store.keys().await.map_err(store)? {
            if let (Key::Token { .. }, Ok(Some(Stored::Token(record)))) =
                (&key, self.inner.store.load(&key).await)
            {
                found.push(self.status_of(&record));
            }
        }
        Ok(found)
    }

    fn status_of(&self, record: &TokenRecord) -> Status {
        Status::of(record, self.inner.store.location(&record.key()), self.inner.now())
    }

    /// An access token that is valid for at least this long, as far as is known. Refreshes it if it must; never asks a
    /// person. A token that is bound to a key (DPoP) is of no use without the key.
    ///
    /// # Errors
    ///
    /// [`OAuthError::LoginNeeded`], and those of a refresh.
    pub async fn access_token(&self, url: &str, at_least: Duration) -> Result<Secret, OAuthError> {
        let resource = self.shared(url)?;
        let record = resource.load(&self.inner).await?;
        let needed = |why: Option<&str>| OAuthError::LoginNeeded {
            resource: resource.endpoint.shown(),
            why: why.map(str::to_owned),
        };
        let record = match record {
            Some(record) if record.is_valid(self.inner.now(), at_least) => record,
            Some(record) if record.refresh_token.is_some() => {
                resource.fly(&self.inner, Job::Refresh { old: record }).await?
            }
            _ if !self.inner.settings.grant.is_interactive() => {
                let demand = self.challenge(&resource.endpoint).await?.demand;
                let job = Job::Login { demand, purpose: Purpose::Login(None), person: None, forced: false };
                resource.fly(&self.inner, job).await?
            }
            Some(_) => return Err(needed(Some("the token has expired and cannot be refreshed"))),
            None => return Err(needed(None)),
        };
        record.access_token.clone().ok_or_else(|| needed(None))
    }

    /// Revokes the tokens for this endpoint, if the server offers that, and removes them; with `forget_client` also the
    /// registration at their issuer.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Store`]. A failed revocation is in the report.
    pub async fn logout(&self, url: &str, forget_client: bool) -> Result<LogoutReport, OAuthError> {
        let resource = self.shared(url)?;
        let _lock = self.inner.store.lock(&resource.key()).await.map_err(store)?;
        let mut report = LogoutReport::default();
        let Some(record) = resource.load(&self.inner).await? else { return Ok(report) };
        let plan = RefreshPlan {
            endpoint: resource.endpoint.clone(),
            settings: self.inner.settings.clone(),
            record: TokenRecord::clone(&record),
            nonces: self.inner.nonces.clone(),
        };
        match self.inner.drive(Machine::new(|io| revoke(io, plan)), &resource.endpoint, None).await {
            Ok(revoked) => report.revoked = revoked,
            Err(error) => report.revocation_error = Some(error.to_string()),
        }
        let stored = Stored::Token(TokenRecord::clone(&record));
        report.removed = self.inner.store.remove_if(&resource.key(), &stored).await.map_err(store)?;
        resource.adopt(None);
        if forget_client {
            let key = Key::Client { issuer: record.issuer.clone() };
            if let Some(client) = self.inner.store.load(&key).await.map_err(store)? {
                report.client_removed = self.inner.store.remove_if(&key, &client).await.map_err(store)?;
            }
        }
        Ok(report)
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("profile", &self.inner.profile).finish_non_exhaustive()
    }
}

pub(super) fn store(error: StoreError) -> OAuthError {
    OAuthError::Store { why: error.to_string() }
}
