//! The headers that many requests share: built once and copied for each.

use std::sync::Arc;

use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use crate::HttpError;

/// Headers that every request of some kind carries, with `Host` and the fixed ones of the configuration: see
/// [`Net::template`](super::Net::template). Copying a map is cheaper than filling one. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct HeaderTemplate(Arc<HeaderMap>);

/// The capacity of a map, with what a request adds. A copy that has to grow is hashed again.
const CAPACITY: usize = 16;

impl HeaderTemplate {
    pub(super) fn new(
        host: &HeaderValue,
        user_agent: HeaderValue,
        fixed: &[(HeaderName, HeaderValue)],
    ) -> HeaderTemplate {
        let mut headers = HeaderMap::with_capacity(CAPACITY);
        headers.insert(HOST, host.clone());
        // Encoded bodies are refused: decompression has costs that no limit on the wire bounds.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if !fixed.iter().any(|(name, _)| *name == USER_AGENT) {
            headers.insert(USER_AGENT, user_agent);
        }
        for (name, value) in fixed {
            headers.append(name, value.clone());
        }
        HeaderTemplate(Arc::new(headers))
    }

    /// The same with more headers and a dummy `Content-Length`: replacing a value is cheaper than adding a header, which
    /// would make the copy reallocate. It comes behind `Host`, where a copy soon finds it.
    pub(super) fn with(&self, more: &[(HeaderName, HeaderValue)]) -> HeaderTemplate {
        let mut headers = HeaderMap::with_capacity(CAPACITY);
        for (name, value) in &*self.0 {
            headers.append(name, value.clone());
            headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        add(&mut headers, more);
        HeaderTemplate(Arc::new(headers))
    }

    /// The headers of one request: the template and these.
    pub(crate) fn copy(&self, own: &[(HeaderName, HeaderValue)], body: usize) -> HeaderMap {
        let mut headers = HeaderMap::clone(&self.0);
        add(&mut headers, own);
        if let Some((_, length)) = headers.iter_mut().find(|(name, _)| **name == CONTENT_LENGTH) {
            *length = number(body);
        }
        headers
    }
}

fn add(headers: &mut HeaderMap, own: &[(HeaderName, HeaderValue)]) {
    for (name, value) in own {
        headers.insert(name.clone(), value.clone());
    }
}

/// A number in one allocation; `HeaderValue::from` makes two.
fn number(number: usize) -> HeaderValue {
    HeaderValue::try_from(number.to_string()).unwrap_or_else(|_| HeaderValue::from(number))
}

/// The value of `User-Agent`.
pub(super) fn user_agent(program: Option<&str>) -> Result<HeaderValue, HttpError> {
    const OWN: &str = concat!("mcp-http/", env!("CARGO_PKG_VERSION"));
    let Some(program) = program else { return Ok(HeaderValue::from_static(OWN)) };
    HeaderValue::try_from(format!("{program} {OWN}")).map_err(|_| HttpError::Setting {
        what: "user agent".to_owned(),
        why: "characters that no header can hold".to_owned(),
    })
}
