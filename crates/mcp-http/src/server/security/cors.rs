//! What browsers are told: the preflight answer and the response headers, as data.

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
/// How long a browser may keep the answer, in seconds: two hours, the most that some of them honour.
const MAX_AGE: &str = "7200";

/// What browsers are told by preflight answers and response headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cors {
    /// Whether allowed origins get CORS headers.
    pub enabled: bool,
    /// Whether they may send credentials.
    pub credentials: bool,
    /// Request headers that preflight answers allow beside those of MCP, such as `x-api-key` or `traceparent`.
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

/// Whether a request is a browser's question, not a request of its own.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers of the answer (204) to a preflight. `None` where browsers are told nothing: CORS is off, or
/// there is no origin. `origin` is one that
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

/// Adds to the headers of any other answer, an error's too, what a browser has to see. Nothing where CORS is
/// off; only `Vary` where there is no origin.
pub(crate) fn respond(cors: &Cors, origin: Option<&Origin>, headers: &mut HeaderMap) {
    if !cors.enabled {
        return;
    }
    // Caches have to know even where there was no origin.
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

/// The fixed names, those of the settings, and those of the copied arguments that are asked for: they are not known before.
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
