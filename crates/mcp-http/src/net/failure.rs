//! What hyper's errors mean here.

use std::error::Error;

use crate::HttpError;

/// Why an exchange on one connection failed.
pub(super) enum Failure {
    /// Nothing of the request was written: it may go over another connection.
    Unsent(hyper::Error),
    /// The server says that it did not look at the request (HTTP/2's REFUSED_STREAM and GOAWAY): it may be sent again.
    Refused(HttpError),
    /// The connection ended without one byte of an answer. The request may have been executed, but a server that closes
    /// connections after its answers closes kept ones in just this way.
    Unanswered(HttpError),
    /// The request may have been executed, or time is up.
    Final(HttpError),
}

/// The error of an exchange whose request may have been written.
pub(super) fn classify(error: &hyper::Error, header_limit: usize) -> Failure {
    let error = if error.is_parse_too_large() {
        HttpError::TooLarge { limit_name: "response headers", limit: header_limit }
    } else if error.is_parse() {
        HttpError::NotHttp { why: text(error) }
    } else {
        match error.source().and_then(|source| source.downcast_ref::<h2::Error>()) {
            // RFC 9113, section 8.7: a stream that was reset so had no effect.
            Some(h2) if h2.is_remote() && h2.reason() == Some(h2::Reason::REFUSED_STREAM) => {
                return Failure::Refused(HttpError::Cut { why: text(error) });
            }
            // Section 6.8: so does a stream behind the last one that GOAWAY names, and h2 ends no other one with it.
            Some(h2) if h2.is_remote() && h2.is_go_away() => {
                return Failure::Refused(HttpError::Cut { why: text(error) });
            }
            Some(h2) if h2.is_io() => return Failure::Unanswered(HttpError::Cut { why: text(error) }),
            // Our side found fault with the peer's frames; headers beyond the limit show so too.
            Some(h2) if h2.is_library() => HttpError::NotHttp { why: text(error) },
            _ => HttpError::Cut { why: text(error) },
        }
    };
    Failure::Final(error)
}

/// The error of a body.
pub(super) fn body(error: &hyper::Error) -> HttpError {
    HttpError::Cut { why: text(error) }
}

/// An error with its causes on one line: hyper's own text names only the outermost.
pub(super) fn text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = cause.source();
    }
    text
}
