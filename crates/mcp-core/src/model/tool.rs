//! Tools: how they are described, called, and what they answer.

use super::content::Content;
use super::implementation::Icon;
use super::object::object;
use super::page::page;
use crate::message::RawJson;

object! {
    /// A tool that a server offers. Its words are the server's: untrusted.
    pub struct Tool {
        required {
            /// The name that calls it.
            name: String = "name";
            /// The JSON Schema of its arguments, as text: `type` is `"object"`; the dialect is 2020-12
            /// where `$schema` says nothing (ledger SEC-B-012).
            input_schema: RawJson = "inputSchema";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// What it does, for the model.
            description: Option<String> = opt "description", with_description(String);
            /// The JSON Schema of `structuredContent` (2025-06-18 and later).
            output_schema: Option<RawJson> = raw "outputSchema", with_output_schema(RawJson);
            /// Hints on what it does to the world (2025-03-26 and later).
            annotations: Option<ToolAnnotations> = opt "annotations", with_annotations(ToolAnnotations);
            /// Pictures (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// Task support (2025-11-25 only).
            execution: Option<RawJson> = raw "execution", with_execution(RawJson);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl Tool {
    /// A tool that takes no arguments.
    pub fn without_parameters(name: impl Into<String>) -> Tool {
        let schema = [
            ("type", RawJson::string("object")),
            ("additionalProperties", RawJson::serialize(&false).unwrap_or_default()),
        ];
        Tool::new(name, RawJson::object(schema))
    }

    /// The name to show: the title, the annotations' title, or the name.
    pub fn display_name(&self) -> &str {
        let annotated = self.annotations.as_ref().and_then(|annotations| annotations.title.as_deref());
        self.title.as_deref().or(annotated).unwrap_or(&self.name)
    }
}

object! {
    /// Hints on what a tool does to the world. Never decide on them for a server that is not trusted.
    #[derive(Default)]
    pub struct ToolAnnotations {
        required {}
        optional {
            /// A name for people.
            title: Option<String> = opt "title", with_title(String);
            /// It changes nothing. Absent: it may.
            read_only_hint: Option<bool> = opt "readOnlyHint", with_read_only_hint(bool);
            /// It may destroy. Absent: it may.
            destructive_hint: Option<bool> = opt "destructiveHint", with_destructive_hint(bool);
            /// Calling it again with the same arguments changes nothing more. Absent: it may.
            idempotent_hint: Option<bool> = opt "idempotentHint", with_idempotent_hint(bool);
            /// It reaches beyond a closed set of things. Absent: it does.
            open_world_hint: Option<bool> = opt "openWorldHint", with_open_world_hint(bool);
        }
    }
}

page! {
    /// One page of tools.
    ListToolsResult, "tools/list",
    /// The tools.
    tools: Tool = "tools"
}

object! {
    /// The parameters of `tools/call`.
    pub struct CallToolParams {
        required {
            /// Which tool.
            name: String = "name";
        }
        optional {
            /// Its arguments, as text: an object. `null` is kept apart from absent.
            arguments: Option<RawJson> = raw "arguments", with_arguments(RawJson);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// What a tool answers. A tool that failed answers too: with `is_error` (ledger ERR-S-008).
    #[derive(Default)]
    pub struct CallToolResult {
        required {}
        optional {
            /// What the model is to see.
            content: Vec<Content> = seq "content", with_content(Vec<Content>);
            /// The answer as JSON, as text (2025-06-18 and later): an object; any JSON on 2026-07-28, where
            /// `null` is an answer and not absent.
            structured_content: Option<RawJson> = raw "structuredContent",
                with_structured_content(RawJson);
            /// The tool failed. Absent: it did not.
            is_error: Option<bool> = opt "isError";
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl CallToolResult {
    /// An answer of one text.
    pub fn text(text: impl Into<String>) -> CallToolResult {
        CallToolResult::new().with_content([Content::text(text)])
    }

    /// The tool failed, and this is why. The model sees it and can try again; an error of the protocol it
    /// never sees (ledger ERR-S-008).
    pub fn error(text: impl Into<String>) -> CallToolResult {
        CallToolResult { is_error: Some(true), ..CallToolResult::text(text) }
    }

    /// An answer as JSON, and once more as text for clients that do not know `structuredContent`.
    pub fn structured(value: RawJson) -> CallToolResult {
        CallToolResult::text(value.to_string()).with_structured_content(value)
    }

    /// Whether the tool failed.
    pub fn failed(&self) -> bool {
        self.is_error == Some(true)
    }

    /// The texts among the content.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.content.iter().filter_map(Content::as_text)
    }
}
