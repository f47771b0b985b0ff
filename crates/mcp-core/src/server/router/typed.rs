//! What the model's types become on their way through a router.

use crate::model::{
    self, CallToolResult, CompleteResult, GetPromptResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, Model, ReadResourceResult, ResourceTemplate,
};
use crate::session::server::Reply;

use super::{Prompt, Resource, Template, Tool, ToolReply};

impl From<model::Tool> for Tool {
    fn from(tool: model::Tool) -> Tool {
        Tool { raw: tool.to_raw(), key: tool.name }
    }
}

impl From<model::Prompt> for Prompt {
    fn from(prompt: model::Prompt) -> Prompt {
        Prompt { raw: prompt.to_raw(), key: prompt.name }
    }
}

impl From<model::Resource> for Resource {
    fn from(resource: model::Resource) -> Resource {
        Resource { raw: resource.to_raw(), key: resource.uri }
    }
}

impl From<ResourceTemplate> for Template {
    fn from(template: ResourceTemplate) -> Template {
        Template { raw: template.to_raw(), key: template.uri_template }
    }
}

impl From<CallToolResult> for ToolReply {
    fn from(result: CallToolResult) -> ToolReply {
        ToolReply::Result(result.to_raw())
    }
}

macro_rules! replies {
    ($($Result:ident),*) => { $(
        impl From<$Result> for Reply {
            fn from(result: $Result) -> Reply {
                Reply::Result(result.to_raw())
            }
        }
    )* };
}

replies!(ReadResourceResult, GetPromptResult, CompleteResult);
// For closures that make a list themselves, because it changes.
replies!(ListToolsResult, ListPromptsResult, ListResourcesResult, ListResourceTemplatesResult);
