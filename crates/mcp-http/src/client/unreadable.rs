//! Texts in the place of messages that are not messages: quoted, and searched for the ids of calls.

use mcp_core::message::{AnswerSearch, Refusal, Shape};

use super::came::START;
use crate::error::first_line;

/// The refusal of this text, which is quoted; one for each answer that shows an id, and at least one.
// FAULT F-C1.
pub(super) fn explain(refusal: Refusal, text: &[u8]) -> Vec<Refusal> {
    let refusal = quoted(refusal, text);
    if refusal.id.is_some() || refusal.shape != Shape::Unknown {
        return vec![refusal];
    }
    let ids = AnswerSearch::new().search(text);
    if ids.is_empty() {
        return vec![refusal];
    }
    let answers = ids.into_iter().map(|id| {
        let mut answer = refusal.clone();
        answer.id = Some(id);
        answer.shape = Shape::Response;
        answer
    });
    answers.collect()
}

/// The refusal of this text, which is quoted.
pub(super) fn quoted(mut refusal: Refusal, text: &[u8]) -> Refusal {
    let why = &refusal.error.message;
    refusal.error.message = format!("{why}: `{}`", start_of(text)).into();
    refusal
}

/// The first line of a text, shortened and without control characters.
pub(super) fn start_of(text: &[u8]) -> String {
    first_line(&String::from_utf8_lossy(text.get(..START).unwrap_or(text)))
}
