//! Statuses: ledger 2.5, by code and by who made the error.

use mcp_core::message::{ErrorObject, RawJson, Response, code};
use mcp_core::transport::AnsweredBy;

use super::super::status;
use super::super::status::refusal_status;

/// HTTP-S-019, HTTP-S-020, T-04, T-43: code, status if the protocol says so, status if a handler does.
const TABLE: &[(i64, u16, u16)] = &[
    (code::PARSE_ERROR, 400, 200),
    (code::INVALID_REQUEST, 400, 200),
    (code::METHOD_NOT_FOUND, 404, 200),
    (code::INVALID_PARAMS, 400, 200),
    (code::INTERNAL_ERROR, 200, 200),
    (code::HEADER_MISMATCH, 400, 200),
    (code::MISSING_CLIENT_CAPABILITY, 400, 400),
    (code::UNSUPPORTED_VERSION, 400, 200),
    (code::RESOURCE_NOT_FOUND, 200, 200),
    (-32800, 200, 200),
    (-1, 200, 200),
    (0, 200, 200),
    (7, 200, 200),
];

#[test]
fn each_code_has_its_status() {
    for (code, protocol, handler) in TABLE {
        let error = ErrorObject::new(*code, "x");
        let response = Response::error(Some(1.into()), error.clone());
        assert_eq!(status(&response, AnsweredBy::Protocol), *protocol, "{code}");
        assert_eq!(status(&response, AnsweredBy::Handler), *handler, "{code}");
        assert_eq!(status(&response, AnsweredBy::Busy), 503, "{code}");
        assert_eq!(refusal_status(&error), *protocol, "{code}");
    }
    for origin in [AnsweredBy::Protocol, AnsweredBy::Handler] {
        assert_eq!(status(&Response::result(1.into(), RawJson::EMPTY_OBJECT), origin), 200);
    }
}
