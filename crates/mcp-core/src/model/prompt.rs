//! Prompts: templates of messages that a person picks.

use std::collections::BTreeMap;

use super::content::{Content, Role};
use super::implementation::Icon;
use super::object::object;
use super::page::page;
use crate::message::RawJson;

object! {
    /// A prompt that a server offers.
    pub struct Prompt {
        required {
            /// The name that gets it.
            name: String = "name";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// What it is for.
            description: Option<String> = opt "description", with_description(String);
            /// What it wants to know.
            arguments: Option<Vec<PromptArgument>> = opt "arguments", with_arguments(Vec<PromptArgument>);
            /// Pictures (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// What a prompt wants to know. Always a string.
    pub struct PromptArgument {
        required {
            /// Its name.
            name: String = "name";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// What it means.
            description: Option<String> = opt "description", with_description(String);
            /// The prompt cannot do without. Absent: it can.
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
            /// Which prompt.
            name: String = "name";
        }
        optional {
            /// The values of its arguments.
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
            /// What the prompt is for.
            description: Option<String> = opt "description", with_description(String);
            /// The messages for the model.
            messages: Vec<PromptMessage> = list "messages", with_messages(Vec<PromptMessage>);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// One message of a prompt.
    pub struct PromptMessage {
        required {
            /// Who says it.
            role: Role = "role";
            /// What is said: one block.
            content: Content = "content";
        }
        optional {}
    }
}
