//! The settings of a provider.

use std::sync::Arc;
use std::time::Duration;

use mcp_http::net::{AddressPolicy, Fetch, NetConfig};

use super::oauth::{Inner, OAuth};
use crate::client::dpop::Nonces;
use crate::client::person::Person;
use crate::client::scopes::Scopes;
use crate::client::settings::{AssertionAudience, Grant, Registration, ResourceParameter, Settings};
use crate::client::store::{CredentialStore, MemoryStore};
use crate::lock::Lock;

/// Builds an [`OAuth`]. Every setting has a default.
#[must_use]
pub struct OAuthBuilder {
    settings: Settings,
    store: Arc<dyn CredentialStore>,
    person: Option<Arc<dyn Person>>,
    profile: String,
    net: NetConfig,
    allow_private: bool,
    login_timeout: Duration,
}

impl Default for OAuthBuilder {
    fn default() -> OAuthBuilder {
        OAuthBuilder {
            settings: Settings::default(),
            store: Arc::new(MemoryStore::new()),
            person: None,
            profile: "default".to_owned(),
            net: NetConfig::default(),
            allow_private: false,
            login_timeout: Duration::from_secs(300),
        }
    }
}

impl OAuthBuilder {
    /// The name of the application, shown to people when they log in. The default is `MCP client`.
    pub fn client_name(mut self, name: impl Into<String>) -> OAuthBuilder {
        self.settings.client_name = name.into();
        self
    }

    /// The application's id and version, sent with dynamic registrations. The default sends neither.
    pub fn software(mut self, id: impl Into<String>, version: impl Into<String>) -> OAuthBuilder {
        self.settings.software = Some((id.into(), version.into()));
        self
    }

    /// Who the application is to authorization servers. The default registers dynamically.
    pub fn client(mut self, registration: Registration) -> OAuthBuilder {
        self.settings.registration = registration;
        self
    }

    /// How tokens are obtained. The default is a login with a browser.
    pub fn grant(mut self, grant: Grant) -> OAuthBuilder {
        self.settings.grant = grant;
        self
    }

    /// The scopes to ask for where neither the server's challenge nor its metadata names any. None by default.
    pub fn scopes<T: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = T>) -> OAuthBuilder {
        self.settings.scopes = Scopes::of(scopes);
        self
    }

    /// Where registrations and tokens are kept. The default forgets them with the process.
    pub fn store(mut self, store: impl CredentialStore) -> OAuthBuilder {
        self.store = Arc::new(store);
        self
    }

    /// Lets requests start a login with this person. Without it they fail with
    /// [`OAuthError::LoginNeeded`](crate::client::OAuthError::LoginNeeded), and the application calls [`OAuth::login`].
    ///
    /// The time limits of the waiting call run on; the login goes on in a task, and the next request joins it. For the
    /// first request, raise the client's start timeout.
    pub fn interactive(mut self, person: impl Person) -> OAuthBuilder {
        self.person = Some(Arc::new(person));
        self
    }

    /// Which of several identities at one server is meant. The default is `default`.
    pub fn profile(mut self, profile: impl Into<String>) -> OAuthBuilder {
        self.profile = profile.into();
        self
    }

    /// TLS, proxies and timeouts of requests to authorization servers: usually those of the HTTP client.
    pub fn net(mut self, net: NetConfig) -> OAuthBuilder {
        self.net = net;
        self
    }

    /// Also connect to authorization servers at private addresses when the MCP server is at a public one. Off by
    /// default: a hostile server could name hosts behind a firewall. Through a proxy, no address is checked.
    pub fn allow_private(mut self, allow: bool) -> OAuthBuilder {
        self.allow_private = allow;
        self
    }

    /// How long a login waits for the person. 5 minutes by default.
    pub fn login_timeout(mut self, limit: Duration) -> OAuthBuilder {
        self.login_timeout = limit;
        self
    }

    /// What is sent as `resource`. The default is the identifier that the server publishes.
    pub fn resource_parameter(mut self, parameter: ResourceParameter) -> OAuthBuilder {
        self.settings.resource = parameter;
        self
    }

    /// Go on with authorization servers that do not announce PKCE with S256, such as Entra ID. Off by default, as the
    /// specification demands.
    pub fn assume_pkce(mut self, assume: bool) -> OAuthBuilder {
        self.settings.assume_pkce = assume;
        self
    }

    /// Bind tokens to a key (DPoP) where the authorization server offers it. On by default.
    pub fn dpop(mut self, enabled: bool) -> OAuthBuilder {
        self.settings.dpop = enabled;
        self
    }

    /// Ask for refresh tokens, by `offline_access` where it is offered. On by default.
    pub fn refresh_tokens(mut self, wanted: bool) -> OAuthBuilder {
        self.settings.refresh_tokens = wanted;
        self
    }

    /// Also store a client that was registered beforehand, its secret included, as if it had been registered by this
    /// program: later programs that share the store need not be given it. Off by default.
    pub fn keep_client(mut self, keep: bool) -> OAuthBuilder {
        self.settings.keep_client = keep;
        self
    }

    /// Treat a server without any metadata as its own authorization server, as 2025-03-26 did. On by default.
    pub fn legacy_fallback(mut self, enabled: bool) -> OAuthBuilder {
        self.settings.legacy_fallback = enabled;
        self
    }

    /// The audience of client assertions. The default is the issuer.
    pub fn assertion_audience(mut self, audience: AssertionAudience) -> OAuthBuilder {
        self.settings.assertion_audience = audience;
        self
    }

    /// The provider.
    pub fn build(self) -> OAuth {
        let addresses = if self.allow_private { AddressPolicy::Any } else { AddressPolicy::Public };
        let inner = Inner {
            settings: Arc::new(self.settings),
            store: self.store,
            person: self.person,
            profile: self.profile,
            fetch: Fetch::new(&self.net, addresses),
            own_fetch: Fetch::new(&self.net, AddressPolicy::Any),
            allow_private: self.allow_private,
            login_timeout: self.login_timeout,
            nonces: Arc::new(Nonces::default()),
            resources: Lock::default(),
        };
        OAuth { inner: Arc::new(inner) }
    }
}
