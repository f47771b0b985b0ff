//! The fixed headers and credentials that every request carries in addition to MCP's own headers.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::Uri;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};

use super::authorize::{Authorize, Challenge};
use super::config::Credentials;
use super::origin::Origin;
use super::uri::shown;
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
    fixed: Vec<(HeaderName, HeaderValue)>,
    bearer: Option<HeaderValue>,
    hook: Option<Arc<dyn Authorize>>,
}

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
            if RESERVED.contains(name) || name.as_str().starts_with("mcp-") {
                let what = format!("header {name}");
                return Err(HttpError::Setting { what, why: "the transport sets it itself".to_owned() });
            }
            let mut value = value.clone();
            value.set_sensitive(true);
            fixed.push((name.clone(), value));
        }
        let bearer = config.bearer.as_ref().map(bearer).transpose()?;
        let secret = bearer.is_some()
            || config.authorize.is_some()
            || config.headers.iter().any(|(name, value)| value.is_sensitive() || names_a_secret(name));
        let open = !origin.https && !near;
        if secret && open && !config.allow_plain {
            return Err(HttpError::Setting {
                what: "credentials".to_owned(),
                why: format!(
                    "not sent to {} over http, which is not encrypted; use https, or allow it explicitly",
                    origin.label()
                ),
            });
        }
        Ok(CheckedCredentials { fixed, bearer, hook: config.authorize.clone() })
    }

    /// The `Authorization` of the next request. Calls the hook each time.
    pub(super) async fn authorization(&self) -> Result<Option<HeaderValue>, HttpError> {
        match &self.hook {
            None => Ok(self.bearer.clone()),
            Some(hook) => hook.authorization().await.as_ref().map(whole).transpose(),
        }
    }

    /// The hook's answer to a refusal; `None` without a hook, or if the hook has no other credentials.
    pub(super) async fn challenged(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        url: &Uri,
    ) -> Result<Option<HeaderValue>, HttpError> {
        let Some(hook) = &self.hook else { return Ok(None) };
        let challenge = Challenge { status, headers: challenges(headers), url: shown(url) };
        hook.challenged(&challenge).await.as_ref().map(whole).transpose()
    }

    /// The headers of every request.
    pub(super) fn fixed(&self) -> &[(HeaderName, HeaderValue)] {
        &self.fixed
    }
}

/// The first 16 `WWW-Authenticate` headers, each shortened to [`LONGEST_CHALLENGE`].
pub(super) fn challenges(headers: &HeaderMap) -> Vec<String> {
    let clip = |value: &HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).chars().take(LONGEST_CHALLENGE).collect()
    };
    headers.get_all(WWW_AUTHENTICATE).iter().take(16).map(clip).collect()
}

fn bearer(token: &Secret) -> Result<HeaderValue, HttpError> {
    // Exposed only to build the header that carries it.
    let value = Secret::from(format!("Bearer {}", token.expose()));
    if token.expose().is_empty() {
        return Err(HttpError::Setting { what: "bearer token".to_owned(), why: "empty".to_owned() });
    }
    value.to_header().map_err(|_| unfit("bearer token"))
}

fn whole(value: &Secret) -> Result<HeaderValue, HttpError> {
    value.to_header().map_err(|_| unfit("authorization"))
}

fn unfit(what: &str) -> HttpError {
    HttpError::Setting { what: what.to_owned(), why: "characters that a header cannot hold".to_owned() }
}

/// Whether a header with this name usually carries a secret.
fn names_a_secret(name: &HeaderName) -> bool {
    const PARTS: [&str; 6] = ["auth", "key", "token", "secret", "password", "credential"];
    *name == COOKIE || PARTS.iter().any(|part| name.as_str().contains(part))
}
