//! Fixed documents beside the endpoint, which need no credentials.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::body::Body;
use super::respond::{self, Reply};
use super::security::cors;

/// A fixed text that the server sends without authentication: metadata for clients that are not authorized yet.
///
/// `GET` and `HEAD` get it. `Host` is checked as everywhere, credentials are not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// The path, such as `/.well-known/oauth-protected-resource/mcp`.
    pub path: String,
    /// `Content-Type`.
    pub content_type: String,
    /// The text.
    pub body: Bytes,
    /// Whether pages of every origin may read it. Then `Origin` is not checked, and browsers get CORS headers, whatever
    /// [`Cors`](super::Cors) says. Otherwise the rules of the endpoint apply.
    pub any_origin: bool,
    /// `Cache-Control: max-age`, in whole seconds.
    pub max_age: Duration,
}

impl Document {
    /// A JSON text that pages of every origin may read, and that caches may keep for five minutes.
    pub fn json(path: impl Into<String>, body: impl Into<Bytes>) -> Document {
        Document {
            path: path.into(),
            content_type: "application/json".to_owned(),
            body: body.into(),
            any_origin: true,
            max_age: Duration::from_secs(300),
        }
    }

    /// The reply to a request for it.
    pub(super) fn reply(&self, parts: &Parts) -> Reply {
        if self.any_origin && cors::is_preflight(&parts.method, &parts.headers) {
            return respond::empty(StatusCode::NO_CONTENT).with_headers(|headers| {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
                // Clients add `Mcp-Protocol-Version`. Nothing here depends on a header.
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
                headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
                self.open(headers);
            });
        }
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return respond::not_allowed("GET, HEAD");
        }
        respond::text(StatusCode::OK, Body::full(self.body.clone())).with_headers(|headers| {
            if let Ok(value) = HeaderValue::try_from(self.content_type.as_str()) {
                headers.insert(CONTENT_TYPE, value);
            }
            if let Ok(value) = HeaderValue::try_from(format!("max-age={}", self.max_age.as_secs())) {
                headers.insert(CACHE_CONTROL, value);
            }
            self.open(headers);
        })
    }

    fn open(&self, headers: &mut HeaderMap) {
        if self.any_origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
    }
}
