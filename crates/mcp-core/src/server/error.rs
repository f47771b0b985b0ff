//! How a closure of a router fails.

use std::error::Error as StdError;

use crate::message::ErrorObject;
use crate::session::InputRequired;
use crate::session::server::Reply;

use super::router::content;

/// How a closure of a [`Router`](crate::server::Router) ends without a result.
///
/// `?` converts every error and every text into a [`HandlerError::Failed`] whose text is the error's message
/// followed by those of its sources: **the model or the client reads it**, so map errors that contain secrets
/// first. An [`ErrorObject`] becomes a [`HandlerError::Refused`], also in a `Box<dyn Error + Send + Sync>`; an
/// [`InputRequired`] becomes a [`HandlerError::InputRequired`].
///
/// ```
/// use mcp_core::server::{HandlerError, Router};
///
/// let router = Router::new().tool("count", |_arguments, _context| async {
///     let text = std::fs::read_to_string("notes.txt")?;
///     if text.is_empty() {
///         return Err("there are no notes".into());
///     }
///     Ok(text.lines().count().to_string())
/// });
/// ```
///
/// This type does not implement [`std::error::Error`]: the conversion from every error excludes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HandlerError {
    /// It ran and failed. A tool's failure is a result with `isError`, which the model reads and may act upon.
    /// Other requests are answered with `-32603` and this text.
    Failed(String),
    /// The request itself is wrong: a JSON-RPC error, which the model usually does not see.
    Refused(ErrorObject),
    /// The client has to give input first, and the request is served again with its answers. This is how
    /// [`Context::ask`](crate::server::Context::ask) works; pass it on with `?`.
    InputRequired(InputRequired),
}

impl HandlerError {
    /// The outcome of a request other than a tool call.
    pub(super) fn into_outcome(self) -> Result<Reply, ErrorObject> {
        match self {
            HandlerError::Failed(text) => Err(ErrorObject::internal(text)),
            HandlerError::Refused(error) => Err(error),
            HandlerError::InputRequired(input) => Ok(Reply::InputRequired(input)),
        }
    }

    /// The outcome of a tool call.
    pub(super) fn into_tool_outcome(self) -> Result<Reply, ErrorObject> {
        match self {
            HandlerError::Failed(text) => Ok(Reply::Result(content(&text, true))),
            other => other.into_outcome(),
        }
    }
}

impl From<InputRequired> for HandlerError {
    fn from(input: InputRequired) -> HandlerError {
        HandlerError::InputRequired(input)
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> HandlerError {
        let error = match error.into().downcast::<ErrorObject>() {
            Ok(refusal) => return HandlerError::Refused(*refusal),
            Err(error) => error,
        };
        #[cfg(feature = "seal")]
        let error = match crate::server::seal::refusal(error) {
            Ok(refusal) => return HandlerError::Refused(refusal),
            Err(error) => error,
        };
        HandlerError::Failed(chain(&*error))
    }
}

/// The message of an error and of its sources. A source that the text has already is not repeated.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}
