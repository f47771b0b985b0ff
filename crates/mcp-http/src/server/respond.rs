//! Replies that the server makes itself, and the headers of each kind of reply.

use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Response, StatusCode};
use mcp_core::message::{ErrorObject, Message, RequestId};

use super::body::Body;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Seconds after which a busy server may be asked again.
const SOON: HeaderValue = HeaderValue::from_static("1");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, no-transform");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

// Ledger T-23.
/// The formats of an answer that the client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Formats {
    /// One JSON text, or a stream of events where more than the answer is sent.
    Either,
    /// JSON only: notifications before the answer are dropped.
    Json,
    /// Events only.
    Events,
}

impl Formats {
    /// Whether the client takes one JSON text.
    pub(crate) fn json(self) -> bool {
        self != Formats::Events
    }

    /// Whether the client takes a stream of events.
    pub(crate) fn events(self) -> bool {
        self != Formats::Json
    }
}

/// The reply to a request. Small, because it is moved through many futures: usual replies are stored by their parts, any
/// other response is boxed.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A status without a body.
    Empty(StatusCode),
    /// One JSON text.
    Json(StatusCode, Bytes),
    Other(Box<Response<Body>>),
}

impl Reply {
    fn other(response: Response<Body>) -> Reply {
        Reply::Other(Box::new(response))
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Reply::Empty(status) | Reply::Json(status, _) => *status,
            Reply::Other(response) => response.status(),
        }
    }

    /// Whether the body is a stream, which may stay open.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Reply::Other(response) if response.body().is_stream())
    }

    /// The body, if it is one text.
    pub(crate) fn text(&self) -> Option<&Bytes> {
        match self {
            Reply::Empty(_) => None,
            Reply::Json(_, text) => Some(text),
            Reply::Other(response) => response.body().text(),
        }
    }

    /// Replaces the body and keeps the headers.
    pub(crate) fn with_body(self, body: Body) -> Reply {
        let mut response = self.into_response();
        *response.body_mut() = body;
        Reply::other(response)
    }

    /// Ends the stream, if it is one, at this time. What is queued then is not sent.
    #[must_use]
    pub(crate) fn until(self, end: Option<SystemTime>) -> Reply {
        match (self, end) {
            (Reply::Other(response), Some(end)) => Reply::other(response.map(|body| body.until(end))),
            (reply, _) => reply,
        }
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Reply {
        self.with_headers(|headers| {
            headers.insert(name, value);
        })
    }

    /// Changes the headers.
    #[must_use]
    pub(crate) fn with_headers(self, change: impl FnOnce(&mut HeaderMap)) -> Reply {
        let mut response = match self {
            Reply::Other(response) => response,
            plain => Box::new(plain.into_response()),
        };
        change(response.headers_mut());
        Reply::Other(response)
    }

    /// Removes the body and keeps the headers.
    pub(crate) fn without_body(self) -> Reply {
        self.with_body(Body::default())
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        self.into_response_with(HeaderMap::new)
    }

    /// The same with this map of headers, which is empty, unless there are headers already.
    pub(crate) fn into_response_with(self, headers: impl FnOnce() -> HeaderMap) -> Response<Body> {
        match self {
            Reply::Empty(status) => {
                let mut response = Response::new(Body::default());
                *response.status_mut() = status;
                response
            }
            Reply::Json(status, text) => {
                let mut response = Response::new(Body::full(text));
                *response.status_mut() = status;
                *response.headers_mut() = headers();
                response.headers_mut().insert(CONTENT_TYPE, JSON);
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    response.headers_mut().insert(RETRY_AFTER, SOON);
                }
                response
            }
            Reply::Other(response) => *response,
        }
    }
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    Reply::Empty(status)
}

/// One JSON text.
pub(crate) fn json(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    Reply::Json(status, text.into())
}

/// A body of another type, which the caller sets.
pub(crate) fn text(status: StatusCode, body: Body) -> Reply {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    Reply::other(response)
}

/// One JSON-RPC message.
pub(crate) fn message(status: StatusCode, message: &Message) -> Reply {
    let mut text = Vec::with_capacity(message.encoded_len_hint());
    message.write_to(&mut text);
    json(status, text)
}

// Ledger HTTP-S-003.
/// A JSON-RPC error. Without an id it is about the HTTP request.
pub(crate) fn error(status: StatusCode, error: &ErrorObject, id: Option<&RequestId>) -> Reply {
    message(status, &mcp_core::message::Response::error(id.cloned(), error.clone()).into())
}

// Ledger HTTP-S-021, FAULT C-27.
/// A stream of events, with headers that keep proxies from buffering it.
pub(crate) fn events(body: Body) -> Reply {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENTS);
    headers.insert(CACHE_CONTROL, NO_CACHE);
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Reply::other(response)
}

/// 405 with the allowed methods, separated by commas (RFC 9110).
pub(crate) fn not_allowed(allow: &'static str) -> Reply {
    let refused = ErrorObject::invalid_request(format!("HTTP method not allowed; allowed here: {allow}"));
    error(StatusCode::METHOD_NOT_ALLOWED, &refused, None).with_header(ALLOW, HeaderValue::from_static(allow))
}
