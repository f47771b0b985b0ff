//! Pages beside the endpoint: texts that are made anew for each request, for the callers of the endpoint.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};

use super::body::Body;
use super::respond::{self, Reply};

/// A text beside the endpoint that is made anew for each request, such as a status.
///
/// `GET` and `HEAD` get it, under the rules of the endpoint: host, origin and credentials are checked first.
/// [`Authenticate::permit`](super::Authenticate::permit) is not asked, because there is no request of MCP.
///
/// ```
/// use mcp_http::server::Page;
///
/// let page = Page::json("/status", || r#"{"open":3}"#.to_owned());
/// assert_eq!(page.path, "/status");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Page {
    /// The path, such as `/status`.
    pub path: String,
    /// `Content-Type`.
    pub content_type: String,
    make: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Page {
    /// A JSON text. `make` is called for each request, and must not block.
    pub fn json(path: impl Into<String>, make: impl Fn() -> String + Send + Sync + 'static) -> Page {
        Page { path: path.into(), content_type: "application/json".to_owned(), make: Arc::new(make) }
    }

    /// The reply to a request for it.
    pub(super) fn reply(&self, method: &Method) -> Reply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return respond::not_allowed("GET, HEAD");
        }
        respond::text(StatusCode::OK, Body::full(Bytes::from((self.make)()))).with_headers(|headers| {
            if let Ok(value) = HeaderValue::try_from(self.content_type.as_str()) {
                headers.insert(CONTENT_TYPE, value);
            }
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        })
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("path", &self.path).finish_non_exhaustive()
    }
}
