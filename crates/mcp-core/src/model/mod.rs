//! Typed MCP parameters and results. Using them is optional: every payload is also available as
//! [raw JSON](crate::message::RawJson).
//!
//! The types cover all five protocol revisions; a member that a revision does not have is absent. Reading is
//! lenient and lossless: an optional member that is `null` counts as absent, an unknown member is kept in
//! `extra`, and a word or a content block of an unknown kind is kept as `Other`. All of these are kept as
//! JSON text, so numbers keep their digits, and are written back.
//!
//! Members that sessions handle are not fields here and stay in `extra`: `resultType`, `inputResponses` and
//! `requestState` of 2026-07-28, and the tasks of 2025-11-25. A session answers a result that asks for input;
//! check `resultType` before reading a result that was not received by a session.
//!
//! The types follow the [schema](https://modelcontextprotocol.io/specification/2025-11-25/schema) of the
//! specification.
//!
//! ```
//! use mcp_core::message::RawJson;
//! use mcp_core::model::{CallToolResult, Model, Tool};
//!
//! let schema = RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"number"}}}"#).unwrap();
//! let tool = Tool::new("double", schema).with_description("Doubles a number");
//! assert!(tool.to_raw().member("inputSchema").is_some());
//!
//! let raw = RawJson::parse(r#"{"content":[{"type":"text","text":"4"}],"x":1}"#).unwrap();
//! let result = CallToolResult::from_raw(&raw).unwrap();
//! assert_eq!(result.texts().collect::<Vec<_>>(), ["4"]);
//! assert_eq!(result.to_raw(), raw);
//! ```

mod capabilities;
mod completion;
mod content;
mod discover;
mod elicitation;
mod implementation;
mod initialize;
mod logging;
mod members;
mod number;
mod object;
mod page;
mod progress;
mod prompt;
mod resource;
mod roots;
mod sampling;
pub(crate) mod skipped;
mod tagged;
mod tool;
mod word;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::message::RawJson;

pub use capabilities::{
    ClientCapabilities, ElicitationCapability, ListCapability, ResourcesCapability, SamplingCapability,
    ServerCapabilities,
};
pub use completion::{
    CompleteParams, CompleteResult, Completion, CompletionArgument, CompletionContext, CompletionRef,
    MAX_COMPLETION_VALUES, PromptRef, ResourceTemplateRef,
};
pub use content::{Annotations, AudioContent, Content, EmbeddedResource, ImageContent, Role, TextContent};
pub use discover::DiscoverResult;
pub use elicitation::{
    ElicitAction, ElicitForm, ElicitParams, ElicitResult, ElicitUrl, ElicitationComplete,
    UrlElicitationRequired,
};
pub use implementation::{Icon, IconTheme, Implementation};
pub use initialize::{InitializeParams, InitializeResult};
pub use logging::{LogMessage, SetLevelParams};
pub use members::Members;
pub use number::Number;
pub use page::{CacheScope, Page, PageParams};
pub use progress::Progress;
pub use prompt::{
    GetPromptParams, GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage,
};
pub use resource::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents,
    ResourceParams, ResourceTemplate,
};
pub use roots::{ListRootsResult, Root};
pub use sampling::{
    CreateMessageParams, CreateMessageResult, IncludeContext, ModelHint, ModelPreferences, SamplingBlock,
    SamplingContent, SamplingMessage, StopReason, ToolChoice, ToolChoiceMode, ToolResultContent,
    ToolUseContent,
};
pub use skipped::Skipped;
pub use tool::{CallToolParams, CallToolResult, ListToolsResult, Tool, ToolAnnotations};

/// The longest part of an error of serde that another message quotes, in characters: it may contain a peer's
/// whole text.
const MAX_QUOTED: usize = 300;

/// What does not fit a type, without the position in the text, which the reader of the message does not see.
pub(crate) fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).chars().take(MAX_QUOTED).collect()
}

/// A type that is read from and written to raw JSON.
///
/// Implemented by every object and tagged enumeration of this module. Their `Serialize` and `Deserialize`
/// implementations work with serde_json only, like those of [`RawJson`].
pub trait Model: Serialize + DeserializeOwned {
    /// The name of the type in error messages.
    const NAME: &'static str;

    /// Writes the JSON text. It cannot fail: all keys are strings, and raw members are checked text.
    fn to_raw(&self) -> RawJson {
        RawJson::serialize(self).unwrap_or_default()
    }

    /// Reads the JSON text, in time and memory linear in its length. A lone surrogate in a string reads as U+FFFD.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`] names the type and what is wrong: a required member is missing, a member has the
    /// wrong JSON type, or a member occurs twice.
    fn from_raw(raw: &RawJson) -> Result<Self, Error> {
        strictly(raw)
    }
}

/// Reads the JSON text, all of which has to have the form of the type.
fn strictly<M: Model>(raw: &RawJson) -> Result<M, Error> {
    raw.deserialize().map_err(|error| Error::Violation(format!("{}: {}", M::NAME, misfit(&error))))
}
