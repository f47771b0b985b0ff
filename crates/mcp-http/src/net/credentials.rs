//! What every request carries beside MCP's own headers: fixed headers and credentials.

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

/// The transport's own headers and those that concern one connection only.
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

/// The longest `WWW-Authenticate` that is passed on, in characters.
const LONGEST_CHALLENGE: usize = 4096;

/// Fixed headers and credentials, checked and ready to send.
pub(super) struct CheckedCredentials {
    fixed: Vec<(HeaderName, HeaderValue)>,
    bearer: Option<HeaderValue>,
    hook: Option<Arc<dyn Authorize>>,
}

impl CheckedCredentials {
    /// `near`: what is sent stays on this machine.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a header that is the transport's own, a token that no header can hold, or credentials
    /// that would cross a network in the clear.
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
                    "not sent to {} over http, where anybody on the way can read them; use https, or allow it",
                    origin.label()
                ),
            });
        }
        Ok(CheckedCredentials { fixed, bearer, hook: config.authorize.clone() })
    }

    /// The `Authorization` of the next request. Asks the hook each time.
    pub(super) async fn authorization(&self) -> Result<Option<HeaderValue>, HttpError> {
        match &self.hook {
            None => Ok(self.bearer.clone()),
            Some(hook) => hook.authorization().await.as_ref().map(whole).transpose(),
        }
    }

    /// What the hook answers to a refusal; `None` without a hook, or when it has nothing better.
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

/// Each `WWW-Authenticate`, clipped.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<String> {
    let clip = |value: &HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).chars().take(LONGEST_CHALLENGE).collect()
    };
    headers.get_all(WWW_AUTHENTICATE).iter().take(16).map(clip).collect()
}

fn bearer(token: &Secret) -> Result<HeaderValue, HttpError> {
    // The token goes into the one header that it is for.
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
    HttpError::Setting { what: what.to_owned(), why: "characters that no header can hold".to_owned() }
}

/// Names under which secrets usually travel.
fn names_a_secret(name: &HeaderName) -> bool {
    const PARTS: [&str; 6] = ["auth", "key", "token", "secret", "password", "credential"];
    *name == COOKIE || PARTS.iter().any(|part| name.as_str().contains(part))
}
