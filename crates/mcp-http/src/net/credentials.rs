//! The fixed headers and credentials that every request carries in addition to MCP's own headers.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    WWW_AUTHENTICATE,
};

use super::authorize::{AuthHeaders, Authorize, Challenge, RequestInfo};
use super::config::Credentials;
use super::origin::Origin;
use crate::{HttpError, Secret};

/// The headers that the transport sets itself, and those that concern a single connection.
const RESERVED: [HeaderName; 15] = [
    HOST,
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    ACCEPT,
    ACCEPT_ENCODING,
    HeaderName::from_static("last-event-id"),
];

/// The most characters of a `WWW-Authenticate` header that are passed on.
const LONGEST_CHALLENGE: usize = 4096;

/// Fixed headers and credentials, checked and ready to send.
pub(super) struct CheckedCredentials {
    /// The bearer token included, unless there is a provider.
    fixed: Vec<(HeaderName, HeaderValue)>,
    pub(super) provider: Option<Arc<dyn Authorize>>,
    /// Requests cross a network unencrypted, and that is not allowed for secrets.
    exposed: bool,
}

/// Headers in the form that they are sent in.
pub(super) type Headers = Vec<(HeaderName, HeaderValue)>;

impl CheckedCredentials {
    /// `near` states that requests do not leave this machine.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`] for a header that the transport sets itself, a token with characters that a header
    /// cannot hold, and credentials that would cross a network unencrypted.
    pub(super) fn new(
        origin: &Origin,
        config: &Credentials,
        near: bool,
    ) -> Result<CheckedCredentials, HttpError> {
        let mut fixed = Vec::with_capacity(config.headers.len());
        for (name, value) in &config.headers {
            check_name(name)?;
            let mut value = value.clone();
            value.set_sensitive(true);
            fixed.push((name.clone(), value));
        }
        let bearer = config.bearer.as_ref().map(bearer).transpose()?;
        let secret = bearer.is_some()
            || config.authorize.is_some()
            || config.headers.iter().any(|(name, value)| value.is_sensitive() || names_a_secret(name));
        let exposed = !origin.https && !near && !config.allow_plain;
        if secret && exposed {
            return Err(plain(&origin.label()));
        }
        if let Some(bearer) = bearer.filter(|_| config.authorize.is_none()) {
            fixed.retain(|(name, _)| *name != AUTHORIZATION);
            fixed.push((AUTHORIZATION, bearer));
        }
        Ok(CheckedCredentials { fixed, provider: config.authorize.clone(), exposed })
    }

    /// The headers of every request.
    pub(super) fn fixed(&self) -> &[(HeaderName, HeaderValue)] {
        &self.fixed
    }
}

impl super::Net {
    /// A header of one call, by the rules for those of all calls.
    pub(crate) fn header_of_a_call(
        &self,
        name: &HeaderName,
        value: &Secret,
    ) -> Result<(HeaderName, HeaderValue), HttpError> {
        check_name(name)?;
        if self.shared.credentials.exposed {
            return Err(plain(&super::uri::shown(&self.shared.endpoint.absolute)));
        }
        Ok((name.clone(), value.to_header().map_err(|_| unfit(name.as_str()))?))
    }
}

/// The credentials that a provider has for one try, as it gave them and as they are sent.
pub(super) async fn ask(
    provider: &dyn Authorize,
    request: RequestInfo<'_>,
) -> Result<(AuthHeaders, Headers), HttpError> {
    let given = provider.authorize(&request).await.map_err(HttpError::Authorization)?;
    let mut headers = Vec::with_capacity(1 + given.extra.len());
    for (name, value) in &given.extra {
        check_name(name)?;
        headers.push((name.clone(), value.to_header().map_err(|_| unfit(name.as_str()))?));
    }
    if let Some(value) = &given.authorization {
        headers.push((AUTHORIZATION, value.to_header().map_err(|_| unfit("authorization"))?));
    }
    Ok((given, headers))
}

/// How often one request reports a refusal to its provider, in total.
const MOST_CHALLENGES: u32 = 3;
/// And with one status.
const MOST_OF_A_STATUS: u32 = 2;

/// The refusals of one request that its provider has seen.
#[derive(Default)]
pub(super) struct Refusals {
    unauthorized: u32,
    forbidden: u32,
}

impl Refusals {
    /// Whether the provider is asked about a response with this status. Counts it.
    pub(super) fn admit(&mut self, status: StatusCode) -> bool {
        let total = self.unauthorized + self.forbidden;
        let count = match status {
            StatusCode::UNAUTHORIZED => &mut self.unauthorized,
            StatusCode::FORBIDDEN => &mut self.forbidden,
            _ => return false,
        };
        let admitted = total < MOST_CHALLENGES && *count < MOST_OF_A_STATUS;
        *count += u32::from(admitted);
        admitted
    }
}

/// A refusal as a provider sees it.
pub(super) fn challenge(
    status: StatusCode,
    headers: &HeaderMap,
    request: RequestInfo<'_>,
    sent: Option<Secret>,
) -> Challenge {
    Challenge { headers: challenges(headers), sent, ..Challenge::new(status, &request) }
}

/// # Errors
///
/// [`HttpError::Setting`]: the transport sets this header itself.
pub(super) fn check_name(name: &HeaderName) -> Result<(), HttpError> {
    if RESERVED.contains(name) || name.as_str().starts_with("mcp-") {
        let what = format!("header {name}");
        return Err(HttpError::Setting { what, why: "the transport sets it itself".to_owned() });
    }
    Ok(())
}

/// The first 16 `WWW-Authenticate` headers, each shortened to [`LONGEST_CHALLENGE`].
pub(super) fn challenges(headers: &HeaderMap) -> Vec<String> {
    let clip = |value: &HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).chars().take(LONGEST_CHALLENGE).collect()
    };
    headers.get_all(WWW_AUTHENTICATE).iter().take(16).map(clip).collect()
}

fn plain(to: &str) -> HttpError {
    HttpError::Setting {
        what: "credentials".to_owned(),
        why: format!("not sent to {to} over http, which is not encrypted; use https, or allow it explicitly"),
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, HttpError> {
    // Exposed only to build the header that carries it.
    let value = Secret::from(format!("Bearer {}", token.expose()));
    if token.expose().is_empty() {
        return Err(HttpError::Setting { what: "bearer token".to_owned(), why: "empty".to_owned() });
    }
    value.to_header().map_err(|_| unfit("bearer token"))
}

fn unfit(what: &str) -> HttpError {
    HttpError::Setting { what: what.to_owned(), why: "characters that a header cannot hold".to_owned() }
}

/// Whether a header with this name usually carries a secret.
fn names_a_secret(name: &HeaderName) -> bool {
    const PARTS: [&str; 6] = ["auth", "key", "token", "secret", "password", "credential"];
    *name == COOKIE || PARTS.iter().any(|part| name.as_str().contains(part))
}
