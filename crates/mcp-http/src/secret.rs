//! Text that no log, no error and no `Debug` ever shows.

use std::fmt;

use hyper::header::{HeaderValue, InvalidHeaderValue};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret: a token, a header value. `Debug` and `Display` show stars only, and its memory is overwritten when it is
/// dropped. Copies that others make of it, such as the header that is sent, are not.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself. Say why where you call it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As a header value that is marked sensitive, so that HTTP/2 does not index it and `Debug` does not show
    /// it.
    ///
    /// # Errors
    ///
    /// Characters that a header cannot hold.
    pub fn to_header(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = HeaderValue::from_str(&self.0)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// In constant time for secrets of one length.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests;
