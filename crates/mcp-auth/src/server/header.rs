//! The token in the `Authorization` header.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The longest header that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// What a request brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Brought<'a> {
    /// No credentials, or those of another scheme.
    Nothing,
    Token(&'a str),
    /// A header that cannot be read.
    Malformed,
}

/// Reads the token. One in the query is never looked at.
// AU-S-04.
pub(super) fn token(headers: &HeaderMap) -> Brought<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Brought::Nothing };
    if values.next().is_some() || value.len() > LONGEST {
        return Brought::Malformed;
    }
    let Ok(text) = value.to_str() else { return Brought::Malformed };
    let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Brought::Nothing;
    }
    let token = token.trim_start();
    if is_token68(token) { Brought::Token(token) } else { Brought::Malformed }
}

/// RFC 9110, section 11.2.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(fits)
}
