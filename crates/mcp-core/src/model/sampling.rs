//! Sampling: a server asks the model of the client.
//!
//! See [sampling](https://modelcontextprotocol.io/specification/2025-11-25/client/sampling).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::content::{AudioContent, Content, ImageContent, Role, TextContent};
use super::object::object;
use super::tagged::tagged;
use super::word::word;
use super::{Number, Tool};
use crate::message::RawJson;

object! {
    /// The parameters of `sampling/createMessage`.
    pub struct CreateMessageParams {
        required {
            /// The conversation.
            messages: Vec<SamplingMessage> = "messages";
            /// The maximum number of tokens to generate. The client may generate fewer.
            max_tokens: Number = "maxTokens";
        }
        optional {
            /// The preferred model. The client decides.
            model_preferences: Option<ModelPreferences> = opt "modelPreferences",
                with_model_preferences(ModelPreferences);
            /// The requested system prompt. The client may change or omit it.
            system_prompt: Option<String> = opt "systemPrompt", with_system_prompt(String);
            /// The context to include (deprecated; requires the capability `sampling.context`).
            include_context: Option<IncludeContext> = opt "includeContext",
                with_include_context(IncludeContext);
            /// The temperature.
            temperature: Option<Number> = opt "temperature", with_temperature(Number);
            /// Texts at which generation stops.
            stop_sequences: Option<Vec<String>> = opt "stopSequences", with_stop_sequences(Vec<String>);
            /// Parameters for the provider of the model.
            metadata: Option<RawJson> = raw "metadata", with_metadata(RawJson);
            /// Tools that the model may use (2025-11-25 and later).
            tools: Option<Vec<Tool>> = opt "tools", with_tools(Vec<Tool>);
            /// How the model may use the tools (2025-11-25 and later).
            tool_choice: Option<ToolChoice> = opt "toolChoice", with_tool_choice(ToolChoice);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl CreateMessageParams {
    /// Whether the client must have the capability `sampling.tools`.
    // LIFE-S-014.
    pub fn uses_tools(&self) -> bool {
        self.tools.is_some() || self.tool_choice.is_some()
    }
}

object! {
    /// The result of `sampling/createMessage`.
    pub struct CreateMessageResult {
        required {
            /// The author: the assistant.
            role: Role = "role";
            /// The answer of the model.
            content: SamplingContent = "content";
            /// The name of the model.
            model: String = "model";
        }
        optional {
            /// Why generation stopped, if known.
            stop_reason: Option<StopReason> = opt "stopReason", with_stop_reason(StopReason);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// One message of the conversation.
    pub struct SamplingMessage {
        required {
            /// The author.
            role: Role = "role";
            /// The content.
            content: SamplingContent = "content";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

/// The content of a message: one block, or several (2025-11-25 and later). The form is kept, because older
/// peers read a single block only.
#[derive(Clone, Debug, PartialEq)]
pub enum SamplingContent {
    /// One block, which every revision supports.
    One(SamplingBlock),
    /// An array of blocks.
    Many(Vec<SamplingBlock>),
}

impl SamplingContent {
    /// The blocks of either form.
    pub fn blocks(&self) -> &[SamplingBlock] {
        match self {
            SamplingContent::One(block) => std::slice::from_ref(block),
            SamplingContent::Many(blocks) => blocks,
        }
    }
}

impl<T: Into<SamplingBlock>> From<T> for SamplingContent {
    fn from(block: T) -> SamplingContent {
        SamplingContent::One(block.into())
    }
}

impl Serialize for SamplingContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            SamplingContent::One(block) => block.serialize(serializer),
            SamplingContent::Many(blocks) => blocks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SamplingContent, D::Error> {
        let raw = <RawJson as Deserialize>::deserialize(deserializer)?;
        let read = if raw.is_object() {
            raw.deserialize().map(SamplingContent::One)
        } else {
            raw.deserialize().map(SamplingContent::Many)
        };
        read.map_err(serde::de::Error::custom)
    }
}

tagged! {
    /// A block of a sampling message.
    pub enum SamplingBlock {
        /// Text.
        Text(TextContent) = "text",
        /// An image.
        Image(ImageContent) = "image",
        /// Audio (2025-03-26 and later).
        Audio(AudioContent) = "audio",
        /// A call of a tool by the model (2025-11-25 and later).
        ToolUse(ToolUseContent) = "tool_use",
        /// The result of such a call (2025-11-25 and later).
        ToolResult(ToolResultContent) = "tool_result",
    }
}

impl SamplingBlock {
    /// Creates a block of text.
    pub fn text(text: impl Into<String>) -> SamplingBlock {
        TextContent::new(text).into()
    }

    /// The text of a block of text, or `None`.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            SamplingBlock::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

object! {
    /// A call of a tool by the model. [`SamplingBlock`] writes its `type`.
    pub struct ToolUseContent {
        required {
            /// The id of the call, for its result.
            id: String = "id";
            /// The name of the tool.
            name: String = "name";
            /// The arguments: an object.
            input: RawJson = "input";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The result of a call by the model. [`SamplingBlock`] writes its `type`.
    pub struct ToolResultContent {
        required {
            /// The id of the call.
            tool_use_id: String = "toolUseId";
        }
        optional {
            /// The content for the model.
            content: Vec<Content> = seq "content", with_content(Vec<Content>);
            /// The result as JSON. An explicit `null` is `Some`.
            structured_content: Option<RawJson> = raw "structuredContent",
                with_structured_content(RawJson);
            /// Whether the tool failed. It did not if this is absent.
            is_error: Option<bool> = opt "isError", with_is_error(bool);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// How the model may use tools. The default leaves it to the model.
    #[derive(Default)]
    pub struct ToolChoice {
        required {}
        optional {
            /// The mode; [`ToolChoiceMode::Auto`] if absent.
            mode: Option<ToolChoiceMode> = opt "mode", with_mode(ToolChoiceMode);
        }
    }
}

object! {
    /// The preferred model. Priorities are from 0 to 1.
    #[derive(Default)]
    pub struct ModelPreferences {
        required {}
        optional {
            /// Names of models, the preferred one first.
            hints: Option<Vec<ModelHint>> = opt "hints", with_hints(Vec<ModelHint>);
            /// The importance of low cost.
            cost_priority: Option<Number> = opt "costPriority", with_cost_priority(Number);
            /// The importance of speed.
            speed_priority: Option<Number> = opt "speedPriority", with_speed_priority(Number);
            /// The importance of capability.
            intelligence_priority: Option<Number> = opt "intelligencePriority",
                with_intelligence_priority(Number);
        }
    }
}

object! {
    /// The name of a model, or a part of it.
    #[derive(Default)]
    pub struct ModelHint {
        required {}
        optional {
            /// The name or the part of it.
            name: Option<String> = opt "name", with_name(String);
        }
    }
}

word! {
    /// How the model may use tools.
    pub enum ToolChoiceMode {
        /// The model decides.
        Auto = "auto",
        /// The model must use a tool.
        Required = "required",
        /// The model must not use tools.
        None = "none",
    }
}

word! {
    /// Which context to include.
    pub enum IncludeContext {
        /// No context.
        None = "none",
        /// The context of the asking server.
        ThisServer = "thisServer",
        /// The context of all servers.
        AllServers = "allServers",
    }
}

word! {
    /// Why generation stopped.
    pub enum StopReason {
        /// The answer is complete.
        EndTurn = "endTurn",
        /// A stop sequence was generated.
        StopSequence = "stopSequence",
        /// The maximum number of tokens was reached.
        MaxTokens = "maxTokens",
        /// The model calls a tool (2025-11-25 and later).
        ToolUse = "toolUse",
    }
}
