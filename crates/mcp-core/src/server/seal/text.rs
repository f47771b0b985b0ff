//! The format of a sealed state: base64url over fixed fields, a payload and a MAC.
//!
//! ```text
//! version 1 | key 8 | expiry 8 (ms since 1970, big-endian) | nonce 16 | payload | MAC 32
//! ```

#![expect(clippy::indexing_slicing, reason = "`decode` has checked that the fixed fields are there")]

use base64ct::{Base64UrlUnpadded, Encoding};

use super::key::KEY_ID;
use super::{Fault, SealError};

/// The longest sealed state, in bytes of ASCII text. Its payload is at most 49,087 bytes.
pub const MAX_TEXT: usize = 64 * 1024;

pub(super) const VERSION: u8 = 1;
pub(super) const NONCE: usize = 16;
pub(super) const MAC: usize = 32;
const HEAD: usize = 1 + KEY_ID + 8 + NONCE;

/// The fields of a sealed state, not yet verified.
#[derive(Debug)]
pub(super) struct Fields {
    bytes: Vec<u8>,
}

/// The text of these fields.
pub(super) fn encode(head: &[u8], payload: &[u8], mac: &[u8]) -> Result<String, SealError> {
    let length = head.len() + payload.len() + mac.len();
    // Base64 makes four bytes of three. Compared first, so that a long payload is not copied.
    if length > MAX_TEXT / 4 * 3 {
        return Err(SealError::TooLong);
    }
    Ok(Base64UrlUnpadded::encode_string(&[head, payload, mac].concat()))
}

/// The bytes before the payload.
pub(super) fn head(key: &[u8; KEY_ID], expiry: u64, nonce: &[u8; NONCE]) -> Vec<u8> {
    [&[VERSION], &key[..], &expiry.to_be_bytes(), nonce].concat()
}

/// The fields of a text. Non-canonical base64 is refused, so that exactly one text has these fields.
pub(super) fn decode(text: &str) -> Result<Fields, Fault> {
    if text.len() > MAX_TEXT {
        return Err(Fault::TooLong);
    }
    let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| Fault::Malformed)?;
    match bytes.first() {
        Some(&VERSION) if bytes.len() >= HEAD + MAC => Ok(Fields { bytes }),
        None | Some(&VERSION) => Err(Fault::Malformed),
        Some(_) => Err(Fault::Version),
    }
}

impl Fields {
    pub(super) fn key(&self) -> &[u8] {
        &self.bytes[1..1 + KEY_ID]
    }

    pub(super) fn expiry(&self) -> u64 {
        let field = &self.bytes[1 + KEY_ID..HEAD - NONCE];
        field.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub(super) fn nonce(&self) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&self.bytes[HEAD - NONCE..HEAD]);
        nonce
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.bytes[..HEAD]
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[HEAD..self.bytes.len() - MAC]
    }

    pub(super) fn mac(&self) -> &[u8] {
        &self.bytes[self.bytes.len() - MAC..]
    }
}

/// The text of a payload that stays in the process.
pub(super) fn plain(payload: &[u8]) -> Result<String, SealError> {
    encode(&[], payload, &[])
}

/// The payload of a text of [`plain`].
pub(super) fn from_plain(text: &str) -> Result<Vec<u8>, Fault> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| Fault::Malformed)
}
