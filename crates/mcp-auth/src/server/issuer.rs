//! The authorization servers that are trusted, and how their tokens are checked.

use std::net::IpAddr;

use mcp_core::transport::Identity;
use mcp_http::Secret;
use mcp_http::net::{AddressClass, AddressPolicy, Fetch, NetConfig};

use super::ConfigError;
use super::claims::{Claims, Expected, Refused};
use super::introspection::{Introspector, Verdict};
use super::keys::{Authority, Unavailable};
use crate::Algorithm;
use crate::jose::{JoseError, Jws};
use crate::urls::WebUrl;

/// An authorization server that is trusted.
///
/// Its tokens are JWTs (RFC 9068), which are verified with the keys that its metadata document names. Keys are fetched when
/// the first token comes, so that a server starts without its authorization server; they are kept and replaced as
/// [`ResourceServer`](super::ResourceServer) describes. With [`Issuer::introspection`], tokens that are not JWTs are
/// accepted as well.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: String,
    jwks: Option<String>,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    strict_type: bool,
    introspection: Option<Introspection>,
    addresses: Option<AddressPolicy>,
}

impl Issuer {
    /// The authorization server with this issuer identifier, exactly as its tokens and its metadata document write it.
    pub fn new(issuer: impl Into<String>) -> Issuer {
        Issuer {
            name: issuer.into(),
            jwks: None,
            audiences: Vec::new(),
            algorithms: vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa],
            strict_type: false,
            introspection: None,
            addresses: None,
        }
    }

    /// Reads keys from this URL instead of the one in the metadata document.
    #[must_use]
    pub fn jwks(mut self, url: impl Into<String>) -> Issuer {
        self.jwks = Some(url.into());
        self
    }

    /// Also accepts tokens for this audience, for authorization servers that cannot name the resource: an application id,
    /// for example. It must mean this server and no other.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Issuer {
        self.audiences.push(audience.into());
        self
    }

    /// Accepts signatures by these algorithms only. Default: RS256, PS256, ES256 and EdDSA.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Issuer {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Accepts tokens with the header `typ: at+jwt` only. By default `JWT` and no type are accepted as well.
    #[must_use]
    pub fn only_access_tokens(mut self) -> Issuer {
        self.strict_type = true;
        self
    }

    /// Asks the authorization server about tokens that are not JWTs.
    #[must_use]
    pub fn introspection(mut self, introspection: Introspection) -> Issuer {
        self.introspection = Some(introspection);
        self
    }

    /// Sets which addresses the authorization server may have. Default: public ones; for an issuer whose host is an address
    /// or `localhost`, also those of its class.
    #[must_use]
    pub fn addresses(mut self, policy: AddressPolicy) -> Issuer {
        self.addresses = Some(policy);
        self
    }

    /// The identifier.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// How an authorization server is asked about opaque tokens (RFC 7662). `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Introspection {
    client_id: String,
    client_secret: Secret,
    endpoint: Option<String>,
}

impl Introspection {
    /// The credentials of this server at the authorization server, sent by HTTP Basic.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Introspection {
        Introspection { client_id: client_id.into(), client_secret: client_secret.into(), endpoint: None }
    }

    /// Asks at this URL instead of the one in the metadata document.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Introspection {
        self.endpoint = Some(url.into());
        self
    }
}

/// An issuer with its caches.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) name: String,
    pub(super) audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    strict_type: bool,
    authority: Authority,
    introspector: Option<Introspector>,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenError {
    Refused(Refused),
    Unavailable(Unavailable),
}

impl From<Refused> for TokenError {
    fn from(refused: Refused) -> TokenError {
        TokenError::Refused(refused)
    }
}

impl From<Unavailable> for TokenError {
    fn from(unavailable: Unavailable) -> TokenError {
        TokenError::Unavailable(unavailable)
    }
}

impl Trusted {
    pub(super) fn new(issuer: Issuer, resource: &str, net: &NetConfig) -> Result<Trusted, ConfigError> {
        let url = checked("issuer", &issuer.name)?;
        let jwks = issuer.jwks.as_deref().map(|url| checked("jwks", url)).transpose()?;
        if issuer.algorithms.is_empty() {
            return Err(ConfigError::new("algorithms", "none is allowed"));
        }
        let policy = issuer.addresses.unwrap_or_else(|| policy(&url));
        let fetch = Fetch::new(net, policy);
        let introspector = match &issuer.introspection {
            None => None,
            Some(settings) => {
                let endpoint = settings.endpoint.as_deref();
                let endpoint = endpoint.map(|url| checked("introspection endpoint", url)).transpose()?;
                let (id, secret) = (&settings.client_id, &settings.client_secret);
                Some(Introspector::new(endpoint, id, secret, fetch.clone()))
            }
        };
        let mut audiences = vec![resource.to_owned()];
        audiences.extend(issuer.audiences);
        Ok(Trusted {
            name: issuer.name,
            audiences,
            algorithms: issuer.algorithms,
            strict_type: issuer.strict_type,
            authority: Authority::new(url, jwks, fetch),
            introspector,
        })
    }

    /// Verifies a JWT of this issuer.
    // AU-S-05.
    pub(super) async fn verify(
        &self,
        jws: &Jws<'_>,
        expected: &Expected<'_>,
    ) -> Result<Identity, TokenError> {
        let header = jws.header();
        if !self.allows_type(header.typ.as_deref()) {
            return Err(Refused::Type.into());
        }
        if !Algorithm::named(&header.alg).is_some_and(|named| self.algorithms.contains(&named)) {
            return Err(Refused::Algorithm.into());
        }
        let kid = header.kid.as_deref();
        let mut missed = false;
        loop {
            let keys = self.authority.keys(kid, missed).await?;
            match jws.verify(&keys, &self.algorithms) {
                Ok(payload) => return Ok(Claims::parse(payload)?.of_jwt(payload, expected)?),
                // A key may have been replaced without another id.
                Err(JoseError::NoKey | JoseError::Signature) if !missed && kid.is_none() => missed = true,
                Err(JoseError::NoKey) => return Err(Refused::Key.into()),
                Err(JoseError::Signature) => return Err(Refused::Signature.into()),
                Err(JoseError::Algorithm) => return Err(Refused::Algorithm.into()),
                Err(_) => return Err(Refused::Unreadable.into()),
            }
        }
    }

    fn allows_type(&self, typ: Option<&str>) -> bool {
        let Some(typ) = typ else { return !self.strict_type };
        let prefix = "application/";
        let typ = match typ.split_at_checked(prefix.len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
            _ => typ,
        };
        typ.eq_ignore_ascii_case("at+jwt") || (!self.strict_type && typ.eq_ignore_ascii_case("jwt"))
    }

    /// Asks about an opaque token. `None` if this issuer cannot be asked.
    pub(super) async fn introspect(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Option<Result<Verdict, Unavailable>> {
        let introspector = self.introspector.as_ref()?;
        Some(introspector.ask(&self.authority, token, expected).await)
    }
}

/// A URL of the settings: `https`, or `http` on this machine.
fn checked(what: &'static str, text: &str) -> Result<WebUrl, ConfigError> {
    let url = WebUrl::parse(text).map_err(|why| ConfigError::new(what, why))?;
    if !url.is_https() && !url.is_loopback() {
        return Err(ConfigError::new(what, "http is allowed on this machine only"));
    }
    Ok(url)
}

/// The addresses that an issuer may have.
fn policy(issuer: &WebUrl) -> AddressPolicy {
    match issuer.host().parse::<IpAddr>() {
        Ok(address) => match AddressClass::of(address) {
            AddressClass::Public => AddressPolicy::Public,
            class => AddressPolicy::PublicAnd(class),
        },
        Err(_) if issuer.is_loopback() => AddressPolicy::PublicAnd(AddressClass::Loopback),
        Err(_) => AddressPolicy::Public,
    }
}
