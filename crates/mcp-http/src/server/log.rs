//! The log line of a request.

use hyper::Method;
use hyper::http::request::Parts;

use super::respond::Reply;

/// The log line of a request. Never a header, a query or a body, which hold secrets.
pub(crate) struct Log {
    method: Method,
    path: String,
    began: tokio::time::Instant,
}

impl Log {
    /// `None` if the level is off.
    pub(crate) fn of(head: &Parts) -> Option<Log> {
        tracing::enabled!(tracing::Level::DEBUG).then(|| Log {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            began: tokio::time::Instant::now(),
        })
    }

    pub(crate) fn answered(self, reply: &Reply) {
        tracing::debug!(
            method = self.method.as_str(),
            // Quoted, so that a client's text cannot forge a line.
            path = ?self.path,
            status = reply.status().as_u16(),
            stream = reply.is_stream(),
            took = ?self.began.elapsed(),
            "answered"
        );
    }
}
