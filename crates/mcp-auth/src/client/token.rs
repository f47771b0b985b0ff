//! The answers of token endpoints.

use std::time::Duration;

use http::StatusCode;
use mcp_http::Secret;
use serde_json::Value;

use super::error::{FlowStep, OAuthError};
use super::scopes::Scopes;
use crate::urls::clipped;

/// A token, as an authorization server gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: Secret,
    pub(crate) token_type: TokenType,
    pub(crate) refresh_token: Option<Secret>,
    /// `None`: unknown. Only a 401 tells.
    pub(crate) expires_in: Option<Duration>,
    /// `None`: as asked.
    pub(crate) scope: Option<Scopes>,
    /// Of a token exchange.
    pub(crate) issued_token_type: Option<String>,
}

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenType {
    Bearer,
    Dpop,
    /// The answer of a token exchange that is not an access token.
    NotApplicable,
}

impl TokenType {
    /// The scheme in `Authorization`.
    pub(crate) fn scheme(self) -> &'static str {
        if self == TokenType::Dpop { "DPoP" } else { "Bearer" }
    }

    pub(crate) fn named(name: &str) -> Option<TokenType> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("bearer") {
            Some(TokenType::Bearer)
        } else if is("dpop") {
            Some(TokenType::Dpop)
        } else if is("N_A") {
            Some(TokenType::NotApplicable)
        } else {
            None
        }
    }
}

/// Reads an answer of a token endpoint.
///
/// # Errors
///
/// [`OAuthError::Refused`] with the server's error, [`OAuthError::Unavailable`] for answers that say to retry,
/// [`OAuthError::Status`] for other statuses, and [`OAuthError::Protocol`].
// AU-C-33.
pub(crate) fn read(step: FlowStep, status: StatusCode, body: &[u8]) -> Result<TokenAnswer, OAuthError> {
    let document = object(body);
    if let Some(error) = error(step, status, document.as_ref()) {
        return Err(error);
    }
    let wrong = |why: &str| OAuthError::protocol(step, why);
    let document = document.ok_or_else(|| wrong("the answer is not a JSON object"))?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access_token = text("access_token").ok_or_else(|| wrong("the answer has no access token"))?;
    if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("the access token has characters that no header can hold"));
    }
    let token_type = match text("token_type") {
        // Required by RFC 6749, and left out by some servers.
        None => TokenType::Bearer,
        Some(named) => TokenType::named(named)
            .ok_or_else(|| wrong(&format!("the token type {:?} is not supported", clipped(named))))?,
    };
    let seconds = document.get("expires_in").and_then(|it| match it {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|it| it.max(0.0) as u64)),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    });
    Ok(TokenAnswer {
        access_token: Secret::from(access_token),
        token_type,
        refresh_token: text("refresh_token").map(Secret::from),
        // A hundred years: beyond it, times cannot be represented everywhere.
        expires_in: seconds.map(|seconds| Duration::from_secs(seconds.min(3_155_760_000))),
        scope: document.get("scope").and_then(Value::as_str).map(Scopes::parse),
        issued_token_type: text("issued_token_type").map(str::to_owned),
    })
}

/// The error that an answer is, if it is one.
pub(crate) fn error(
    step: FlowStep,
    status: StatusCode,
    document: Option<&serde_json::Map<String, Value>>,
) -> Option<OAuthError> {
    let text = |name: &str| document?.get(name)?.as_str();
    if is_retryable(status) || matches!(text("error"), Some("temporarily_unavailable" | "server_error")) {
        return Some(OAuthError::unavailable(step, format!("HTTP status {status}")));
    }
    // GitHub answers errors with 200.
    if let Some(code) = text("error") {
        return Some(OAuthError::refused(step, code, text("error_description")));
    }
    if status.is_redirection() {
        return Some(OAuthError::protocol(step, format!("a redirect ({status}) is not followed")));
    }
    (!status.is_success()).then_some(OAuthError::Status { step, status })
}

/// A status that says to retry later.
// AU-C-06.
pub(crate) fn is_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error()
}

/// The body as a JSON object.
pub(crate) fn object(body: &[u8]) -> Option<serde_json::Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Result<TokenAnswer, OAuthError> {
        read(FlowStep::Token, StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    // AU-C-33.
    #[test]
    fn answers_with_a_token() {
        let plain = outcome(200, r#"{"access_token":"a","token_type":"bearer","x":[1]}"#).unwrap();
        assert_eq!((plain.token_type, plain.expires_in, plain.scope), (TokenType::Bearer, None, None));
        for (member, seconds) in [
            (r#""expires_in":60"#, Some(60)),
            (r#""expires_in":"60""#, Some(60)),
            (r#""expires_in":60.9"#, Some(60)),
            (r#""expires_in":-1"#, Some(0)),
            (r#""expires_in":1e300"#, Some(3_155_760_000)),
            (r#""expires_in":null"#, None),
            (r#""expires_in":"soon""#, None),
        ] {
            let answer =
                outcome(200, &format!(r#"{{"access_token":"a","token_type":"DPOP",{member}}}"#)).unwrap();
            assert_eq!(answer.expires_in, seconds.map(Duration::from_secs), "{member}");
            assert_eq!(answer.token_type.scheme(), "DPoP");
        }
        let full = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r","scope":"x y"}"#;
        let full = outcome(200, full).unwrap();
        assert_eq!(full.refresh_token, Some(Secret::from("r")));
        assert_eq!(full.scope, Some(Scopes::parse("x y")));
    }

    // AU-C-33, AU-C-54.
    #[test]
    fn answers_without_a_token() {
        for (status, body, said) in [
            (400, r#"{"error":"invalid_grant","error_description":"old"}"#, "refused: invalid_grant: old"),
            (200, r#"{"error":"bad_verification_code"}"#, "refused: bad_verification_code"),
            (401, r#"{"error":"invalid_client\u0007"}"#, "refused: invalid_client"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "HTTP status 400"),
            (503, r#"{"error":"invalid_grant"}"#, "HTTP status 503"),
            (429, "", "HTTP status 429"),
            (307, "", "is not followed"),
            (404, "<html>", "HTTP status 404"),
            (200, "[]", "not a JSON object"),
            (200, "{}", "no access token"),
            (200, r#"{"access_token":"a\nb","token_type":"Bearer"}"#, "no header can hold"),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, "\"mac\" is not supported"),
        ] {
            let error = outcome(status, body).unwrap_err();
            assert!(error.to_string().contains(said), "{status} {body}: {error}");
            let retryable = matches!(status, 429 | 503) || body.contains("temporarily");
            assert_eq!(error.is_retryable(), retryable, "{status} {body}");
            let typed = matches!(error, OAuthError::Status { status, .. } if status == StatusCode::NOT_FOUND);
            assert_eq!(typed, status == 404, "{status} {body}");
        }
    }
}
