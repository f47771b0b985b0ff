//! Requests to a token endpoint: client authentication, proofs of possession, and the answer.

use http::HeaderName;
use http::StatusCode;

use super::super::client_auth::{self, Assertion, Client};
use super::super::dpop::{Nonces, ProofKey};
use super::super::error::{FlowStep, OAuthError};
use super::super::settings::{AssertionAudience, Settings};
use super::super::token::{self, TokenAnswer};
use super::{Answer, Io, Outgoing};
use crate::urls::WebUrl;

/// Where a request goes, and who sends it.
pub(super) struct Call<'a> {
    pub(super) io: &'a Io,
    pub(super) nonces: &'a Nonces,
    pub(super) step: FlowStep,
    pub(super) endpoint: &'a WebUrl,
    /// The audience of a client assertion.
    pub(super) audience: &'a str,
    pub(super) client: &'a Client,
    /// The methods of client authentication that the server lists.
    pub(super) methods: Option<&'a [String]>,
    pub(super) proof: Option<&'a ProofKey>,
}

/// The audience of client assertions at this server.
// AU-X-02.
pub(super) fn audience<'a>(settings: &Settings, issuer: &'a str, endpoint: &'a WebUrl) -> &'a str {
    match settings.assertion_audience {
        AssertionAudience::Issuer => issuer,
        AssertionAudience::TokenEndpoint => endpoint.as_str(),
    }
}

/// Requests a token.
pub(super) async fn request(call: &Call<'_>, fields: &[(&str, &str)]) -> Result<TokenAnswer, OAuthError> {
    let answer = send(call, fields).await?;
    token::read(call.step, answer.status, &answer.body)
}

/// Sends a form, once more if the server wants a nonce in the proof.
// AU-C-32: redirects are not followed, and an unanswered request is not repeated. AU-X-05.
pub(super) async fn send(call: &Call<'_>, fields: &[(&str, &str)]) -> Result<Answer, OAuthError> {
    let method = client_auth::choose(call.client, call.methods)?;
    let url = call.endpoint.as_str().split('?').next().unwrap_or_default();
    let origin = call.endpoint.origin();
    let mut again = true;
    loop {
        let mut request = Outgoing::form(call.endpoint.clone());
        for (name, value) in fields {
            request.field(name, value);
        }
        let assertion = Assertion { audience: call.audience, now: call.io.now() };
        client_auth::apply(method, call.client, &assertion, &mut request)?;
        if let Some(proof) = call.proof {
            let nonce = call.nonces.get(origin);
            let proof = proof.proof("POST", url, call.io.now(), nonce.as_deref(), None)?;
            request.header(HeaderName::from_static("dpop"), proof);
        }
        let answer = call.io.send(call.step, request).await?;
        let learned = call.proof.is_some() && call.nonces.learn(origin, &answer.headers);
        if learned && again && wants_nonce(&answer) {
            again = false;
            continue;
        }
        return Ok(answer);
    }
}

fn wants_nonce(answer: &Answer) -> bool {
    let document = token::object(&answer.body);
    let error = document.as_ref().and_then(|document| document.get("error")).and_then(|it| it.as_str());
    matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
        && error == Some("use_dpop_nonce")
}
