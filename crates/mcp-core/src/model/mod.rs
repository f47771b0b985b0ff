//! Typed MCP parameters and results over the raw payloads. Using them is optional everywhere.
//!
//! The types cover all five revisions at once: what a revision does not have is absent. Reading is lenient
//! and lossless: an optional member that is `null` counts as absent, a member that no type here names is
//! kept in `extra`, an enumeration or a content block of an unknown kind is kept as `Other`. What is kept
//! is JSON text, so numbers keep their digits. Writing puts everything back.
//!
//! What sessions handle has no name here and stays in `extra` where it was read: `resultType`,
//! `inputResponses` and `requestState` of 2026-07-28, tasks of 2025-11-25. A result that asks for input is
//! the session's to answer: look at `resultType` before reading a result that did not come through one.
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
pub use tool::{CallToolParams, CallToolResult, ListToolsResult, Tool, ToolAnnotations};

/// The longest part of serde's message that an error repeats: it may quote the peer's text whole.
const MAX_QUOTED: usize = 300;

/// What does not fit a type, without the position in the text, which means nothing to who reads it.
pub(crate) fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).chars().take(MAX_QUOTED).collect()
}

/// A typed object that reads from and writes to raw JSON.
///
/// Implemented by every object and tagged enumeration of this module. Serialize and Deserialize work with
/// serde_json only, as they do for [`RawJson`].
pub trait Model: Serialize + DeserializeOwned {
    /// The type's name in error messages.
    const NAME: &'static str;

    /// The JSON text. Cannot fail: keys are strings and payloads are checked text.
    fn to_raw(&self) -> RawJson {
        RawJson::serialize(self).unwrap_or_default()
    }

    /// Reads it. Time and memory grow linearly with the text.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`] names the type and what does not fit: a required member that is missing, a
    /// member of the wrong JSON type, a member of the type that stands there twice.
    fn from_raw(raw: &RawJson) -> Result<Self, Error> {
        raw.deserialize().map_err(|error| Error::Violation(format!("{}: {}", Self::NAME, misfit(&error))))
    }
}
