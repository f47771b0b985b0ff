//! Sampling: a server asks the client's model.

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
            /// The most tokens to make. The client may make fewer.
            max_tokens: Number = "maxTokens";
        }
        optional {
            /// Which model the server would like. The client decides.
            model_preferences: Option<ModelPreferences> = opt "modelPreferences",
                with_model_preferences(ModelPreferences);
            /// The system prompt the server would like.
            system_prompt: Option<String> = opt "systemPrompt", with_system_prompt(String);
            /// Context of servers to add (deprecated; needs `sampling.context`).
            include_context: Option<IncludeContext> = opt "includeContext",
                with_include_context(IncludeContext);
            /// The temperature.
            temperature: Option<Number> = opt "temperature", with_temperature(Number);
            /// Texts that end the answer.
            stop_sequences: Option<Vec<String>> = opt "stopSequences", with_stop_sequences(Vec<String>);
            /// For the model's provider, as text.
            metadata: Option<RawJson> = raw "metadata", with_metadata(RawJson);
            /// Tools that the model may use (2025-11-25 and later).
            tools: Option<Vec<Tool>> = opt "tools", with_tools(Vec<Tool>);
            /// How it may use them (2025-11-25 and later).
            tool_choice: Option<ToolChoice> = opt "toolChoice", with_tool_choice(ToolChoice);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl CreateMessageParams {
    /// Whether it needs the client's `sampling.tools` capability (ledger LIFE-S-014).
    pub fn uses_tools(&self) -> bool {
        self.tools.is_some() || self.tool_choice.is_some()
    }
}

object! {
    /// The result of `sampling/createMessage`.
    pub struct CreateMessageResult {
        required {
            /// Who speaks: the assistant.
            role: Role = "role";
            /// What the model said.
            content: SamplingContent = "content";
            /// The model's name.
            model: String = "model";
        }
        optional {
            /// Why it stopped, if known.
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
            /// Who says it.
            role: Role = "role";
            /// What is said.
            content: SamplingContent = "content";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

/// One block, or several (2025-11-25 and later). The two forms are kept apart: older peers read one only.
#[derive(Clone, Debug, PartialEq)]
pub enum SamplingContent {
    /// One block, as every revision has it.
    One(SamplingBlock),
    /// Several, in an array.
    Many(Vec<SamplingBlock>),
}

impl SamplingContent {
    /// The blocks, in either form.
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
    /// One block of a sampling message.
    pub enum SamplingBlock {
        /// Text.
        Text(TextContent) = "text",
        /// A picture.
        Image(ImageContent) = "image",
        /// Sound (2025-03-26 and later).
        Audio(AudioContent) = "audio",
        /// The model wants a tool called (2025-11-25 and later).
        ToolUse(ToolUseContent) = "tool_use",
        /// What the tool answered (2025-11-25 and later).
        ToolResult(ToolResultContent) = "tool_result",
    }
}

impl SamplingBlock {
    /// A block of text.
    pub fn text(text: impl Into<String>) -> SamplingBlock {
        TextContent::new(text).into()
    }

    /// The text, if it is a block of text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            SamplingBlock::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

object! {
    /// The model wants a tool called. Inside [`SamplingBlock`], which writes its `type`.
    pub struct ToolUseContent {
        required {
            /// The call's id; its result names it.
            id: String = "id";
            /// The tool.
            name: String = "name";
            /// Its arguments, as text: an object.
            input: RawJson = "input";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// What a tool answered. Inside [`SamplingBlock`], which writes its `type`.
    pub struct ToolResultContent {
        required {
            /// The id of the tool use.
            tool_use_id: String = "toolUseId";
        }
        optional {
            /// What the model is to see.
            content: Vec<Content> = seq "content", with_content(Vec<Content>);
            /// The answer as JSON, as text; `null` is an answer.
            structured_content: Option<RawJson> = raw "structuredContent",
                with_structured_content(RawJson);
            /// The tool failed. Absent: it did not.
            is_error: Option<bool> = opt "isError", with_is_error(bool);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// How the model may use tools. The default: as it likes.
    #[derive(Default)]
    pub struct ToolChoice {
        required {}
        optional {
            /// The way. Absent is auto.
            mode: Option<ToolChoiceMode> = opt "mode", with_mode(ToolChoiceMode);
        }
    }
}

object! {
    /// Which model the server would like. Priorities go from 0 to 1.
    #[derive(Default)]
    pub struct ModelPreferences {
        required {}
        optional {
            /// Models by name, the most wanted first.
            hints: Option<Vec<ModelHint>> = opt "hints", with_hints(Vec<ModelHint>);
            /// How much low cost matters.
            cost_priority: Option<Number> = opt "costPriority", with_cost_priority(Number);
            /// How much speed matters.
            speed_priority: Option<Number> = opt "speedPriority", with_speed_priority(Number);
            /// How much intelligence matters.
            intelligence_priority: Option<Number> = opt "intelligencePriority",
                with_intelligence_priority(Number);
        }
    }
}

object! {
    /// A model by a part of its name.
    #[derive(Default)]
    pub struct ModelHint {
        required {}
        optional {
            /// The part of the name.
            name: Option<String> = opt "name", with_name(String);
        }
    }
}

word! {
    /// How the model may use tools.
    pub enum ToolChoiceMode {
        /// As it likes.
        Auto = "auto",
        /// It has to use one.
        Required = "required",
        /// Not at all.
        None = "none",
    }
}

word! {
    /// Whose context to add.
    pub enum IncludeContext {
        /// Nobody's.
        None = "none",
        /// The asking server's.
        ThisServer = "thisServer",
        /// Every server's.
        AllServers = "allServers",
    }
}

word! {
    /// Why the model stopped.
    pub enum StopReason {
        /// It was done.
        EndTurn = "endTurn",
        /// One of the stop sequences came.
        StopSequence = "stopSequence",
        /// It reached the limit.
        MaxTokens = "maxTokens",
        /// It wants a tool called (2025-11-25 and later).
        ToolUse = "toolUse",
    }
}
