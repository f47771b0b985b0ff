//! Carries out what a machine wants done.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use mcp_http::net::{AddressClass, AddressPolicy, Fetch, FetchLimits};
use mcp_http::{ConnectFailure, HttpError};

use super::oauth::{Inner, store};
use crate::client::callback::Parameters;
use crate::client::error::{FlowStep, OAuthError};
use crate::client::loopback::Loopback;
use crate::client::machine::{
    Action, Answer, AuthorizationRequest, Machine, Outgoing, Reply, RequestKind, Step,
};
use crate::client::person::Person;
use crate::client::record::Stored;
use crate::client::settings::Grant;
use crate::urls::WebUrl;

/// The limits of a metadata document.
const METADATA: FetchLimits = FetchLimits::new(256 << 10, Duration::from_secs(10));
/// The limits of all other answers.
const CREDENTIALS: FetchLimits = FetchLimits::new(1 << 20, Duration::from_secs(30));
/// Redirected URLs with a wrong `state` before a login is given up.
const MOST_WRONG: usize = 50;

impl Inner {
    /// Runs a machine to its end.
    pub(super) async fn drive<T>(
        &self,
        mut machine: Machine<T>,
        endpoint: &WebUrl,
        person: Option<Arc<dyn Person>>,
    ) -> Result<T, OAuthError> {
        let mut driver = Driver { inner: self, endpoint, person, listener: None, fetch: None };
        let mut step = machine.start(self.now());
        loop {
            match step {
                Step::Done(outcome) => return outcome,
                Step::Do(action) => {
                    let reply = driver.run(action).await.unwrap_or_else(Reply::Failed);
                    step = machine.reply(reply, self.now());
                }
            }
        }
    }
}

struct Driver<'a> {
    inner: &'a Inner,
    endpoint: &'a WebUrl,
    person: Option<Arc<dyn Person>>,
    listener: Option<Loopback>,
    /// For URLs from untrusted documents, once the class of the endpoint's address is known.
    fetch: Option<Fetch>,
}

impl Driver<'_> {
    async fn run(&mut self, action: Action) -> Result<Reply, OAuthError> {
        let kept = &self.inner.store;
        match action {
            Action::Send(request) => self.send(request).await.map(Reply::Answer),
            Action::Load(key) => match kept.load(&key).await.map_err(store)? {
                Some(Stored::Client(record)) => Ok(Reply::Client(Some(record))),
                _ => Ok(Reply::Client(None)),
            },
            Action::Keep(key, record) => {
                if let Err(error) = kept.save(&key, &Stored::Client(record)).await {
                    tracing::warn!(%error, "the registration is not saved");
                }
                Ok(Reply::Done)
            }
            Action::Forget(key, record) => {
                kept.remove_if(&key, &Stored::Client(record)).await.map_err(store)?;
                Ok(Reply::Done)
            }
            Action::Listen(registered) => {
                let Grant::AuthorizationCode(redirect) = &self.inner.settings.grant else {
                    return Err(OAuthError::setting("grant", "it has no redirect"));
                };
                let (uri, listener) = Loopback::bind(redirect, registered.as_deref()).await?;
                self.listener = listener;
                Ok(Reply::Redirect(uri))
            }
            Action::Authorize(request) => {
                let limit = self.inner.login_timeout;
                let waited = tokio::time::timeout(limit, self.authorize(&request)).await;
                let late = |_| OAuthError::not_completed(format!("no answer within {limit:?}"));
                let redirected = waited.map_err(late)??;
                Ok(Reply::Callback(Parameters::parse(&redirected)))
            }
            Action::Show(code) => {
                self.person()?.show_code(&code).await.map_err(OAuthError::not_completed)?;
                Ok(Reply::Done)
            }
            Action::Wait(time) => {
                tokio::time::sleep(time).await;
                Ok(Reply::Done)
            }
            Action::Assert(source, issuer) => {
                let given = source.assertion(&issuer).await;
                given.map(Reply::Assertion).map_err(|why| OAuthError::setting("identity assertion", why))
            }
        }
    }

    fn person(&self) -> Result<Arc<dyn Person>, OAuthError> {
        self.person.clone().ok_or_else(|| OAuthError::not_completed("no person can be asked"))
    }

    /// Lets the person log in; the first answer that belongs to the request counts.
    async fn authorize(&self, request: &AuthorizationRequest) -> Result<String, OAuthError> {
        let person = self.person()?;
        let asked = async {
            person.open(request).await.map_err(OAuthError::not_completed)?;
            for _ in 0..MOST_WRONG {
                let redirected = person.redirected(request).await.map_err(OAuthError::not_completed)?;
                if request.is_answered_by(&redirected) {
                    return Ok(redirected);
                }
            }
            Err(OAuthError::not_completed("too many answers with a wrong `state`"))
        };
        match &self.listener {
            None => asked.await,
            Some(listener) => tokio::select! {
                redirected = listener.redirected(request) => redirected,
                redirected = asked => redirected,
            },
        }
    }

    async fn send(&mut self, request: Outgoing) -> Result<Answer, OAuthError> {
        let limits = if request.kind == RequestKind::Metadata { METADATA } else { CREDENTIALS };
        let fetch = self.fetch_for(&request.url).await.with_limits(limits);
        tracing::debug!(request = ?request, "asking an authorization server");
        let mut sent = Request::builder().method(request.method.clone()).uri(request.uri());
        if let Some(headers) = sent.headers_mut() {
            *headers = request
                .header_map()
                .map_err(|_| OAuthError::setting("client", "characters that no header can hold"))?;
        }
        let body = request.body_text().unwrap_or_default().to_owned();
        let sent =
            sent.body(body.into()).map_err(|error| OAuthError::setting("request", error.to_string()))?;
        let response = fetch.fetch(sent).await.map_err(|error| failed(&request.url, error))?;
        let (head, body) = response.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// What may be connected to for this URL.
    // AU-C-71, AU-C-72.
    async fn fetch_for(&mut self, url: &WebUrl) -> Fetch {
        let named_by_application = matches!(&self.inner.settings.grant,
            Grant::Enterprise(provider) if provider.token_endpoint == url.as_str());
        if url.same_origin(self.endpoint) || named_by_application {
            return self.inner.own_fetch.clone();
        }
        if let Some(fetch) = &self.fetch {
            return fetch.clone();
        }
        let fetch = match self.class().await {
            Some(class) if !self.inner.allow_private && class != AddressClass::Public => {
                self.inner.fetch.clone().with_addresses(AddressPolicy::PublicAnd(class))
            }
            _ => self.inner.fetch.clone(),
        };
        self.fetch.insert(fetch).clone()
    }

    /// The class of the endpoint's address.
    async fn class(&self) -> Option<AddressClass> {
        if let Ok(address) = self.endpoint.host().parse::<IpAddr>() {
            return Some(AddressClass::of(address));
        }
        if self.endpoint.is_loopback() {
            return Some(AddressClass::Loopback);
        }
        let mut found = tokio::net::lookup_host((self.endpoint.host(), 443)).await.ok()?;
        found.next().map(|address| AddressClass::of(address.ip()))
    }
}

fn failed(url: &WebUrl, error: HttpError) -> OAuthError {
    // The flow knows the step.
    let step = FlowStep::Token;
    let why = format!("{} cannot be reached: {error}", url.shown());
    let forbidden = matches!(&error, HttpError::Connect { kind: ConnectFailure::ForbiddenAddress, .. });
    match error {
        HttpError::Url { .. } | HttpError::TooLarge { .. } | HttpError::Setting { .. } => {
            OAuthError::protocol(step, why)
        }
        _ if forbidden => {
            let why = format!("{} is not asked: it leads to a private address", url.shown());
            OAuthError::protocol(step, why)
        }
        error => OAuthError::Unavailable { step, why, source: Some(Arc::new(error)) },
    }
}
