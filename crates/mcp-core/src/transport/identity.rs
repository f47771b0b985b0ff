//! Who sent a message: a verified caller, and the key under which everything is kept that outlives the message.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use crate::message::RawJson;

/// A verified caller.
///
/// A transport, a middleware or a gateway puts it into the [`Envelope`](super::Envelope) of each message after it has
/// checked the caller's credentials. Handlers read it from there, whatever the transport is. It never holds the
/// credential itself.
///
/// State that outlives a message belongs to the [`Owner`], not to the whole identity: a refreshed token changes scopes
/// and expiry, and must not lose a session.
///
/// ```
/// use mcp_core::transport::{Envelope, Identity};
///
/// let ada = Identity::new("ada").with_issuer("https://login.example.com").with_scopes(["tools:call"]);
/// let envelope = Envelope::default().with(ada);
/// let caller = envelope.get::<Identity>().unwrap();
/// assert!(caller.has_scope("tools:call"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user or the service: unique within `issuer` and `tenant`. May be empty if only `client` is known.
    pub subject: String,
    /// Who vouches for the subject, such as the issuer of a token. `None` if this server does.
    pub issuer: Option<String>,
    /// The organisation that the subject acts for, where one issuer serves several.
    pub tenant: Option<String>,
    /// The application that the subject uses, such as an OAuth client id.
    pub client: Option<String>,
    /// What the caller may do, in the words of the issuer.
    pub scopes: Vec<String>,
    /// When the proof of this identity expires. Long-lived streams end at that time.
    pub expires: Option<SystemTime>,
    /// All other claims of the issuer, as a JSON object.
    pub claims: Option<RawJson>,
}

impl Identity {
    /// The caller with this subject, vouched for by this server.
    pub fn new(subject: impl Into<String>) -> Identity {
        Identity {
            subject: subject.into(),
            issuer: None,
            tenant: None,
            client: None,
            scopes: Vec::new(),
            expires: None,
            claims: None,
        }
    }

    /// Sets who vouches for the subject.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Identity {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the organisation that the subject acts for.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Identity {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets the application that the subject uses.
    #[must_use]
    pub fn with_client(mut self, client: impl Into<String>) -> Identity {
        self.client = Some(client.into());
        self
    }

    /// Replaces the scopes.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Identity {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets when the proof expires.
    #[must_use]
    pub fn with_expiry(mut self, expires: SystemTime) -> Identity {
        self.expires = Some(expires);
        self
    }

    /// Sets the other claims.
    #[must_use]
    pub fn with_claims(mut self, claims: RawJson) -> Identity {
        self.claims = Some(claims);
        self
    }

    /// Whether the scopes contain this one.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    /// The key of everything that this caller owns: issuer, tenant, and the subject, or the client if there is no
    /// subject. Scopes, expiry and claims do not count.
    pub fn owner(&self) -> Owner {
        let (kind, name) = match (self.subject.as_str(), self.client.as_deref()) {
            ("", Some(client)) => ("client", client),
            (subject, _) => ("subject", subject),
        };
        Owner::of(&[
            kind,
            self.issuer.as_deref().unwrap_or_default(),
            self.tenant.as_deref().unwrap_or_default(),
            name,
        ])
    }
}

/// Shows the owner as a digest, and no claims: they may be private.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("owner", &self.owner())
            .field("client", &self.client)
            .field("scopes", &self.scopes)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The key under which sessions, streams, sealed state and shares of a [`Budget`](super::budget::Budget) are kept.
///
/// Two identities with the same issuer, tenant and subject have the same owner. Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner(Arc<str>);

impl Owner {
    /// The owner of what callers without an identity make.
    pub fn anonymous() -> Owner {
        static ANONYMOUS: LazyLock<Owner> = LazyLock::new(|| Owner::of(&["anonymous"]));
        ANONYMOUS.clone()
    }

    /// Callers without an identity at this address. A key for shares of a budget only: an address proves nothing, so
    /// it must not own sessions.
    pub fn at_address(address: IpAddr) -> Owner {
        Owner::of(&["address", &address.to_canonical().to_string()])
    }

    /// The owner of the messages with this envelope.
    pub fn of_envelope(envelope: &super::Envelope) -> Owner {
        envelope.get::<Identity>().map_or_else(Owner::anonymous, Identity::owner)
    }

    /// The key as bytes: the same in every process and every release, for state that is kept or sealed elsewhere. It
    /// holds the names of the caller in plain text.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Each part with its length, so that no two lists of parts make the same key.
    fn of(parts: &[&str]) -> Owner {
        let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
        for part in parts {
            key.push_str(&part.len().to_string());
            key.push(':');
            key.push_str(part);
        }
        Owner(key.into())
    }

    /// A short number that tells owners apart in logs. Not a secret: who can guess a subject can compute it.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }
}

/// Shows the digest instead of the names.
impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:016x})", self.digest())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ada() -> Identity {
        Identity::new("ada").with_issuer("https://login.test").with_tenant("acme")
    }

    #[test]
    fn a_refreshed_token_keeps_its_owner() {
        let later = ada()
            .with_scopes(["more"])
            .with_expiry(SystemTime::UNIX_EPOCH + Duration::from_secs(9))
            .with_claims(RawJson::EMPTY_OBJECT)
            .with_client("another app");
        assert_ne!(later, ada());
        assert_eq!(later.owner(), ada().owner());
    }

    #[test]
    fn every_part_of_the_key_tells_owners_apart() {
        let mut owners = vec![
            ada().owner(),
            ada().with_tenant("other").owner(),
            ada().with_issuer("https://evil.test").owner(),
            Identity::new("ada").owner(),
            Identity::new("").with_client("ada").owner(),
            Identity::new("bob").owner(),
            // Parts that would run together without their lengths.
            Identity::new("a").with_tenant("bc").owner(),
            Identity::new("c").with_tenant("ab").owner(),
            Owner::anonymous(),
            Identity::new("anonymous").owner(),
            Owner::at_address([127, 0, 0, 1].into()),
        ];
        let all = owners.len();
        owners.sort_by_key(Owner::digest);
        owners.dedup();
        assert_eq!(owners.len(), all);
    }

    /// States that one release has sealed or kept are found by the next one.
    #[test]
    fn the_bytes_of_an_owner_are_fixed() {
        assert_eq!(ada().owner().as_bytes(), b"7:subject18:https://login.test4:acme3:ada");
        assert_eq!(Owner::anonymous().as_bytes(), b"9:anonymous");
    }

    #[test]
    fn an_address_mapped_into_ipv6_is_the_same_address() {
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(Owner::at_address(mapped), Owner::at_address([192, 0, 2, 7].into()));
    }

    #[test]
    fn debug_shows_no_names_and_no_claims() {
        let claims = RawJson::parse(r#"{"email":"ada@canary.test"}"#).unwrap();
        let shown = format!("{:?} {:?}", ada().with_claims(claims), ada().owner());
        assert!(!shown.contains("canary") && !shown.contains("\"ada\""), "{shown}");
    }
}
