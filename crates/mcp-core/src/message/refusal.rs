//! Input that is not a legal message, with the reason.

use super::{ErrorObject, RequestId, code};

/// What the refused input seems to have been. It decides whether the input may be answered: a notification
/// and a response never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has a `method` and an `id`.
    Request,
    /// It has a `method` and no `id`.
    Notification,
    /// It has a `result` or an `error`.
    Response,
    /// None of these members could be read.
    Unknown,
}

/// Input that a transport or the decoder refused. The session decides whether to answer it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// The id, if it could be read.
    pub id: Option<RequestId>,
    /// What the input seems to have been.
    pub shape: Shape,
    /// The error to answer or to log. Its message names the rule that was broken or the limit that was exceeded.
    pub error: ErrorObject,
    /// The name and the value of the limit that was exceeded, if that is the reason.
    pub limit: Option<(&'static str, u64)>,
}

impl Refusal {
    /// A refusal of input that could not be parsed: `-32700`.
    pub fn unreadable(why: impl std::fmt::Display) -> Refusal {
        let error = ErrorObject::new(code::PARSE_ERROR, format!("Parse error: {why}"));
        Refusal { id: None, shape: Shape::Unknown, error, limit: None }
    }

    /// A refusal of input that was parsed and is not a legal message: `-32600`.
    pub fn invalid(id: Option<RequestId>, shape: Shape, why: impl std::fmt::Display) -> Refusal {
        let error = ErrorObject::invalid_request(format!("Invalid request: {why}"));
        Refusal { id, shape, error, limit: None }
    }

    /// A refusal of a request that was read, with the error to answer.
    pub fn of_request(id: RequestId, error: ErrorObject) -> Refusal {
        Refusal { id: Some(id), shape: Shape::Request, error, limit: None }
    }

    /// A refusal of a notification that was read. It is never answered; the error is for the log.
    pub fn of_notification(error: ErrorObject) -> Refusal {
        Refusal { id: None, shape: Shape::Notification, error, limit: None }
    }

    /// A refusal of input that is longer than a limit of `limit` bytes: `-32600`.
    pub fn too_long(id: Option<RequestId>, shape: Shape, limit_name: &'static str, limit: usize) -> Refusal {
        Refusal::invalid(id, shape, format_args!("longer than the {limit_name} limit of {limit} bytes"))
            .with_limit(limit_name, limit as u64)
    }

    /// Sets the limit that was exceeded.
    #[must_use]
    pub fn with_limit(mut self, name: &'static str, limit: u64) -> Refusal {
        self.limit = Some((name, limit));
        self
    }

    /// Whether the input may be answered: requests, and input of an unknown shape.
    pub fn is_answerable(&self) -> bool {
        matches!(self.shape, Shape::Request | Shape::Unknown)
    }
}
