//! The checks of one POST: what its headers and its body decide together, in the order of ledger 2.6.
//!
//! [`route`](route()) is step 5 and the responses of step 4, [`route_batch`] the arrays of step 4,
//! [`check_names`] and [`check_params`] the two header checks of step 6, and [`status`](status()) the column
//! of ledger 2.5. What the bytes and headers cannot tell, unknown methods above all, the session decides.

mod names;
mod route;
mod status;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::message::{ErrorObject, Refusal, Request, Shape, code};

pub(crate) use names::{check_names, check_params};
pub(crate) use route::{Route, route, route_batch};
pub(crate) use status::status;

/// What a header says that may stand there once.
#[derive(Debug, PartialEq)]
enum Single<'a> {
    Absent,
    One(&'a HeaderValue),
    /// Two readers might read two values, so they contradict each other.
    Many,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Single<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::One(value),
        _ => Single::Many,
    }
}

/// Without the white space around it, which is no part of a value (ledger HDR-S-007).
fn trim(value: &HeaderValue) -> &[u8] {
    value.as_bytes().trim_ascii()
}

/// `-32020` for a request (ledger HDR-S-005). The text names headers only: values can be secrets.
fn mismatch(request: &Request, why: impl Into<Cow<'static, str>>) -> Refusal {
    let error = ErrorObject::new(code::HEADER_MISMATCH, why);
    Refusal { id: Some(request.id.clone()), shape: Shape::Request, error, limit: None }
}
