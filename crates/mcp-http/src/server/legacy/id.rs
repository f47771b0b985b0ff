//! Session ids: random, visible ASCII, never shown.

use std::fmt;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use hyper::header::HeaderValue;

// Ledger SESS-S-002 requires 128.
/// Random bytes in an id: 192 bits.
const BYTES: usize = 24;

/// The id of a session. Not shown by `Debug`, because it gives access to the session.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct SessionId(Arc<str>);

impl SessionId {
    // SESS-S-003.
    /// A random id from the system's generator: letters, digits, `-` and `_` only.
    pub(super) fn fresh() -> Result<SessionId, getrandom::Error> {
        let mut bytes = [0_u8; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(SessionId(Base64UrlUnpadded::encode_string(&bytes).into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a header value. Marked sensitive, so that HTTP/2 does not index it and `Debug` does not show it.
    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// For look-ups by the text of a header.
impl std::borrow::Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// SESS-S-002, SESS-S-003; FAULT B: predictable session ids.
    #[test]
    fn a_million_ids_are_distinct_and_visible_ascii() {
        let mut seen = HashSet::with_capacity(1 << 20);
        for _ in 0..1_000_000 {
            let id = SessionId::fresh().unwrap();
            assert_eq!(id.as_str().len(), 32);
            assert!(id.as_str().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            assert!(seen.insert(id));
        }
    }

    /// SESS-C-005: an id shows up in no log.
    #[test]
    fn an_id_is_not_shown() {
        let id = SessionId::fresh().unwrap();
        assert_eq!(format!("{id:?}"), "***");
        assert!(!format!("{:?}", id.to_header().unwrap()).contains(id.as_str()));
    }
}
