//! Who the client is at an issuer: given, by its metadata document, registered before, or registered now.

use serde_json::{Value, json};

use super::super::client_auth::{Client, Method};
use super::super::error::{FlowStep, OAuthError};
use super::super::record::{ClientRecord, Key, seconds};
use super::super::settings::Given;
use super::super::token;
use super::login::Session;
use super::{Outgoing, discovery};
use crate::metadata::same_issuer;
use crate::urls::WebUrl;

/// The client that the application was given, for this issuer.
// AU-C-21.
pub(super) async fn given(session: &Session<'_>) -> Result<Client, OAuthError> {
    let issuer = &session.server.metadata.issuer;
    let Some(given) = &session.plan.settings.registration.given else {
        return Err(OAuthError::setting(
            "client",
            "this grant needs a client that was registered beforehand",
        ));
    };
    let elsewhere = |own: &str| {
        let why = format!("the client {} belongs to {own}, and the resource names {issuer}", given.id);
        OAuthError::setting("client", why)
    };
    match &given.issuer {
        Some(own) if same_issuer(own, issuer) => {}
        Some(own) => return Err(elsewhere(own)),
        None => {
            let key = Key::Binding { client_id: given.id.clone() };
            match session.io.load(key.clone()).await? {
                Some(bound) if same_issuer(&bound.issuer, issuer) => {}
                Some(bound) => return Err(elsewhere(&bound.issuer)),
                None => session.io.keep(key, binding(given, issuer)).await?,
            }
        }
    }
    if session.plan.settings.keep_client {
        let record = ClientRecord { secret: given.secret.clone(), ..binding(given, issuer) };
        session.io.keep(Key::Client { issuer: issuer.clone() }, record).await?;
    }
    Ok(from_given(given))
}

pub(super) fn from_given(given: &Given) -> Client {
    Client {
        id: given.id.clone(),
        secret: given.secret.clone(),
        registered_method: None,
        key: given.key.clone(),
    }
}

fn binding(given: &Given, issuer: &str) -> ClientRecord {
    ClientRecord {
        issuer: issuer.to_owned(),
        client_id: given.id.clone(),
        secret: None,
        auth_method: None,
        redirect_uri: None,
        secret_expires: None,
    }
}

pub(super) fn from_record(record: &ClientRecord) -> Client {
    Client {
        id: record.client_id.clone(),
        secret: record.secret.clone(),
        registered_method: record.auth_method.clone(),
        key: None,
    }
}

/// What a registration is to be able to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Browser,
    Device,
}

/// The client for a person's login, and the redirect URI.
// AU-C-20, the order.
pub(super) async fn for_person(session: &Session<'_>, purpose: Use) -> Result<(Client, String), OAuthError> {
    let (io, settings) = (session.io, &session.plan.settings);
    let metadata = &session.server.metadata;
    let listen = async |registered: Option<String>| match purpose {
        Use::Browser => io.listen(registered).await,
        Use::Device => Ok(String::new()),
    };
    if settings.registration.given.is_some() {
        let client = given(session).await?;
        return Ok((client, listen(None).await?));
    }
    let supported = metadata.client_id_metadata_document_supported == Some(true);
    if let Some(document) = settings.registration.document.as_ref().filter(|_| supported) {
        check_document(document)?;
        let method = Some("none".to_owned());
        let client = Client { id: document.clone(), secret: None, registered_method: method, key: None };
        return Ok((client, listen(None).await?));
    }
    let key = Key::Client { issuer: metadata.issuer.clone() };
    let kept = io.load(key.clone()).await?.filter(|kept| {
        let current = kept.secret_expires.is_none_or(|at| at == 0 || at > seconds(io.now()));
        current && same_issuer(&kept.issuer, &metadata.issuer)
    });
    let fits =
        |registered: &Option<String>, redirect: &str| registered.as_deref().is_none_or(|it| it == redirect);
    let redirect = listen(kept.as_ref().and_then(|kept| kept.redirect_uri.clone())).await?;
    if let Some(kept) = kept.filter(|kept| purpose == Use::Device || fits(&kept.redirect_uri, &redirect)) {
        return Ok((from_record(&kept), redirect));
    }
    if !settings.registration.dynamic || metadata.registration_endpoint.is_none() {
        let why =
            format!("{} offers no registration; give a client id that is registered there", metadata.issuer);
        return Err(OAuthError::setting("client", why));
    }
    let scope = settings.scopes.parameter();
    let (record, redirect) = register(session, purpose, redirect, scope.as_deref()).await?;
    let client = from_record(&record);
    io.keep(key, record).await?;
    Ok((client, redirect))
}

/// Registers a client again, with the scopes of this login. `None` for a client that was not registered dynamically.
pub(super) async fn with_scopes(
    session: &Session<'_>,
    client: &Client,
    redirect: &str,
) -> Result<Option<Client>, OAuthError> {
    let given = session.plan.settings.registration.given.is_some();
    let (Some(scope), false) = (session.scopes.parameter(), given) else { return Ok(None) };
    let key = Key::Client { issuer: session.server.metadata.issuer.clone() };
    if session.io.load(key.clone()).await?.is_none_or(|kept| kept.client_id != client.id) {
        return Ok(None);
    }
    let (record, _) = register(session, Use::Browser, redirect.to_owned(), Some(&scope)).await?;
    let client = from_record(&record);
    session.io.keep(key, record).await?;
    Ok(Some(client))
}

/// A registration that the server no longer knows is not used again.
// AU-C-54.
pub(super) async fn forget(session: &Session<'_>, client: &Client) -> Result<(), OAuthError> {
    let key = Key::Client { issuer: session.server.metadata.issuer.clone() };
    match session.io.load(key.clone()).await? {
        Some(kept) if kept.client_id == client.id => session.io.forget(key, kept).await,
        _ => Ok(()),
    }
}

// AU-C-22.
fn check_document(url: &str) -> Result<(), OAuthError> {
    let wrong = |why: &str| OAuthError::setting("client metadata URL", why);
    let url = WebUrl::parse(url).map_err(wrong)?;
    if !url.is_https() || url.path().len() < 2 {
        return Err(wrong("it must be https and have a path"));
    }
    Ok(())
}

/// Registers (RFC 7591).
// AU-C-23, AU-C-25.
async fn register(
    session: &Session<'_>,
    purpose: Use,
    redirect: String,
    scope: Option<&str>,
) -> Result<(ClientRecord, String), OAuthError> {
    let step = FlowStep::Registration;
    let named = session.server.metadata.registration_endpoint.as_ref();
    let url = discovery::endpoint(&session.plan.endpoint, step, named, "registration_endpoint")?;
    let mut redirect = redirect;
    let mut again = true;
    loop {
        let body = body(session, purpose, &redirect, scope);
        let answer = session.io.send(step, Outgoing::json(url.clone(), body.to_string())).await?;
        let document = token::object(&answer.body);
        match token::error(step, answer.status, document.as_ref()) {
            Some(error) if again && error.code() == Some("invalid_redirect_uri") => {
                let other = redirect.replacen("//127.0.0.1", "//localhost", 1);
                if other == redirect {
                    return Err(error);
                }
                (redirect, again) = (other, false);
            }
            Some(error) => return Err(error),
            None => {
                let wrong = || OAuthError::protocol(step, "the answer is not a JSON object");
                return Ok((read(session, document.ok_or_else(wrong)?, &redirect)?, redirect));
            }
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "the value is an object, to which an assignment adds a member")]
fn body(session: &Session<'_>, purpose: Use, redirect: &str, scope: Option<&str>) -> Value {
    let settings = &session.plan.settings;
    let mut body = json!({
        "client_name": settings.client_name,
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    match purpose {
        Use::Browser => {
            body["redirect_uris"] = json!([redirect]);
            body["grant_types"] = json!(["authorization_code", "refresh_token"]);
            body["response_types"] = json!(["code"]);
        }
        Use::Device => {
            body["redirect_uris"] = json!([]);
            body["grant_types"] = json!(["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]);
            body["response_types"] = json!([]);
        }
    }
    if let Some((id, version)) = &settings.software {
        body["software_id"] = json!(id);
        body["software_version"] = json!(version);
    }
    if let Some(scope) = scope {
        body["scope"] = json!(scope);
    }
    body
}

/// What came back counts.
// AU-C-24.
fn read(
    session: &Session<'_>,
    document: serde_json::Map<String, Value>,
    redirect: &str,
) -> Result<ClientRecord, OAuthError> {
    let wrong = |why: &str| OAuthError::protocol(FlowStep::Registration, why);
    let text = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let client_id = text("client_id").ok_or_else(|| wrong("the answer has no client id"))?;
    let expires = document.get("client_secret_expires_at").and_then(Value::as_u64).filter(|at| *at > 0);
    let record = ClientRecord {
        issuer: session.server.metadata.issuer.clone(),
        client_id: client_id.to_owned(),
        secret: text("client_secret").map(Into::into),
        auth_method: text("token_endpoint_auth_method").map(str::to_owned),
        redirect_uri: (!redirect.is_empty()).then(|| redirect.to_owned()),
        secret_expires: expires,
    };
    if let Some(method) = record.auth_method.as_deref() {
        let known = Method::named(method).ok_or_else(|| {
            wrong("the server registered a method of client authentication that is not supported")
        })?;
        if !known.is_possible(&from_record(&record)) {
            return Err(wrong("the server registered a method of client authentication without its secret"));
        }
    }
    Ok(record)
}
