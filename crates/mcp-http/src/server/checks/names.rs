//! Compares the headers that copy the body with it.

// Ledger 2.6 step 6.

use hyper::HeaderMap;
use hyper::header::HeaderName;
use mcp_core::message::{Field, Refusal, Request};

use super::{Single, mismatch, single, trim};
use crate::headers::{self, METHOD, NAME, decode_value};
use crate::param::{Annotation, values};

// Ledger HDR-S-005, HDR-B-006, HDR-S-007, HDR-S-010.
/// Checks `Mcp-Method` and `Mcp-Name`. `Mcp-Name` is read only for the methods that have one.
pub(crate) fn check_names(headers: &HeaderMap, request: &Request) -> Result<(), Refusal> {
    let fault = |why: &'static str| Err(mismatch(request, why));
    match single(headers, &METHOD) {
        Single::Absent => return fault("Header mismatch: Mcp-Method is missing"),
        Single::Many => return fault("Header mismatch: Mcp-Method is repeated"),
        Single::One(method) if trim(method) != request.method.as_str().as_bytes() => {
            return fault("Header mismatch: Mcp-Method differs from the body's method");
        }
        Single::One(_) => {}
    }
    let Some(field) = headers::named_by(request.method.as_str()) else { return Ok(()) };
    if let (Single::One(name), Some(params)) = (single(headers, &NAME), &request.params)
        && params.field(field).is_some_and(|json| is_plain_copy(name.as_bytes(), json))
    {
        return Ok(());
    }
    let body = request.params.as_ref().and_then(|params| params.field_text(field));
    compare(headers, &NAME, body.as_deref(), |body, header| body == header).map_err(|why| {
        let member = if field == Field::Uri { "uri" } else { "name" };
        mismatch(request, format!("Header mismatch: Mcp-Name (the body's params.{member}) {why}"))
    })
}

/// Whether a header's value is the text of this JSON string, and needs no decoding: most names are letters, digits and a few
/// signs. May return false negatives, never false positives.
pub(super) fn is_plain_copy(value: &[u8], json: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/' | b':');
    let inner = json.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner == Some(value) && value.iter().all(plain)
}

// Ledger HDR-S-011, HDR-S-020, HDR-S-021, HDR-C-017, T-30.
/// Checks the `Mcp-Param-*` headers of these annotations against the arguments. Other `Mcp-Param-*` headers are
/// ignored.
pub(crate) fn check_params(
    headers: &HeaderMap,
    request: &Request,
    annotations: &[Annotation],
) -> Result<(), Refusal> {
    let arguments = request.params.as_ref().and_then(|params| params.field_json(Field::Arguments));
    for (annotation, value) in annotations.iter().zip(values(arguments.as_ref(), annotations)) {
        let header = &annotation.header;
        let fault =
            |why: &dyn std::fmt::Display| mismatch(request, format!("Header mismatch: {header} {why}"));
        let body = value.map_err(|error| fault(&format_args!(": {error}")))?;
        compare(headers, header, body.as_ref(), |body, header| body.matches(header))
            .map_err(|why| fault(&why))?;
    }
    Ok(())
}

/// Compares a header with the value of the body.
fn compare<T>(
    headers: &HeaderMap,
    name: &HeaderName,
    body: Option<T>,
    same: impl Fn(T, &str) -> bool,
) -> Result<(), &'static str> {
    match (single(headers, name), body) {
        (Single::Absent, None) => Ok(()),
        (Single::Absent, Some(_)) => Err("is missing, and the body has a value"),
        (Single::Many, _) => Err("is repeated"),
        (Single::One(_), None) => Err("has a value, and the body has none"),
        (Single::One(value), Some(body)) => {
            if same(body, &decode_value(value)?) {
                Ok(())
            } else {
                Err("differs from the body")
            }
        }
    }
}
