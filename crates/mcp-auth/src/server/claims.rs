//! What a verified token says, against what this server expects. Pure.

use std::time::{Duration, SystemTime};

use mcp_core::message::RawJson;
use mcp_core::transport::Identity;
use serde::Deserialize;
use serde_json::Value;

use crate::metadata::same_issuer;

/// Why a token is not accepted. Shown to clients; repeats nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the token cannot be read")]
    Unreadable,
    #[error("the token's type is not that of an access token")]
    Type,
    #[error("the token is signed with an algorithm that is not allowed")]
    Algorithm,
    #[error("the token is signed with an unknown key")]
    Key,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token's issuer is not trusted")]
    Issuer,
    #[error("the token is not meant for this server")]
    Audience,
    #[error("the token has no expiry")]
    NoExpiry,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token names neither a subject nor a client")]
    NoSubject,
    #[error("the token is bound to a key that the request does not prove")]
    Bound,
    #[error("the token is not active")]
    Inactive,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    /// The configured resource, and other audiences that mean it.
    pub(super) audiences: &'a [String],
    pub(super) leeway: Duration,
    /// The SHA-256 of the client's certificate in base64url.
    pub(super) certificate: Option<&'a str>,
    pub(super) now: SystemTime,
}

/// The claims that are read. Duplicate members are refused.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    pub(super) iss: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Option<OneOrMany>,
    #[serde(default)]
    exp: Option<f64>,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    scope: Option<OneOrMany>,
    /// Entra and Okta.
    #[serde(default)]
    scp: Option<OneOrMany>,
    #[serde(default)]
    client_id: Option<String>,
    /// OpenID Connect.
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    cnf: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn contains(&self, wanted: impl Fn(&str) -> bool) -> bool {
        match self {
            OneOrMany::One(text) => wanted(text),
            OneOrMany::Many(list) => list.iter().any(|text| wanted(text)),
        }
    }

    /// Scopes: a text separated by spaces, or a list.
    fn scopes(&self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
            OneOrMany::Many(list) => list.clone(),
        }
    }
}

impl Claims {
    pub(super) fn parse(payload: &[u8]) -> Result<Claims, Refused> {
        serde_json::from_slice(payload).map_err(|_| Refused::Unreadable)
    }

    /// The caller that a JWT names.
    // AU-S-06, AU-S-10, AU-S-11.
    pub(super) fn of_jwt(self, payload: &[u8], expected: &Expected<'_>) -> Result<Identity, Refused> {
        if self.iss.as_deref() != Some(expected.issuer) {
            return Err(Refused::Issuer);
        }
        if self.exp.is_none() {
            return Err(Refused::NoExpiry);
        }
        self.caller(payload, expected)
    }

    /// The caller that an introspection names.
    // AU-S-08.
    pub(super) fn of_introspection(
        self,
        answer: &[u8],
        expected: &Expected<'_>,
    ) -> Result<Identity, Refused> {
        if self.active != Some(true) {
            return Err(Refused::Inactive);
        }
        if self.iss.as_deref().is_some_and(|issuer| issuer != expected.issuer) {
            return Err(Refused::Issuer);
        }
        self.caller(answer, expected)
    }

    fn caller(self, raw: &[u8], expected: &Expected<'_>) -> Result<Identity, Refused> {
        let meant = |audience: &str| expected.audiences.iter().any(|own| same_issuer(audience, own));
        if !self.aud.is_some_and(|audiences| audiences.contains(meant)) {
            return Err(Refused::Audience);
        }
        let expires = self.exp.map(time).transpose()?;
        let expires = expires.map(|at| at.checked_add(expected.leeway).unwrap_or(at));
        if expires.is_some_and(|at| at <= expected.now) {
            return Err(Refused::Expired);
        }
        let latest = expected.now.checked_add(expected.leeway).unwrap_or(expected.now);
        for from in [self.nbf, self.iat].into_iter().flatten() {
            if time(from)? > latest {
                return Err(Refused::NotYet);
            }
        }
        check_binding(self.cnf.as_ref(), expected.certificate)?;
        let client = self.client_id.or(self.azp);
        let subject = self.sub.unwrap_or_default();
        if subject.is_empty() && client.is_none() {
            return Err(Refused::NoSubject);
        }
        let scopes = self.scope.or(self.scp).map_or_else(Vec::new, |scopes| scopes.scopes());
        let mut identity = Identity::new(subject).with_issuer(expected.issuer).with_scopes(scopes);
        identity.client = client;
        identity.expires = expires;
        identity.claims = RawJson::parse(raw.to_vec()).ok();
        Ok(identity)
    }
}

/// Seconds since the epoch, which may have a fraction.
fn time(seconds: f64) -> Result<SystemTime, Refused> {
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| Refused::Unreadable)?;
    SystemTime::UNIX_EPOCH.checked_add(since).ok_or(Refused::Unreadable)
}

/// A token that is bound to a key is not a bearer token. A certificate is compared; proofs by DPoP are not supported.
// AU-S-13.
fn check_binding(confirmation: Option<&Value>, certificate: Option<&str>) -> Result<(), Refused> {
    let Some(confirmation) = confirmation else { return Ok(()) };
    match confirmation.get("x5t#S256").and_then(Value::as_str) {
        Some(thumbprint) if Some(thumbprint) == certificate && confirmation.get("jkt").is_none() => Ok(()),
        _ => Err(Refused::Bound),
    }
}
