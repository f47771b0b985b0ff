//! What a tool's closure returns: a result, a failure that the model sees, or a refusal.

use std::error::Error as StdError;

use serde::Serialize;

use crate::message::{ErrorObject, RawJson, encode};
use crate::model::{CallToolResult, Model};
use crate::session::InputRequired;
use crate::session::server::{LARGE_RESULT, ROOM_BEHIND};

/// What a tool answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ToolReply {
    /// A complete `CallToolResult` object.
    Result(RawJson),
    /// The tool needs input from the client first.
    InputRequired(InputRequired),
}

impl ToolReply {
    /// A reply of one text block.
    pub fn text(text: &str) -> ToolReply {
        ToolReply::Result(content(text, false))
    }

    /// A structured result, repeated as text for clients that do not read structured content.
    pub fn structured(value: RawJson) -> ToolReply {
        let text = content(&value.to_string(), false);
        ToolReply::Result(text.with_members(&[("structuredContent", &value)]))
    }
}

/// What a tool's closure may return: text, [`Json`], a [`CallToolResult`], a complete result object as
/// [`RawJson`], an [`InputRequired`], or a [`ToolReply`].
///
/// Where the branches of a closure return different types, convert each with `.into()` to [`ToolReply`].
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a tool's result",
    note = "wrap a value that implements `serde::Serialize`: `Ok(Json(value))`, with `mcp_core::server::Json`",
    note = "a tool also returns text, `model::CallToolResult`, `RawJson` or `ToolReply`"
)]
pub trait IntoToolReply {
    /// The reply.
    fn into_tool_reply(self) -> ToolReply;
}

impl IntoToolReply for ToolReply {
    fn into_tool_reply(self) -> ToolReply {
        self
    }
}

macro_rules! replies {
    ($($Type:ty: $value:ident => $reply:expr;)*) => { $(
        impl From<$Type> for ToolReply {
            fn from($value: $Type) -> ToolReply {
                $reply
            }
        }

        impl IntoToolReply for $Type {
            fn into_tool_reply(self) -> ToolReply {
                self.into()
            }
        }
    )* };
}

replies! {
    String: text => ToolReply::text(&text);
    &str: text => ToolReply::text(text);
    RawJson: result => ToolReply::Result(result);
    InputRequired: input => ToolReply::InputRequired(input);
    CallToolResult: result => ToolReply::Result(result.to_raw());
}

/// A value as structured content, repeated as text for clients that do not read structured content.
///
/// A value that is not a JSON object is sent as text only, because revisions before 2026-07-28 allow no
/// other structured content. If the value cannot be serialized, the tool fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(
    /// The value.
    pub T,
);

impl<T: Serialize> From<Json<T>> for ToolReply {
    fn from(Json(value): Json<T>) -> ToolReply {
        match RawJson::serialize(&value) {
            Ok(value) if value.is_object() => ToolReply::structured(value),
            Ok(value) => ToolReply::text(&value.to_string()),
            Err(error) => {
                tracing::error!(%error, "a tool's result could not be serialized");
                ToolReply::Result(content("The result could not be written as JSON", true))
            }
        }
    }
}

impl<T: Serialize> IntoToolReply for Json<T> {
    fn into_tool_reply(self) -> ToolReply {
        self.into()
    }
}

/// How a tool fails.
///
/// `?` converts every error and every text into a [`ToolError::Failed`] whose text is the error's message
/// followed by those of its sources: **the model reads it**, so map errors that contain secrets first. An
/// [`ErrorObject`] becomes a [`ToolError::Refused`], also in a `Box<dyn Error + Send + Sync>`.
///
/// ```
/// use mcp_core::server::{Router, ToolError};
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
pub enum ToolError {
    /// The tool ran and failed: a result with `isError`, which the model reads and may act upon.
    Failed(String),
    /// The call itself is wrong: a JSON-RPC error, which the model usually does not see.
    Refused(ErrorObject),
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for ToolError {
    fn from(error: E) -> ToolError {
        let error = match error.into().downcast::<ErrorObject>() {
            Ok(refusal) => return ToolError::Refused(*refusal),
            Err(error) => error,
        };
        #[cfg(feature = "seal")]
        let error = match crate::server::seal::refusal(error) {
            Ok(refusal) => return ToolError::Refused(refusal),
            Err(error) => error,
        };
        ToolError::Failed(chain(&*error))
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

/// A `CallToolResult` with one text.
pub(super) fn content(text: &str, is_error: bool) -> RawJson {
    const HEAD: &[u8] = br#"{"content":[{"type":"text","text":"#;
    let tail: &[u8] = if is_error { br#"}],"isError":true}"# } else { b"}]}" };
    // In one buffer: the text may be large, and the session appends the members of the era to it.
    let spare = if text.len() < LARGE_RESULT { 0 } else { ROOM_BEHIND };
    let mut out = Vec::with_capacity(HEAD.len() + text.len() + tail.len() + 2 + spare);
    out.extend_from_slice(HEAD);
    encode::write_string(text, &mut out);
    out.extend_from_slice(tail);
    RawJson::trusted(out.into())
}
