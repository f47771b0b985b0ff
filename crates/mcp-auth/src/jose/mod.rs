//! Signed JSON (JWS, JWK and JWT, RFC 7515 to 7519) on ring.
//!
//! Only asymmetric algorithms exist here: neither `none` nor HMAC can be named, so no token can choose them.

mod algorithm;
mod base64url;
#[cfg(feature = "client")]
mod sign;
#[cfg(any(feature = "server", test))]
mod verify;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub(crate) use base64url::{decode, encode};
#[cfg(feature = "client")]
pub(crate) use sign::{KeyError, SigningKey};
#[cfg(any(feature = "server", test))]
#[cfg_attr(not(test), allow(unused_imports))]
pub(crate) use verify::{Header, JoseError, Jws, KeySet};

/// The SHA-256 of a text in base64url, as PKCE and DPoP use it.
#[cfg(feature = "client")]
pub(crate) fn sha256(text: &str) -> String {
    encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
}
