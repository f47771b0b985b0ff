//! The device grant (RFC 8628).

use std::time::Duration;

use serde_json::Value;

use super::super::client_auth::Client;
use super::super::error::{FlowStep, OAuthError};
use super::super::token::{self, TokenAnswer};
use super::login::Session;
use super::registration::{self, Use};
use super::{DeviceCode, discovery, tokens};
use crate::urls::{WebUrl, clipped};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Between two requests, unless the server says otherwise.
const INTERVAL: Duration = Duration::from_secs(5);
/// The longest interval that a server may ask for.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// The longest time that a code is waited for.
const LONGEST_LIFE: Duration = Duration::from_secs(1800);

/// Shows a code, and asks until it was entered.
pub(super) async fn run(session: &Session<'_>) -> Result<(Client, TokenAnswer), OAuthError> {
    let step = FlowStep::DeviceAuthorization;
    let named = session.server.metadata.device_authorization_endpoint.as_ref();
    let endpoint = discovery::endpoint(&session.plan.endpoint, step, named, "device_authorization_endpoint")?;
    let (client, _) = registration::for_person(session, Use::Device).await?;
    let mut fields = Vec::new();
    let scope = session.scopes.parameter();
    session.add_common(&mut fields, scope.as_deref());
    let call = tokens::Call { endpoint: &endpoint, proof: None, ..session.call(step, &client)? };
    let answer = tokens::send(&call, &fields).await?;
    let document = token::object(&answer.body);
    if let Some(error) = token::error(step, answer.status, document.as_ref()) {
        return Err(error);
    }
    let document = document.unwrap_or_default();
    let text = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let missing = || OAuthError::protocol(step, "the answer lacks a code or the place to enter it");
    let (Some(device), Some(user), Some(at)) =
        (text("device_code"), text("user_code"), text("verification_uri").or(text("verification_url")))
    else {
        return Err(missing());
    };
    // A person is sent there.
    for url in [Some(at), text("verification_uri_complete")].into_iter().flatten() {
        let checked = WebUrl::parse(url).and_then(|url| crate::urls::may_ask(&url, &session.plan.endpoint));
        checked
            .map_err(|why| OAuthError::protocol(step, format!("the verification URL is not used: {why}")))?;
    }
    let seconds = |name: &str| document.get(name).and_then(Value::as_u64).map(Duration::from_secs);
    let expires_in = seconds("expires_in").unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE);
    let mut interval =
        seconds("interval").unwrap_or(INTERVAL).clamp(Duration::from_secs(1), LONGEST_INTERVAL);
    let shown = DeviceCode {
        verification_uri: at.to_owned(),
        verification_uri_complete: text("verification_uri_complete").map(str::to_owned),
        user_code: clipped(user),
        expires_in,
    };
    let until = session.io.now() + expires_in;
    session.io.show(shown).await?;
    loop {
        session.io.wait(interval).await?;
        let fields = [("grant_type", GRANT), ("device_code", device)];
        match tokens::request(&session.call(FlowStep::Token, &client)?, &fields).await {
            Ok(answer) => return Ok((client, answer)),
            Err(error) => match error.code() {
                Some("authorization_pending") => {}
                Some("slow_down") => interval = (interval + INTERVAL).min(LONGEST_INTERVAL),
                // The network was lost: asked again, as section 3.5 says.
                None if error.is_retryable() => interval = (interval * 2).min(LONGEST_INTERVAL),
                _ => return Err(error),
            },
        }
        if session.io.now() >= until {
            return Err(OAuthError::not_completed("the code has expired"));
        }
    }
}
