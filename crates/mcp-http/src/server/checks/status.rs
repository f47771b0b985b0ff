//! The status of an answer on 2026-07-28, by the code and the maker of the error.

// Ledger 2.5, T-04.

use hyper::StatusCode;
use mcp_core::message::{ErrorObject, Response, code};
use mcp_core::transport::AnsweredBy;

/// The status of a modern exchange with this response.
pub(crate) fn status(response: &Response, answered_by: AnsweredBy) -> StatusCode {
    match (&response.outcome, answered_by) {
        (Ok(_), _) => StatusCode::OK,
        (Err(error), AnsweredBy::Protocol) => refusal_status(error),
        // Load balancers see only the status.
        (Err(_), AnsweredBy::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        // An error of a handler is an outcome of the call, whatever its code.
        (Err(error), _) if error.code == code::MISSING_CLIENT_CAPABILITY => StatusCode::BAD_REQUEST,
        (Err(_), _) => StatusCode::OK,
    }
}

/// The status of an error that was made before a handler saw the request.
///
/// `-32603` is 200: a client would not read the body of a 5xx.
pub(super) fn refusal_status(error: &ErrorObject) -> StatusCode {
    match error.code {
        code::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        code::PARSE_ERROR
        | code::INVALID_REQUEST
        | code::INVALID_PARAMS
        | code::HEADER_MISMATCH
        | code::MISSING_CLIENT_CAPABILITY
        | code::UNSUPPORTED_VERSION => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}
