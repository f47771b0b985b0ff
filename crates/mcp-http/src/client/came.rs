//! What has come of answers that are not complete, for errors of time.

use std::sync::Arc;

use hyper::header::HeaderMap;
use mcp_core::transport::{Lane, PeerEvidence};

use super::answer::content_type;
use crate::error::first_line;
use crate::lock::Lock;

/// How many unfinished answers are kept: the newest.
const KEPT: usize = 4;
/// How much of a body is looked at, in bytes.
pub(super) const START: usize = 800;

/// The unfinished answers of one link. Clones share them.
// FAULT F-C1.
#[derive(Clone, Debug, Default)]
pub(super) struct Came(Arc<Lock<Vec<(Lane, String)>>>);

impl Came {
    /// The evidence of this link.
    pub(super) fn evidence(&self) -> PeerEvidence {
        let came = self.clone();
        PeerEvidence::new(move || {
            let parts = came.0.lock();
            let texts: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        })
    }

    fn note(&self, lane: Lane, text: String) {
        let mut parts = self.0.lock();
        parts.retain(|(of, _)| *of != lane);
        if parts.len() == KEPT {
            parts.remove(0);
        }
        parts.push((lane, text));
    }

    fn forget(&self, lane: Lane) {
        self.0.lock().retain(|(of, _)| *of != lane);
    }
}

/// Notes what has come of one answer, whenever more of it has to be waited for. An answer that arrives whole costs
/// nothing.
pub(super) struct Watch<'a> {
    came: &'a Came,
    lane: Lane,
    method: &'a str,
    headers: &'a HeaderMap,
    /// How much of the start was noted.
    noted: Option<usize>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(came: &'a Came, lane: Lane, method: &'a str, headers: &'a HeaderMap) -> Watch<'a> {
        Watch { came, lane, method, headers, noted: None }
    }

    /// The headers of the answer.
    pub(super) fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The reader waits; this has come so far.
    pub(super) fn waits(&mut self, so_far: &[u8]) {
        let start = so_far.get(..START).unwrap_or(so_far);
        if self.noted.replace(start.len()) == Some(start.len()) {
            return;
        }
        let kind = content_type(self.headers).unwrap_or_else(|| "no content type".to_owned());
        let line = first_line(&String::from_utf8_lossy(start));
        let begun = if line.is_empty() { String::new() } else { format!(", beginning with `{line}`") };
        let text = format!("the answer to {} is not complete: {}{begun}", self.method, first_line(&kind));
        self.came.note(self.lane, text);
    }

    /// What was noted, for the error of a limit that was hit.
    pub(super) fn noted(&self) -> Option<String> {
        self.noted?;
        let parts = self.came.0.lock();
        parts.iter().find(|(of, _)| *of == self.lane).map(|(_, text)| text.clone())
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if self.noted.is_some() {
            self.came.forget(self.lane);
        }
    }
}
