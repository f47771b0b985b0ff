//! What the headers of many requests have in common: made once, and copied for each.

use std::sync::Arc;

use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

/// Headers that every request of some kind carries, with `Host` and the fixed ones of the configuration: see
/// [`Net::template`](super::Net::template). To copy a map is cheaper than to fill one. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct HeaderTemplate(Arc<HeaderMap>);

/// The room in the table of a copy, for what a request adds. A copy that had to grow would be hashed anew.
const ROOM: usize = 12;

impl HeaderTemplate {
    pub(super) fn new(host: &HeaderValue, fixed: &[(HeaderName, HeaderValue)]) -> HeaderTemplate {
        let mut headers = HeaderMap::with_capacity(ROOM);
        headers.insert(HOST, host.clone());
        for (name, value) in fixed {
            headers.append(name, value.clone());
        }
        HeaderTemplate(Arc::new(headers))
    }

    /// The same with more, and with a place for the length of a body: where a header has to be added, the memory of the
    /// copy has to grow.
    pub(super) fn with(&self, more: &[(HeaderName, HeaderValue)]) -> HeaderTemplate {
        let mut headers = HeaderMap::clone(&self.0);
        add(&mut headers, more);
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        HeaderTemplate(Arc::new(headers))
    }

    /// The headers of one request, with these of its own.
    pub(crate) fn copy(&self, own: &[(HeaderName, HeaderValue)], body: usize) -> HeaderMap {
        let mut headers = HeaderMap::clone(&self.0);
        add(&mut headers, own);
        if let Some(length) = headers.get_mut(CONTENT_LENGTH) {
            *length = HeaderValue::from(body);
        }
        headers
    }
}

fn add(headers: &mut HeaderMap, own: &[(HeaderName, HeaderValue)]) {
    for (name, value) in own {
        headers.insert(name.clone(), value.clone());
    }
}
