//! Asking the issuer about opaque tokens (RFC 7662).

use std::time::{Duration, SystemTime};

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Request};
use mcp_core::transport::Identity;
use mcp_http::Secret;
use mcp_http::net::{Fetch, FetchLimits};
use tokio::time::Instant;

use super::cache::{Answers, BACKOFF};
use super::claims::{Claims, Expected, Refused};
use super::keys::{Authority, Unavailable};
use crate::lock::Lock;
use crate::urls::WebUrl;

/// How long answers are used.
// AU-S-08.
const ACTIVE: Duration = Duration::from_secs(60);
const INACTIVE: Duration = Duration::from_secs(5);
/// How many are kept.
const MOST: usize = 10_000;
const LIMITS: FetchLimits = FetchLimits::new(256 << 10, Duration::from_secs(10));

/// What a question came to.
pub(super) type Verdict = Result<Identity, Refused>;

/// The introspection endpoint of an issuer.
#[derive(Debug)]
pub(super) struct Introspector {
    endpoint: Option<WebUrl>,
    authorization: Secret,
    fetch: Fetch,
    answers: Lock<Answers<Verdict>>,
}

impl Introspector {
    pub(super) fn new(
        endpoint: Option<WebUrl>,
        client_id: &str,
        secret: &Secret,
        fetch: Fetch,
    ) -> Introspector {
        // Asking twice changes nothing.
        let fetch = fetch.with_limits(LIMITS).repeatable(true);
        let authorization = basic(client_id, secret);
        Introspector { endpoint, authorization, fetch, answers: Lock::new(Answers::new(MOST)) }
    }

    /// Asks about a token, unless the answer is known.
    pub(super) async fn ask(
        &self,
        authority: &Authority,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Verdict, Unavailable> {
        let digest = digest(token, expected.certificate);
        if let Some(known) = self.answers.lock().get(&digest, Instant::now()) {
            return Ok(known);
        }
        let answer = self.fetch(authority, token).await?;
        let claims = Claims::parse(&answer).map_err(|_| unreadable("the answer cannot be read"))?;
        let verdict = claims.of_introspection(&answer, expected);
        let until = Instant::now() + lasting(&verdict, expected.now);
        self.answers.lock().put(digest, verdict.clone(), until);
        Ok(verdict)
    }

    async fn fetch(&self, authority: &Authority, token: &str) -> Result<Bytes, Unavailable> {
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => authority.introspection().await?,
        };
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        let authorization = self.authorization.to_header().unwrap_or_else(|_| HeaderValue::from_static(""));
        let request = Request::post(endpoint.uri())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, authorization)
            .body(Bytes::from(body))
            .map_err(|_| unreadable("the URL cannot be used"))?;
        let response = match self.fetch.fetch(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(%error, "the introspection endpoint cannot be reached");
                return Err(Unavailable(BACKOFF));
            }
        };
        if response.status() != 200 {
            tracing::warn!(status = response.status().as_u16(), "the introspection endpoint refused");
            return Err(Unavailable(wait(response.headers())));
        }
        Ok(response.into_body())
    }
}

fn unreadable(why: &'static str) -> Unavailable {
    tracing::warn!(why, "an introspection failed");
    Unavailable(BACKOFF)
}

/// For how long a verdict is used.
pub(super) fn lasting(verdict: &Verdict, now: SystemTime) -> Duration {
    match verdict {
        Err(_) => INACTIVE,
        Ok(identity) => match identity.expires {
            Some(expires) => expires.duration_since(now).unwrap_or_default().min(ACTIVE),
            None => ACTIVE,
        },
    }
}

/// `Retry-After` in seconds, within a minute.
fn wait(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(BACKOFF.as_secs()).clamp(1, 60))
}

/// Credentials of a client: each part is form-encoded first (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    // The secret is written into the header that it is meant for.
    let pair = zeroize::Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret.expose())));
    Secret::from(format!("Basic {}", Base64::encode_string(pair.as_bytes())))
}

/// The key of an answer. A token that is bound to a certificate is valid for that certificate only.
fn digest(token: &str, certificate: Option<&str>) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(certificate.unwrap_or_default().as_bytes());
    context.update(b" ");
    context.update(token.as_bytes());
    context.finish().as_ref().try_into().unwrap_or_default()
}
