//! Prompts: templates of messages that a user selects.
//!
//! See [prompts](https://modelcontextprotocol.io/specification/2025-11-25/server/prompts).

use std::collections::BTreeMap;

use super::content::{Content, Role};
use super::implementation::Icon;
use super::object::object;
use super::page::page;
use super::skipped::Skipped;
use crate::message::RawJson;

object! {
    /// A prompt that a server offers.
    pub struct Prompt {
        required {
            /// The name for `prompts/get`.
            name: String = "name";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// A description.
            description: Option<String> = opt "description", with_description(String);
            /// The arguments.
            arguments: Option<Vec<PromptArgument>> = opt "arguments", with_arguments(Vec<PromptArgument>);
            /// Icons (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// An argument of a prompt. Its value is a string.
    pub struct PromptArgument {
        required {
            /// The name of the argument.
            name: String = "name";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// A description.
            description: Option<String> = opt "description", with_description(String);
            /// Whether the argument is required. It is not if this is absent.
            required: Option<bool> = opt "required", with_required(bool);
        }
    }
}

page! {
    /// One page of prompts.
    ListPromptsResult, "prompts/list",
    /// The prompts.
    prompts: Prompt = "prompts"
}

object! {
    /// The parameters of `prompts/get`.
    pub struct GetPromptParams {
        required {
            /// The name of the prompt.
            name: String = "name";
        }
        optional {
            /// The values of the arguments, by name.
            arguments: Option<BTreeMap<String, String>> = opt "arguments",
                with_arguments(BTreeMap<String, String>);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The result of `prompts/get`.
    #[derive(Default)]
    pub struct GetPromptResult {
        required {}
        optional {
            /// A description of the prompt.
            description: Option<String> = opt "description", with_description(String);
            /// The messages for the model.
            messages: Vec<PromptMessage> = list "messages", with_messages(Vec<PromptMessage>);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
        local {
            /// The messages that were read and do not have the form of a [`PromptMessage`]. Not written.
            skipped: Vec<Skipped> = misfits of PromptMessage, "messages";
        }
    }
}

object! {
    /// One message of a prompt.
    pub struct PromptMessage {
        required {
            /// The author.
            role: Role = "role";
            /// The content: one block.
            content: Content = "content";
        }
        optional {}
    }
}
