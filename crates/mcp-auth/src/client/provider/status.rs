//! What a provider reports about stored credentials. No token is in it.

use std::time::SystemTime;

use crate::client::record::TokenRecord;

/// What is stored for one MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The MCP endpoint.
    pub endpoint: String,
    /// The profile.
    pub profile: String,
    /// The issuer of the tokens.
    pub issuer: String,
    /// The client that they were given to.
    pub client_id: String,
    /// How they were obtained, such as `authorization_code`.
    pub grant: String,
    /// The scopes of the access token.
    pub scopes: Vec<String>,
    /// When the access token expires; `None` if the server did not say.
    pub expires: Option<SystemTime>,
    /// The access token is there and has not expired.
    pub valid: bool,
    /// There is a refresh token.
    pub refreshable: bool,
    /// The tokens are bound to a key (DPoP).
    pub bound: bool,
    /// Where they are kept: a path, or `None` for a store in memory.
    pub location: Option<String>,
}

impl Status {
    pub(super) fn of(record: &TokenRecord, location: Option<String>, now: SystemTime) -> Status {
        Status {
            endpoint: record.endpoint.clone(),
            profile: record.profile.clone(),
            issuer: record.issuer.clone(),
            client_id: record.client_id.clone(),
            grant: record.grant.clone(),
            scopes: record.scopes_granted.clone(),
            expires: record.expires_at().filter(|_| record.access_token.is_some()),
            valid: record.is_valid(now, std::time::Duration::ZERO),
            refreshable: record.refresh_token.is_some(),
            bound: record.dpop_key.is_some(),
            location,
        }
    }
}

/// What a logout did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogoutReport {
    /// Something was stored, and was removed.
    pub removed: bool,
    /// The tokens were revoked at the authorization server.
    pub revoked: bool,
    /// Why they could not be revoked, although the server offers it. They stay valid there until they expire.
    pub revocation_error: Option<String>,
    /// The registration was removed too.
    pub client_removed: bool,
}
