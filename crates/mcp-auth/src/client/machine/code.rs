//! The authorization code grant with PKCE.

use std::borrow::Cow;

use http::StatusCode;
use mcp_http::Secret;
use serde_json::Value;

use super::super::callback::Expected;
use super::super::client_auth::Client;
use super::super::error::{FlowStep, OAuthError};
use super::super::pkce::{self, Verifier};
use super::super::scopes::needs_consent;
use super::super::token::{self, TokenAnswer};
use super::login::Session;
use super::registration::{self, Use};
use super::{AuthorizationRequest, discovery, tokens};
use crate::metadata::lists;
use crate::urls::WebUrl;

/// Lets a person log in, and exchanges the code.
pub(super) async fn run(session: &Session<'_>) -> Result<(Client, TokenAnswer), OAuthError> {
    let step = FlowStep::Authorization;
    let metadata = &session.server.metadata;
    // AU-C-14. Servers of 2025-03-26 do not say what they support.
    let says = lists(&metadata.code_challenge_methods_supported, "S256");
    if !says && !session.server.legacy && !session.plan.settings.assume_pkce {
        let why = "the authorization server does not announce PKCE with S256; the setting `assume_pkce` goes on anyway";
        return Err(OAuthError::protocol(FlowStep::ServerMetadata, why));
    }
    let named = metadata.authorization_endpoint.as_ref();
    let endpoint = discovery::endpoint(&session.plan.endpoint, step, named, "authorization_endpoint")?;
    let (mut client, redirect_uri) = registration::for_person(session, Use::Browser).await?;
    let mut asked = ask(session, &endpoint, &client, &redirect_uri).await;
    // Servers on the Python SDK refuse all scopes that the client did not register, and clients that registered none.
    if asked.as_ref().is_err_and(|error| error.code() == Some("invalid_scope"))
        && let Some(other) = registration::with_scopes(session, &client, &redirect_uri).await?
    {
        client = other;
        asked = ask(session, &endpoint, &client, &redirect_uri).await;
    }
    let (code, verifier) = asked?;

    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", verifier.secret().expose()),
    ];
    session.add_common(&mut fields, None);
    let answer = tokens::request(&session.call(FlowStep::Token, &client)?, &fields).await;
    if answer.as_ref().is_err_and(|error| error.code() == Some("invalid_client")) {
        registration::forget(session, &client).await?;
    }
    answer.map(|answer| (client, answer))
}

/// Lets the person log in as this client. The code, and the verifier that goes with it.
async fn ask(
    session: &Session<'_>,
    endpoint: &WebUrl,
    client: &Client,
    redirect_uri: &str,
) -> Result<(Secret, Verifier), OAuthError> {
    let metadata = &session.server.metadata;
    // AU-C-29: one record for each login.
    let (verifier, state) = (Verifier::new()?, pkce::random()?);
    let challenge = verifier.challenge();
    let scope = session.scopes.parameter();
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", &client.id),
        ("redirect_uri", redirect_uri),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", state.expose()),
    ];
    session.add_common(&mut fields, scope.as_deref());
    if needs_consent(&session.scopes) {
        fields.push(("prompt", "consent"));
    }
    let url = if metadata.require_pushed_authorization_requests == Some(true) {
        let request_uri = push(session, client, &fields).await?;
        with_query(endpoint, &[("client_id", &client.id), ("request_uri", &request_uri)])
    } else {
        with_query(endpoint, &fields)
    };
    let expected = Expected {
        state: state.clone(),
        issuer: (!session.server.assumed).then(|| metadata.issuer.clone()),
        iss_advertised: metadata.authorization_response_iss_parameter_supported == Some(true),
    };
    let request = AuthorizationRequest {
        url,
        expected: expected.clone(),
        endpoint: session.plan.endpoint.shown(),
        scopes: session.scopes.to_vec(),
        redirect_uri: redirect_uri.to_owned(),
    };
    let code = expected.code(&session.io.authorize(request).await?)?;
    Ok((code, verifier))
}

/// The endpoint with these parameters behind its own.
// AU-C-28.
fn with_query(endpoint: &WebUrl, fields: &[(&str, &str)]) -> Secret {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        query.append_pair(name, value);
    }
    let join = match endpoint.query() {
        None => Cow::Borrowed("?"),
        Some("") => Cow::Borrowed(""),
        Some(_) => Cow::Borrowed("&"),
    };
    Secret::from(format!("{}{join}{}", endpoint.as_str(), query.finish()))
}

/// Hands the parameters over beforehand (RFC 9126), and returns the `request_uri`.
async fn push(session: &Session<'_>, client: &Client, fields: &[(&str, &str)]) -> Result<String, OAuthError> {
    let step = FlowStep::Authorization;
    let named = session.server.metadata.pushed_authorization_request_endpoint.as_ref();
    let member = "pushed_authorization_request_endpoint";
    let endpoint = discovery::endpoint(&session.plan.endpoint, step, named, member)?;
    // The client authenticates itself, which may name it.
    let fields: Vec<_> = fields.iter().filter(|(name, _)| *name != "client_id").copied().collect();
    let call = tokens::Call { endpoint: &endpoint, proof: None, ..session.call(step, client)? };
    let answer = tokens::send(&call, &fields).await?;
    let document = token::object(&answer.body);
    if let Some(error) = token::error(step, answer.status, document.as_ref()) {
        return Err(error);
    }
    let uri = document.as_ref().and_then(|document| document.get("request_uri")).and_then(Value::as_str);
    match uri {
        Some(uri) if matches!(answer.status, StatusCode::CREATED | StatusCode::OK) => Ok(uri.to_owned()),
        _ => Err(OAuthError::protocol(step, "the answer has no `request_uri`")),
    }
}
