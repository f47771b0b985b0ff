//! What the headers of many requests have in common: made once, and copied for each.

use std::sync::Arc;

use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};

/// Headers that every request of some kind carries, with `Host` and the fixed ones of the configuration: see
/// [`Net::common`](super::Net::common). To copy a map is cheaper than to fill one. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Common(Arc<HeaderMap>);

/// The room in the table of a copy: for what most requests add and for what hyper adds. A copy that had to grow would
/// be hashed anew.
const ROOM: usize = 12;

impl Common {
    pub(super) fn new(host: &HeaderValue, fixed: &[(HeaderName, HeaderValue)]) -> Common {
        let mut headers = HeaderMap::with_capacity(ROOM);
        headers.insert(HOST, host.clone());
        for (name, value) in fixed {
            headers.append(name, value.clone());
        }
        Common(Arc::new(headers))
    }

    /// The same with more.
    pub(super) fn with(&self, more: &[(HeaderName, HeaderValue)]) -> Common {
        let mut headers = self.copy();
        add(&mut headers, more);
        Common(Arc::new(headers))
    }

    pub(super) fn copy(&self) -> HeaderMap {
        HeaderMap::clone(&self.0)
    }
}

/// Sets what one request has for itself.
pub(super) fn add(headers: &mut HeaderMap, own: &[(HeaderName, HeaderValue)]) {
    for (name, value) in own {
        headers.insert(name.clone(), value.clone());
    }
}
