//! What a tool's closure returns.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{ErrorObject, ProtocolVersion, RawJson, encode};
use crate::model::{CallToolResult, Content, Model, misfit};
use crate::server::{Context, HandlerError};
use crate::session::InputRequired;
use crate::session::server::{LARGE_RESULT, ROOM_BEHIND, Reply};

use super::Route;

/// The route of a tool's closure.
pub(super) fn route<F, Fut, R>(closure: F) -> Route<RawJson>
where
    F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
    R: IntoToolReply,
{
    Arc::new(move |arguments, context| {
        closure(arguments, context)
            .map(|outcome| match outcome.map(IntoToolReply::into_tool_reply) {
                Ok(ToolReply::Result(result)) => Ok(Reply::Result(result)),
                Ok(ToolReply::InputRequired(input)) => Ok(Reply::InputRequired(input)),
                Err(error) => error.into_tool_outcome(),
            })
            .boxed()
    })
}

/// The arguments as a type, or how the tool fails.
pub(super) fn read<Args: DeserializeOwned>(
    arguments: &RawJson,
    context: &Context,
) -> Result<Args, HandlerError> {
    arguments.deserialize().map_err(|error| {
        let text = format!("Invalid arguments: {}", misfit(&error));
        // ERR-S-010: a failure, which the model sees and can correct, from the revision that says so.
        match context.version() {
            ProtocolVersion::V2024_11_05 | ProtocolVersion::V2025_03_26 | ProtocolVersion::V2025_06_18 => {
                HandlerError::Refused(ErrorObject::invalid_params(text))
            }
            _ => HandlerError::Failed(text),
        }
    })
}

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

/// What a tool's closure may return: text, [`Json`], a [`CallToolResult`], a [`Content`] block or several, `()`,
/// a complete result object as [`RawJson`], or a [`ToolReply`].
///
/// Where the branches of a closure return different types, convert each with `.into()` to [`ToolReply`]. A
/// request for input leaves the closure as an error: `Err(input)?`, or as a [`ToolReply`].
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a tool's result",
    note = "wrap a value that implements `serde::Serialize`: `Ok(Json(value))`, with `mcp_core::server::Json`",
    note = "a tool also returns text, `()`, `model::Content`, `model::CallToolResult`, `RawJson` or `ToolReply`",
    note = "to ask for input, use `context.ask(..).await?`, or return `Err(input_required)?`"
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

/// For a closure of which one branch asks and another answers.
impl From<InputRequired> for ToolReply {
    fn from(input: InputRequired) -> ToolReply {
        ToolReply::InputRequired(input)
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
    CallToolResult: result => ToolReply::Result(result.to_raw());
    Content: block => CallToolResult::new().with_content([block]).into();
    Vec<Content>: blocks => CallToolResult::new().with_content(blocks).into();
    (): _nothing => CallToolResult::new().into();
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

/// A `CallToolResult` with one text.
pub(in crate::server) fn content(text: &str, is_error: bool) -> RawJson {
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
