//! Grants by assertion: an enterprise's identity provider, and a workload's platform.

use std::sync::Arc;

use mcp_http::Secret;
use serde_json::Value;

use super::super::client_auth::Client;
use super::super::error::{FlowStep, OAuthError};
use super::super::settings::{Assertions, IdentityProvider};
use super::super::token::TokenAnswer;
use super::login::Session;
use super::{registration, tokens};
use crate::jose;
use crate::urls::WebUrl;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// Exchanges an ID token at the identity provider, and uses the result at the authorization server.
// AU-X-03.
pub(super) async fn enterprise(
    session: &Session<'_>,
    provider: &IdentityProvider,
) -> Result<(Client, TokenAnswer), OAuthError> {
    let client = registration::given(session).await?;
    let issuer = &session.server.metadata.issuer;
    let id_token = session.io.assertion(provider.id_token.clone(), issuer).await?;
    let step = FlowStep::TokenExchange;
    // The application names it, so it may be anywhere; only the connection has to be private.
    let endpoint = WebUrl::parse(&provider.token_endpoint)
        .ok()
        .filter(|url| url.is_https() || url.is_loopback())
        .ok_or_else(|| OAuthError::setting("identity provider", "the token endpoint is not an https URL"))?;
    let own = Client {
        id: provider.client_id.clone(),
        secret: provider.secret.clone(),
        registered_method: None,
        key: None,
    };
    let mut fields = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", ID_JAG),
        ("subject_token", id_token.expose()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("audience", issuer),
    ];
    let scope = session.scopes.parameter();
    session.add_common(&mut fields, scope.as_deref());
    let call = tokens::Call {
        io: session.io,
        nonces: &session.plan.nonces,
        step,
        endpoint: &endpoint,
        audience: endpoint.as_str(),
        client: &own,
        methods: None,
        proof: None,
    };
    let exchanged = tokens::request(&call, &fields).await?;
    let wrong = |why: &str| OAuthError::protocol(step, why);
    if exchanged.issued_token_type.as_deref() != Some(ID_JAG) {
        return Err(wrong("the identity provider issued another type of token"));
    }
    if header_type(&exchanged.access_token).as_deref() != Some("oauth-id-jag+jwt") {
        return Err(wrong("the identity assertion has another `typ`"));
    }
    let answer = present(session, &client, &exchanged.access_token).await?;
    Ok((client, answer))
}

/// Presents a workload's JWT. An error is final.
// AU-X-04.
pub(super) async fn jwt_bearer(
    session: &Session<'_>,
    source: &Arc<dyn Assertions>,
) -> Result<(Client, TokenAnswer), OAuthError> {
    let client = registration::given(session).await?;
    let assertion = session.io.assertion(source.clone(), &session.server.metadata.issuer).await?;
    let answer = present(session, &client, &assertion).await?;
    Ok((client, answer))
}

async fn present(
    session: &Session<'_>,
    client: &Client,
    assertion: &Secret,
) -> Result<TokenAnswer, OAuthError> {
    let mut fields = vec![("grant_type", JWT_BEARER), ("assertion", assertion.expose())];
    let scope = session.scopes.parameter();
    session.add_common(&mut fields, scope.as_deref());
    tokens::request(&session.call(FlowStep::Token, client)?, &fields).await
}

/// The `typ` of a JWT, unverified.
fn header_type(token: &Secret) -> Option<String> {
    let (header, _) = token.expose().split_once('.')?;
    let header: Value = serde_json::from_slice(&jose::decode(header)?).ok()?;
    header.get("typ")?.as_str().map(str::to_owned)
}
