//! CORS: answers to preflight requests, and response headers.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, VARY,
};
use hyper::{HeaderMap, Method};

use super::origin::Origin;
use crate::HttpError;
use crate::headers::PARAM_PREFIX;

const METHODS: &str = "POST, GET, DELETE, OPTIONS";
const ALLOWED: &str = "content-type, accept, authorization, mcp-protocol-version, mcp-session-id, \
                       mcp-method, mcp-name, last-event-id";
const EXPOSED: &str = "mcp-session-id, mcp-protocol-version, www-authenticate, retry-after";
/// Seconds for which a browser may cache the answer: two hours, the most that some browsers accept.
const MAX_AGE: &str = "7200";

/// CORS: what preflight answers and response headers allow to pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cors {
    /// Whether allowed origins get CORS headers. Default `false`.
    pub enabled: bool,
    /// Whether pages may send credentials. Not together with a rule that allows any site. Default `false`.
    pub credentials: bool,
    /// Request headers that preflight answers allow beside those of MCP, such as `x-api-key` or `traceparent`. Default:
    /// none.
    pub headers: Vec<String>,
}

/// Checks the settings.
///
/// # Errors
///
/// [`HttpError::Setting`]: a header that is not a name, or credentials for pages of any site.
pub(crate) fn check(cors: &Cors, any_origin: bool) -> Result<(), HttpError> {
    let refuse = |what: &str, why: String| Err(HttpError::Setting { what: what.to_owned(), why });
    if let Some(bad) = cors.headers.iter().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
        return refuse("cors.headers", format!("{bad:?} is not the name of a header"));
    }
    if cors.enabled && cors.credentials && any_origin {
        return refuse(
            "cors.credentials",
            "pages of any site could use the credentials of a browser".to_owned(),
        );
    }
    Ok(())
}

/// Whether this is a preflight request.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers of the answer (204) to a preflight request. `None`: CORS is off, or the request has no origin. `origin` is
/// one that
/// [`HostPolicy::check_origin`](super::host::HostPolicy::check_origin) let pass.
pub(crate) fn preflight(cors: &Cors, origin: Option<&Origin>, asked: &HeaderMap) -> Option<HeaderMap> {
    if !cors.enabled {
        return None;
    }
    let mut headers = HeaderMap::new();
    allow(cors, origin?, &mut headers);
    headers.insert(VARY, HeaderValue::from_static("origin, access-control-request-headers"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed(cors, asked));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    Some(headers)
}

/// Adds CORS headers to any other reply, including errors: none if CORS is off, only `Vary` if there is no origin.
pub(crate) fn respond(cors: &Cors, origin: Option<&Origin>, headers: &mut HeaderMap) {
    if !cors.enabled {
        return;
    }
    // A cache must not give this reply to a page.
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        allow(cors, origin, headers);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

fn allow(cors: &Cors, origin: &Origin, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.header().clone());
    if cors.credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// The headers of MCP, those of the settings, and the `Mcp-Param-*` headers that the page wants to send.
fn allowed(cors: &Cors, asked: &HeaderMap) -> HeaderValue {
    let mut names = ALLOWED.to_owned();
    for name in &cors.headers {
        names.push_str(", ");
        names.push_str(name);
    }
    let lists = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().filter_map(|value| value.to_str().ok());
    for name in lists.flat_map(|list| list.split(',')) {
        if let Ok(name) = HeaderName::from_bytes(name.trim().as_bytes())
            && name.as_str().starts_with(PARAM_PREFIX)
        {
            names.push_str(", ");
            names.push_str(name.as_str());
        }
    }
    HeaderValue::try_from(names).unwrap_or_else(|_| HeaderValue::from_static(ALLOWED))
}

#[cfg(test)]
mod tests;
