//! What is said of input that is no legal message.

use super::{ErrorObject, RequestId, code};

/// What the refused input seems to have been. It decides whether it may be answered: a notification and
/// a response never are (ledger RPC-B-004).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has a `method` and an `id`.
    Request,
    /// It has a `method` and no `id`.
    Notification,
    /// It has a `result` or an `error`.
    Response,
    /// Nobody can tell.
    Unknown,
}

/// Input that a transport or the envelope refused. The session decides whether to answer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The id, where it could be read (ledger ID-B-006).
    pub id: Option<RequestId>,
    /// What it seems to have been.
    pub shape: Shape,
    /// What to answer, and for a log: which rule was broken, or which limit was hit.
    pub error: ErrorObject,
    /// The limit that was hit, if it was one: its name and its value.
    pub limit: Option<(&'static str, u64)>,
}

impl Refusal {
    /// A refusal of something that could not be read at all: `-32700`.
    pub fn unreadable(why: impl std::fmt::Display) -> Refusal {
        let error = ErrorObject::new(code::PARSE_ERROR, format!("Parse error: {why}"));
        Refusal { id: None, shape: Shape::Unknown, error, limit: None }
    }

    /// A refusal of something that was read and is not legal: `-32600`.
    pub fn invalid(id: Option<RequestId>, shape: Shape, why: impl std::fmt::Display) -> Refusal {
        let error = ErrorObject::invalid_request(format!("Invalid request: {why}"));
        Refusal { id, shape, error, limit: None }
    }

    /// A refusal of something longer than a limit, which is named with its value in bytes.
    pub fn too_long(id: Option<RequestId>, shape: Shape, limit_name: &'static str, limit: usize) -> Refusal {
        Refusal::invalid(id, shape, format_args!("longer than the {limit_name} limit of {limit} bytes"))
            .with_limit(limit_name, limit as u64)
    }

    /// The same refusal, because this limit was hit.
    #[must_use]
    pub fn with_limit(mut self, name: &'static str, limit: u64) -> Refusal {
        self.limit = Some((name, limit));
        self
    }

    /// Whether it may be answered: requests, and what nobody can tell.
    pub fn is_answerable(&self) -> bool {
        matches!(self.shape, Shape::Request | Shape::Unknown)
    }
}
