//! The answers that the server gives by itself, and the headers that every answer of a kind has.

use bytes::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use mcp_core::message::{ErrorObject, Message, RequestId};

use super::body::Body;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, no-transform");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Nothing but a status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// One JSON text.
pub(crate) fn json(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// One JSON-RPC message.
pub(crate) fn message(status: StatusCode, message: &Message) -> Response<Body> {
    let mut text = Vec::with_capacity(message.encoded_len_hint());
    message.write_to(&mut text);
    json(status, text)
}

/// A JSON-RPC error. Without an id it concerns the HTTP request, not a JSON-RPC one (ledger HTTP-S-003).
pub(crate) fn error(status: StatusCode, error: &ErrorObject, id: Option<&RequestId>) -> Response<Body> {
    message(status, &mcp_core::message::Response::error(id.cloned(), error.clone()).into())
}

/// A stream of events, with what keeps proxies from holding it back (ledger HTTP-S-021, FAULT C-27).
pub(crate) fn events(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENTS);
    headers.insert(CACHE_CONTROL, NO_CACHE);
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

/// 405 with the methods that are served here, as a list with commas (RFC 9110).
pub(crate) fn not_allowed(allow: &'static str) -> Response<Body> {
    let refused = ErrorObject::invalid_request(format!("HTTP method not allowed; allowed here: {allow}"));
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, &refused, None);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}
