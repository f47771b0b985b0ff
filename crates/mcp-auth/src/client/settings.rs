//! What an application says about itself and about how it wants to log in.

use std::fmt;
use std::sync::Arc;

use mcp_core::transport::async_trait;
use mcp_http::Secret;

use super::scopes::Scopes;
use crate::jose::Algorithm;

/// What an application says about itself. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) client_name: String,
    pub(crate) software: Option<(String, String)>,
    pub(crate) registration: Registration,
    pub(crate) grant: Grant,
    pub(crate) scopes: Scopes,
    pub(crate) resource: ResourceParameter,
    pub(crate) assume_pkce: bool,
    pub(crate) dpop: bool,
    pub(crate) refresh_tokens: bool,
    pub(crate) keep_client: bool,
    pub(crate) legacy_fallback: bool,
    pub(crate) assertion_audience: AssertionAudience,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            client_name: "MCP client".to_owned(),
            software: None,
            registration: Registration::dynamic(),
            grant: Grant::AuthorizationCode(Redirect::default()),
            scopes: Scopes::default(),
            resource: ResourceParameter::Published,
            assume_pkce: false,
            dpop: true,
            refresh_tokens: true,
            keep_client: false,
            legacy_fallback: true,
            assertion_audience: AssertionAudience::Issuer,
        }
    }
}

/// Who the application is to authorization servers.
#[derive(Clone, Debug)]
pub struct Registration {
    pub(crate) given: Option<Given>,
    pub(crate) document: Option<String>,
    pub(crate) dynamic: bool,
}

/// A client that was registered beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    pub(crate) key: Option<PrivateKey>,
    pub(crate) issuer: Option<String>,
}

/// A private key for client assertions.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    pub(crate) pem: Secret,
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Registration {
    /// Registers at each authorization server when it is first needed (RFC 7591), and keeps the registration.
    pub fn dynamic() -> Registration {
        Registration { given: None, document: None, dynamic: true }
    }

    /// A client that was registered beforehand. Without [`Registration::issuer`] it is bound to the first issuer that
    /// it meets; another issuer is an error.
    pub fn preregistered(client_id: impl Into<String>) -> Registration {
        let given = Given { id: client_id.into(), secret: None, key: None, issuer: None };
        Registration { given: Some(given), document: None, dynamic: false }
    }

    /// A client whose id is the `https` URL of its metadata document. Servers that do not support this get a dynamic
    /// registration.
    pub fn metadata_document(url: impl Into<String>) -> Registration {
        Registration { given: None, document: Some(url.into()), dynamic: true }
    }

    /// The secret of a client that was registered beforehand.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<Secret>) -> Registration {
        let secret = secret.into();
        if let Some(given) = &mut self.given {
            given.secret = Some(secret);
        }
        self
    }

    /// The private key of a client that was registered beforehand, in PEM (PKCS#8), for `private_key_jwt`.
    #[must_use]
    pub fn private_key(mut self, pem: impl Into<Secret>, algorithm: Algorithm) -> Registration {
        let key = PrivateKey { pem: pem.into(), algorithm, kid: None };
        if let Some(given) = &mut self.given {
            given.key = Some(key);
        }
        self
    }

    /// The id of the private key, sent as `kid` in client assertions.
    #[must_use]
    pub fn key_id(mut self, kid: impl Into<String>) -> Registration {
        if let Some(key) = self.given.as_mut().and_then(|given| given.key.as_mut()) {
            key.kid = Some(kid.into());
        }
        self
    }

    /// The issuer at which a client was registered beforehand. It is used at no other.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Registration {
        if let Some(given) = &mut self.given {
            given.issuer = Some(issuer.into());
        }
        self
    }
}

/// How tokens are obtained.
#[derive(Clone)]
#[non_exhaustive]
pub enum Grant {
    /// A person logs in with a browser.
    AuthorizationCode(Redirect),
    /// A person logs in on another device (RFC 8628).
    Device,
    /// The client itself is authorized (`client_credentials`).
    ClientCredentials,
    /// An identity provider of an enterprise grants access: an identity assertion is exchanged there (RFC 8693), and
    /// the result is used at the authorization server.
    Enterprise(IdentityProvider),
    /// A workload presents a JWT of its platform (RFC 7523).
    JwtBearer(Arc<dyn Assertions>),
}

impl Grant {
    /// A person has to act.
    pub(crate) fn is_interactive(&self) -> bool {
        matches!(self, Grant::AuthorizationCode(_) | Grant::Device)
    }

    /// How it is called in stored records.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Grant::AuthorizationCode(_) => "authorization_code",
            Grant::Device => "device_code",
            Grant::ClientCredentials => "client_credentials",
            Grant::Enterprise(_) => "enterprise",
            Grant::JwtBearer(_) => "jwt_bearer",
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the browser is sent after the login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirect {
    /// A listener on this machine, for the time of the login.
    Loopback {
        /// `127.0.0.1` or `localhost`.
        host: String,
        /// 0 chooses a free one.
        port: u16,
        /// The path, with its `/`.
        path: String,
    },
    /// A fixed URL. The listener still runs on the given port, for tunnels; without a port, the redirected URL is what
    /// [`Person::redirected`](super::Person::redirected) returns.
    Url {
        /// What is sent as `redirect_uri`.
        url: String,
        /// The port on 127.0.0.1 that the URL leads to.
        listen: Option<u16>,
    },
}

impl Default for Redirect {
    fn default() -> Redirect {
        Redirect::Loopback { host: "127.0.0.1".to_owned(), port: 0, path: "/callback".to_owned() }
    }
}

impl Redirect {
    /// A listener on this port.
    pub fn port(port: u16) -> Redirect {
        Redirect::Loopback { host: "127.0.0.1".to_owned(), port, path: "/callback".to_owned() }
    }

    /// A fixed URL, whose redirect the application receives itself.
    pub fn url(url: impl Into<String>) -> Redirect {
        Redirect::Url { url: url.into(), listen: None }
    }
}

/// The identity provider of [`Grant::Enterprise`].
#[derive(Clone)]
pub struct IdentityProvider {
    pub(crate) token_endpoint: String,
    pub(crate) client_id: String,
    pub(crate) secret: Option<Secret>,
    pub(crate) id_token: Arc<dyn Assertions>,
}

impl IdentityProvider {
    /// The provider's token endpoint, the application's client id there, and where ID tokens come from.
    pub fn new(
        token_endpoint: impl Into<String>,
        client_id: impl Into<String>,
        id_token: impl Assertions,
    ) -> IdentityProvider {
        let (token_endpoint, client_id) = (token_endpoint.into(), client_id.into());
        IdentityProvider { token_endpoint, client_id, secret: None, id_token: Arc::new(id_token) }
    }

    /// The secret of the application at the identity provider.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<Secret>) -> IdentityProvider {
        self.secret = Some(secret.into());
        self
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A source of assertions: ID tokens, or JWTs of a workload's platform. A [`Secret`] is a source that always gives
/// itself.
#[async_trait]
pub trait Assertions: Send + Sync + 'static {
    /// An assertion that is valid now, for the authorization server with this issuer.
    ///
    /// # Errors
    ///
    /// The reason why there is none. It is shown to people.
    async fn assertion(&self, issuer: &str) -> Result<Secret, String>;
}

#[async_trait]
impl Assertions for Secret {
    async fn assertion(&self, _: &str) -> Result<Secret, String> {
        Ok(self.clone())
    }
}

/// What is sent as `resource` (RFC 8707).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceParameter {
    /// The identifier that the resource publishes, byte for byte; without metadata, the endpoint without query.
    #[default]
    Published,
    /// This text.
    Fixed(String),
    /// Nothing, for servers that refuse the parameter.
    Omitted,
}

/// The audience of client assertions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The issuer.
    #[default]
    Issuer,
    /// The token endpoint, which older servers require.
    TokenEndpoint,
}
