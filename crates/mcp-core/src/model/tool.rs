//! Tools: their descriptions, calls and results.
//!
//! See [tools](https://modelcontextprotocol.io/specification/2025-11-25/server/tools).

use super::content::Content;
use super::implementation::Icon;
use super::object::object;
use super::page::page;
use crate::message::RawJson;

object! {
    /// A tool that a server offers. Do not trust the texts of a server that is not trusted.
    pub struct Tool {
        required {
            /// The name for `tools/call`.
            name: String = "name";
            /// The JSON Schema of the arguments, of `type` `"object"`. The dialect is 2020-12 unless
            /// `$schema` names another.
            input_schema: RawJson = "inputSchema";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// A description for the model.
            description: Option<String> = opt "description", with_description(String);
            /// The JSON Schema of `structuredContent` (2025-06-18 and later).
            output_schema: Option<RawJson> = raw "outputSchema", with_output_schema(RawJson);
            /// Hints on the effects of the tool (2025-03-26 and later).
            annotations: Option<ToolAnnotations> = opt "annotations", with_annotations(ToolAnnotations);
            /// Icons (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// Task support (2025-11-25 only).
            execution: Option<RawJson> = raw "execution", with_execution(RawJson);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl Tool {
    /// Creates a tool without arguments.
    pub fn without_parameters(name: impl Into<String>) -> Tool {
        let schema = [
            ("type", RawJson::string("object")),
            ("additionalProperties", RawJson::serialize(&false).unwrap_or_default()),
        ];
        Tool::new(name, RawJson::object(schema))
    }

    /// The name to display: the title, else the title of the annotations, else the name.
    pub fn display_name(&self) -> &str {
        let annotated = self.annotations.as_ref().and_then(|annotations| annotations.title.as_deref());
        self.title.as_deref().or(annotated).unwrap_or(&self.name)
    }
}

object! {
    /// Hints on the effects of a tool. Do not base decisions on those of a server that is not trusted.
    #[derive(Default)]
    pub struct ToolAnnotations {
        required {}
        optional {
            /// A display name.
            title: Option<String> = opt "title", with_title(String);
            /// Whether the tool changes nothing. `false` if absent.
            read_only_hint: Option<bool> = opt "readOnlyHint", with_read_only_hint(bool);
            /// Whether the changes may be destructive. `true` if absent.
            destructive_hint: Option<bool> = opt "destructiveHint", with_destructive_hint(bool);
            /// Whether another call with the same arguments has no further effect. `false` if absent.
            idempotent_hint: Option<bool> = opt "idempotentHint", with_idempotent_hint(bool);
            /// Whether the tool interacts with entities outside a closed domain. `true` if absent.
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
            /// The name of the tool.
            name: String = "name";
        }
        optional {
            /// The arguments: an object. An explicit `null` is `Some`.
            arguments: Option<RawJson> = raw "arguments", with_arguments(RawJson);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The result of `tools/call`. A tool that failed has a result too, with `is_error`.
    #[derive(Default)]
    pub struct CallToolResult {
        required {}
        optional {
            /// The content for the model.
            content: Vec<Content> = seq "content", with_content(Vec<Content>);
            /// The result as JSON (2025-06-18 and later): an object, or any JSON on 2026-07-28. An explicit
            /// `null` is `Some`.
            structured_content: Option<RawJson> = raw "structuredContent",
                with_structured_content(RawJson);
            /// Whether the tool failed. It did not if this is absent.
            is_error: Option<bool> = opt "isError";
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl CallToolResult {
    /// Creates a result with one block of text.
    pub fn text(text: impl Into<String>) -> CallToolResult {
        CallToolResult::new().with_content([Content::text(text)])
    }

    /// Creates the result of a tool that failed, with the reason. The model sees it and can try again, unlike
    /// an error response.
    // ERR-S-008.
    pub fn error(text: impl Into<String>) -> CallToolResult {
        CallToolResult { is_error: Some(true), ..CallToolResult::text(text) }
    }

    /// Creates a result with JSON, and with the same JSON as text for clients that do not support
    /// `structuredContent`.
    pub fn structured(value: impl Into<RawJson>) -> CallToolResult {
        let value = value.into();
        CallToolResult::text(value.to_string()).with_structured_content(value)
    }

    /// Whether the tool failed.
    pub fn failed(&self) -> bool {
        self.is_error == Some(true)
    }

    /// The texts of the blocks of text.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.content.iter().filter_map(Content::as_text)
    }
}
