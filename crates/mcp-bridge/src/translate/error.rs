//! Errors of an upstream server for a client of the other era.

use mcp_core::message::{ErrorObject, RawJson, code};
use mcp_core::session::InputRequired;

use super::Era;

/// The error as a client of the other era understands it. `uri` is the resource that was read, if it was one.
///
/// The sessions replace the remaining codes that an era does not have.
pub(crate) fn error(downstream: Era, error: ErrorObject, uri: Option<&str>) -> ErrorObject {
    match downstream {
        Era::Legacy => for_legacy(error, uri),
        Era::Modern => for_modern(error, uri),
    }
}

/// From 2026-07-28. An unknown resource has its own code before.
// ERR-S-006.
fn for_legacy(mut error: ErrorObject, uri: Option<&str>) -> ErrorObject {
    let unknown = error.code == code::INVALID_PARAMS
        && uri.is_some()
        && error.data.as_ref().is_some_and(|data| data.member("uri").is_some());
    if unknown {
        error.code = code::RESOURCE_NOT_FOUND;
    }
    error
}

/// To 2026-07-28. Codes of the server's own lie in a range that is reserved there.
// ERR-B-003.
fn for_modern(mut error: ErrorObject, uri: Option<&str>) -> ErrorObject {
    match (error.code, uri) {
        (code::RESOURCE_NOT_FOUND, Some(uri)) => {
            error.code = code::INVALID_PARAMS;
            error.data = Some(RawJson::object([("uri", RawJson::string(uri))]));
        }
        (own @ -32099..=-32000, _) => {
            error.message = format!("{} (code {own} of the upstream server)", error.message).into();
            error.code = code::INTERNAL_ERROR;
        }
        _ => {}
    }
    error
}

/// The pages that `-32042` of 2025-11-25 wants the user to visit, as requests for input of 2026-07-28.
pub(crate) fn url_elicitations(error: &ErrorObject) -> Option<InputRequired> {
    if error.code != code::URL_ELICITATION_REQUIRED {
        return None;
    }
    let pages = error.data.as_ref()?.member("elicitations")?.elements();
    let input = pages.into_iter().enumerate().fold(InputRequired::default(), |input, (at, page)| {
        // `elicitationId` is for a notification that the modern era does not have.
        let page = page.without_members(&["elicitationId"]);
        let page = page.with_members(&[("mode", &RawJson::string("url"))]);
        input.and_ask(format!("page-{at}"), "elicitation/create", Some(page))
    });
    (!input.requests.is_empty()).then_some(input)
}
