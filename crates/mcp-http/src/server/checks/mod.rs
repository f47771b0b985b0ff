//! The checks of a POST that need both its headers and its body, in the order of ledger 2.6.
//!
//! [`route`](route()) is step 5 and the responses of step 4, [`route_batch`] the arrays of step 4,
//! [`check_names`] and [`check_params`] the two header checks of step 6, and [`status`](status()) the column
//! of ledger 2.5. The session decides the rest, for example whether a method exists.

mod names;
mod route;
mod status;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::message::{ErrorObject, ProtocolVersion, Refusal, Request, code};

use crate::headers::PROTOCOL_VERSION;

pub(crate) use names::{check_names, check_params};
pub(crate) use route::{Route, route, route_batch};
pub(crate) use status::status;

/// The value of a header that must not be repeated.
#[derive(Debug, PartialEq)]
enum Single<'a> {
    Absent,
    One(&'a HeaderValue),
    /// Repeated: two readers could read two values.
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

/// The value of `Mcp-Protocol-Version`. Equal copies of a legacy version count once, as lines or as a list, because some
/// clients and gateways add the header again. Any other repetition is `Many`.
pub(crate) fn version_label(headers: &HeaderMap) -> Label<'_> {
    let usual = match single(headers, &PROTOCOL_VERSION) {
        Single::Absent => return Label::Absent,
        Single::One(value) if !value.as_bytes().contains(&b',') => return Label::One(trim(value)),
        Single::One(value) => value,
        Single::Many => match headers.get(&PROTOCOL_VERSION) {
            Some(first) => first,
            None => return Label::Absent,
        },
    };
    let first = usual.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
    let copies = headers
        .get_all(&PROTOCOL_VERSION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let legacy = std::str::from_utf8(first)
        .ok()
        .and_then(ProtocolVersion::parse)
        .is_some_and(ProtocolVersion::is_legacy);
    if legacy && copies.map(<[u8]>::trim_ascii).all(|copy| copy == first) {
        Label::One(first)
    } else {
        Label::Many
    }
}

/// The value of a header whose equal copies count once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label<'a> {
    Absent,
    One(&'a [u8]),
    Many,
}

// Ledger HDR-S-007.
/// A value without the white space around it.
fn trim(value: &HeaderValue) -> &[u8] {
    value.as_bytes().trim_ascii()
}

// Ledger HDR-S-005.
/// `-32020` for a request. The text names headers, never values, which can be secrets.
fn mismatch(request: &Request, why: impl Into<Cow<'static, str>>) -> Refusal {
    let error = ErrorObject::new(code::HEADER_MISMATCH, why);
    Refusal::of_request(request.id.clone(), error)
}
