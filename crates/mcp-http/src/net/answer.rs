//! The answer to a request: its head, and its body to be read.

use std::time::SystemTime;

use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, HeaderMap};

use super::body::Body;
use super::{credentials, retry_after};
use crate::error::Refused;

/// The head of an answer, and its body to be read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Answer {
    /// What a status says that carries no answer in MCP: with the wait it asks for, its challenge, and the first
    /// `limit` bytes of its body.
    pub(crate) async fn refused(self, limit: usize) -> Refused {
        let mut refused = self.refusal();
        refused.body = match encoding(&self.headers) {
            Some(encoding) => format!("(a body encoded as {encoding})"),
            None => self.body.clip(limit).await,
        };
        refused
    }

    /// The same without the body.
    pub(crate) fn refusal(&self) -> Refused {
        let mut refused = Refused::new(self.status);
        refused.retry_after = retry_after::retry_after(&self.headers, SystemTime::now());
        let challenges = credentials::challenges(&self.headers);
        refused.challenge = (!challenges.is_empty()).then(|| challenges.join(", "));
        refused
    }
}

/// The encoding of a body, if it has one.
pub(super) fn encoding(headers: &HeaderMap) -> Option<String> {
    // Answers have few headers: their names are compared faster than one is hashed.
    let (_, value) = headers.iter().find(|(name, _)| **name == CONTENT_ENCODING)?;
    let text = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    (!text.is_empty() && text != "identity").then(|| text.chars().take(40).collect())
}
