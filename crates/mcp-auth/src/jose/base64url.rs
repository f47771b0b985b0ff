//! Base64 with the URL alphabet and without padding.

use base64ct::{Base64UrlUnpadded, Encoding};

/// Encodes bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Decodes a text. `None`: another alphabet, padding, or bits beyond the last byte.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}
