//! The one fixed bearer token of a server, compared in constant time.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::Secret;

/// Whether the request carries this token: exactly one `Authorization` header with the scheme `Bearer`, in any case.
///
/// The time of the comparison depends only on the lengths of the tokens. An empty secret matches nothing.
pub(crate) fn matches(secret: &Secret, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let value = value.as_bytes().trim_ascii();
    let Some(space) = value.iter().position(|byte| *byte == b' ') else { return false };
    let (scheme, token) = value.split_at(space);
    // Never empty, as nothing ends in a space here.
    let token = token.trim_ascii_start();
    scheme.eq_ignore_ascii_case(b"bearer") && bool::from(token.ct_eq(secret.expose().as_bytes()))
}

#[cfg(test)]
mod tests;
