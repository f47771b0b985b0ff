//! What a tool's closure returns: a result, a failure that the model sees, or a refusal.

use serde::Serialize;

use crate::message::{ErrorObject, RawJson, encode};
use crate::session::InputRequired;
use crate::session::server::{LARGE_RESULT, ROOM_BEHIND};

/// What a tool says.
#[derive(Clone, Debug)]
pub enum ToolReply {
    /// A whole `CallToolResult` object.
    Result(RawJson),
    /// It needs input first.
    InputRequired(InputRequired),
}

impl ToolReply {
    /// One text.
    pub fn text(text: &str) -> ToolReply {
        ToolReply::Result(content(text, false))
    }

    /// A structured result, and the same as text for clients that do not read it.
    pub fn structured(value: RawJson) -> ToolReply {
        let text = content(&value.to_string(), false);
        ToolReply::Result(text.with_members(&[("structuredContent", &value)]))
    }
}

impl From<String> for ToolReply {
    fn from(text: String) -> ToolReply {
        ToolReply::text(&text)
    }
}

impl From<&str> for ToolReply {
    fn from(text: &str) -> ToolReply {
        ToolReply::text(text)
    }
}

/// A whole `CallToolResult` object.
impl From<RawJson> for ToolReply {
    fn from(result: RawJson) -> ToolReply {
        ToolReply::Result(result)
    }
}

impl From<InputRequired> for ToolReply {
    fn from(input: InputRequired) -> ToolReply {
        ToolReply::InputRequired(input)
    }
}

/// A value as structured content, and the same as text for clients that do not read it. What is no JSON
/// object goes out as text alone, since revisions before 2026-07-28 know no other structured content.
/// A value that cannot be serialized makes the tool fail.
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

/// How a tool fails. `?` makes a [`ToolError::Failed`] of a text and a [`ToolError::Refused`] of an
/// [`ErrorObject`].
#[derive(Clone, Debug)]
pub enum ToolError {
    /// The tool ran and failed: a result with `isError`, which the model reads and may act upon.
    Failed(String),
    /// The call itself is wrong: a JSON-RPC error.
    Refused(ErrorObject),
}

impl From<String> for ToolError {
    fn from(text: String) -> ToolError {
        ToolError::Failed(text)
    }
}

impl From<&str> for ToolError {
    fn from(text: &str) -> ToolError {
        ToolError::Failed(text.to_owned())
    }
}

impl From<ErrorObject> for ToolError {
    fn from(error: ErrorObject) -> ToolError {
        ToolError::Refused(error)
    }
}

/// A `CallToolResult` with one text.
pub(super) fn content(text: &str, is_error: bool) -> RawJson {
    const HEAD: &[u8] = br#"{"content":[{"type":"text","text":"#;
    let tail: &[u8] = if is_error { br#"}],"isError":true}"# } else { b"}]}" };
    // In one piece: the text may be large, and then what completes the result stands behind it.
    let room = if text.len() < LARGE_RESULT { 0 } else { ROOM_BEHIND };
    let mut out = Vec::with_capacity(HEAD.len() + text.len() + tail.len() + 2 + room);
    out.extend_from_slice(HEAD);
    encode::write_string(text, &mut out);
    out.extend_from_slice(tail);
    RawJson::trusted(out.into())
}
