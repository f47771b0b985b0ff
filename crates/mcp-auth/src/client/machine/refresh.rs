//! Refreshing and revoking tokens.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::super::client_auth::Client;
use super::super::dpop::{Nonces, ProofKey};
use super::super::error::{FlowStep, OAuthError};
use super::super::record::{Key, TokenRecord, millis, seconds};
use super::super::settings::{Given, Settings};
use super::super::token::{self, TokenType};
use super::login::{Demand, Plan, Purpose};
use super::{Io, discovery, registration, tokens};
use crate::metadata::same_issuer;
use crate::urls::WebUrl;

/// How long metadata is believed.
const METADATA_LIFE: Duration = Duration::from_secs(24 * 3600);

/// What a refresh knows.
#[derive(Clone, Debug)]
pub(crate) struct RefreshPlan {
    pub(crate) endpoint: WebUrl,
    pub(crate) settings: Arc<Settings>,
    pub(crate) record: TokenRecord,
    pub(crate) nonces: Arc<Nonces>,
}

/// Refreshes the tokens of a record.
///
/// # Errors
///
/// [`OAuthError::Refused`] with `invalid_grant` if the refresh token is used up.
// AU-C-51.
pub(crate) async fn refresh(io: Io, plan: RefreshPlan) -> Result<TokenRecord, OAuthError> {
    let step = FlowStep::Refresh;
    let mut record = plan.record.clone();
    let read = record.metadata_read.map(Duration::from_secs);
    let age = read.map(|read| Duration::from_secs(seconds(io.now())).saturating_sub(read));
    // AU-C-15.
    if age.is_some_and(|age| age > METADATA_LIFE) {
        learn(&io, &plan, &mut record).await?;
    }
    let mut outcome = once(&io, &plan, &record).await;
    if matches!(outcome, Err(OAuthError::Status { status: StatusCode::NOT_FOUND, .. })) {
        learn(&io, &plan, &mut record).await?;
        outcome = once(&io, &plan, &record).await;
    }
    let answer = outcome?;
    if answer.token_type == TokenType::NotApplicable
        || (answer.token_type == TokenType::Dpop) != record.dpop_key.is_some()
    {
        return Err(OAuthError::protocol(step, "the new token is of another type"));
    }
    let now = io.now();
    record.access_token = Some(answer.access_token);
    record.token_type = answer.token_type.scheme().to_owned();
    if answer.refresh_token.is_some() {
        record.refresh_token = answer.refresh_token;
    }
    if let Some(scopes) = answer.scope {
        record.scopes_granted = scopes.to_vec();
    }
    record.obtained = millis(now);
    record.expires = answer.expires_in.map(|life| millis(now + life));
    Ok(record)
}

async fn once(io: &Io, plan: &RefreshPlan, record: &TokenRecord) -> Result<token::TokenAnswer, OAuthError> {
    let step = FlowStep::Refresh;
    let missing = || OAuthError::protocol(step, "no refresh token is stored");
    let refresh_token = record.refresh_token.as_ref().ok_or_else(missing)?;
    let client = client(io, &plan.settings, record).await?;
    let endpoint = discovery::endpoint(&plan.endpoint, step, Some(&record.token_endpoint), "token_endpoint")?;
    let proof = record.dpop_key.as_ref().map(ProofKey::from_stored).transpose()?;
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    if let Some(resource) = &record.resource {
        fields.push(("resource", resource));
    }
    let call = tokens::Call {
        io,
        nonces: &plan.nonces,
        step,
        endpoint: &endpoint,
        audience: tokens::audience(&plan.settings, &record.issuer, &endpoint),
        client: &client,
        methods: record.auth_methods.as_deref(),
        proof: proof.as_ref(),
    };
    let outcome = tokens::request(&call, &fields).await;
    // AU-C-54.
    if outcome.as_ref().is_err_and(|error| error.code() == Some("invalid_client")) {
        let key = Key::Client { issuer: record.issuer.clone() };
        if let Some(kept) = io.load(key.clone()).await?.filter(|kept| kept.client_id == client.id) {
            io.forget(key, kept).await?;
        }
    }
    outcome
}

/// Reads the issuer's metadata again.
async fn learn(io: &Io, plan: &RefreshPlan, record: &mut TokenRecord) -> Result<(), OAuthError> {
    let discovery_plan = Plan {
        endpoint: plan.endpoint.clone(),
        profile: record.profile.clone(),
        settings: plan.settings.clone(),
        demand: Demand::default(),
        known: None,
        purpose: Purpose::Login(None),
        nonces: plan.nonces.clone(),
    };
    let server = discovery::metadata(io, &discovery_plan, &record.issuer, false, io.now()).await?;
    let metadata = server.metadata;
    if let Some(endpoint) = metadata.token_endpoint {
        record.token_endpoint = endpoint;
    }
    record.revocation_endpoint = metadata.revocation_endpoint;
    record.auth_methods = metadata.token_endpoint_auth_methods_supported;
    record.metadata_read = Some(seconds(io.now()));
    Ok(())
}

/// The client that the tokens were given to.
// AU-C-21: never another one, and never at another issuer.
async fn client(io: &Io, settings: &Settings, record: &TokenRecord) -> Result<Client, OAuthError> {
    let given = settings.registration.given.as_ref().filter(|given| given.id == record.client_id);
    let here = |given: &&Given| given.issuer.as_ref().is_none_or(|own| same_issuer(own, &record.issuer));
    if let Some(given) = given.filter(here) {
        return Ok(registration::from_given(given));
    }
    let kept = io.load(Key::Client { issuer: record.issuer.clone() }).await?;
    if let Some(kept) = kept.filter(|kept| kept.client_id == record.client_id) {
        return Ok(registration::from_record(&kept));
    }
    // A client without a secret: a metadata document, or a registration that the store has removed.
    Ok(Client { id: record.client_id.clone(), secret: None, registered_method: None, key: None })
}

/// Revokes the tokens of a record (RFC 7009): the refresh token first. `false` if the server cannot.
pub(crate) async fn revoke(io: Io, plan: RefreshPlan) -> Result<bool, OAuthError> {
    let step = FlowStep::Revocation;
    let record = &plan.record;
    let Some(named) = &record.revocation_endpoint else { return Ok(false) };
    let endpoint = discovery::endpoint(&plan.endpoint, step, Some(named), "revocation_endpoint")?;
    let client = client(&io, &plan.settings, record).await?;
    let tokens = [(&record.refresh_token, "refresh_token"), (&record.access_token, "access_token")];
    for (token, hint) in tokens {
        let Some(token) = token else { continue };
        let call = tokens::Call {
            io: &io,
            nonces: &plan.nonces,
            step,
            endpoint: &endpoint,
            audience: tokens::audience(&plan.settings, &record.issuer, &endpoint),
            client: &client,
            methods: record.auth_methods.as_deref(),
            proof: None,
        };
        let answer = tokens::send(&call, &[("token", token.expose()), ("token_type_hint", hint)]).await?;
        match token::error(step, answer.status, token::object(&answer.body).as_ref()) {
            // Tokens that the server does not keep cannot be revoked; RFC 7009, section 2.2.1.
            Some(error) if error.code() == Some("unsupported_token_type") => {}
            Some(error) => return Err(error),
            None => {}
        }
    }
    Ok(true)
}
