//! What is kept: registrations and tokens, with the key under which a store files them.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_http::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scopes::Scopes;
use super::token::TokenType;

/// Under what a [`Stored`] is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// The registration at an issuer.
    Client {
        /// The `issuer` of the authorization server metadata.
        issuer: String,
    },
    /// The issuer to which a client that was registered beforehand is bound.
    Binding {
        /// The client's id.
        client_id: String,
    },
    /// The tokens for an MCP endpoint.
    Token {
        /// The endpoint.
        endpoint: String,
        /// The profile; `default` unless the application names one.
        profile: String,
    },
}

/// What a store keeps. Serialized by serde; `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stored {
    /// For [`Key::Client`] and [`Key::Binding`].
    Client(ClientRecord),
    /// For [`Key::Token`].
    Token(TokenRecord),
}

/// A client at one issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientRecord {
    /// The issuer.
    pub issuer: String,
    /// The id that it gave.
    pub client_id: String,
    /// The secret, if it gave one.
    #[serde(default, with = "secret", skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// `token_endpoint_auth_method`, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// The redirect URI that was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// When the secret expires, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires: Option<u64>,
}

/// Tokens for one MCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenRecord {
    /// The MCP endpoint.
    pub endpoint: String,
    /// The profile.
    pub profile: String,
    /// The issuer that the tokens are from.
    pub issuer: String,
    /// What was sent as `resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The client that the tokens were given to.
    pub client_id: String,
    /// How they were obtained, such as `authorization_code`.
    pub grant: String,
    /// The access token; `None` once it was refused for good.
    #[serde(default, with = "secret", skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// `Bearer` or `DPoP`.
    pub token_type: String,
    /// The refresh token.
    #[serde(default, with = "secret", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When it was obtained, in milliseconds since 1970.
    pub obtained: u64,
    /// When the access token expires, in milliseconds since 1970; `None` if the server did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// The scopes that were requested, including step-ups.
    #[serde(default)]
    pub scopes_asked: Vec<String>,
    /// The scopes of the token.
    #[serde(default)]
    pub scopes_granted: Vec<String>,
    /// Where tokens are refreshed.
    pub token_endpoint: String,
    /// Where tokens are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The methods of client authentication that the server listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_methods: Option<Vec<String>>,
    /// When the server's metadata was read, in seconds since 1970; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_read: Option<u64>,
    /// The key of DPoP, PKCS#8 in base64url.
    #[serde(default, with = "secret", skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<Secret>,
}

impl TokenRecord {
    /// The key under which a store keeps the record.
    pub fn key(&self) -> Key {
        Key::Token { endpoint: self.endpoint.clone(), profile: self.profile.clone() }
    }

    /// When the access token expires, if the server said so.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires.and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)))
    }

    /// Whether there is an access token that stays valid for at least this long, as far as is known.
    pub fn is_valid(&self, now: SystemTime, at_least: Duration) -> bool {
        let lives = |at: SystemTime| at.duration_since(now).is_ok_and(|left| left > at_least);
        self.access_token.is_some() && self.expires_at().is_none_or(lives)
    }

    /// Less is left than 30 seconds or half of the token's life, whichever is shorter.
    // AU-C-50.
    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        let Some(expires) = self.expires else { return false };
        let life = Duration::from_millis(expires.saturating_sub(self.obtained));
        !self.is_valid(now, (life / 2).min(Duration::from_secs(30)))
    }

    pub(crate) fn token_type(&self) -> TokenType {
        TokenType::named(&self.token_type).unwrap_or(TokenType::Bearer)
    }

    /// The value of `Authorization`.
    pub(crate) fn authorization(&self) -> Option<Secret> {
        let token = self.access_token.as_ref()?;
        Some(Secret::from(format!("{} {}", self.token_type().scheme(), token.expose())))
    }

    pub(crate) fn granted(&self) -> Scopes {
        Scopes::of(&self.scopes_granted)
    }

    pub(crate) fn asked(&self) -> Scopes {
        Scopes::of(&self.scopes_asked)
    }

    /// The same tokens: what compare-and-swap in a store compares.
    pub fn same_tokens(&self, other: &TokenRecord) -> bool {
        self.access_token == other.access_token && self.refresh_token == other.refresh_token
    }
}

/// Milliseconds since 1970.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    millis(time) / 1000
}

impl fmt::Display for Key {
    /// For people, without queries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Client { issuer } => write!(f, "the client at {issuer}"),
            Key::Binding { client_id } => write!(f, "the client {client_id}"),
            Key::Token { endpoint, profile } => {
                let endpoint = endpoint.split('?').next().unwrap_or_default();
                write!(f, "the tokens for {endpoint} (profile {profile})")
            }
        }
    }
}

mod secret {
    //! Secrets in stored records.

    use super::{Deserialize, Deserializer, Secret, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Option<Secret>, to: S) -> Result<S::Ok, S::Error> {
        // The one way into a file, which only its owner can read.
        secret.as_ref().map(Secret::expose).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Secret::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::store::tests::token;

    // AU-C-50: 30 seconds, or half of the life of a short token.
    #[test]
    fn when_a_token_is_due() {
        let obtained = UNIX_EPOCH + Duration::from_secs(1000);
        for (life, age, due) in [
            (3600, 3569, false),
            (3600, 3571, true),
            (3600, 4000, true),
            (40, 19, false),
            (40, 21, true),
            (2, 0, false),
            (2, 2, true),
            (0, 0, true),
        ] {
            let expires = Some(millis(obtained + Duration::from_secs(life)));
            let record = TokenRecord { obtained: millis(obtained), expires, ..token("a", "r") };
            assert_eq!(record.is_due(obtained + Duration::from_secs(age)), due, "{life} {age}");
        }
        // Without a time only a refusal tells.
        let record = TokenRecord { expires: None, ..token("a", "r") };
        assert!(!record.is_due(obtained) && record.is_valid(obtained, Duration::MAX));
        assert!(!token("a", "r").is_valid(SystemTime::now(), Duration::MAX));
    }
}
