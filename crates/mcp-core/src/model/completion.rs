//! Completion of arguments while a person types.

use std::collections::BTreeMap;

use super::Number;
use super::object::object;
use super::tagged::tagged;
use crate::message::RawJson;

/// The most values that one answer may hold; the specification's limit.
pub const MAX_COMPLETION_VALUES: usize = 100;

object! {
    /// The parameters of `completion/complete`.
    pub struct CompleteParams {
        required {
            /// Of what the argument is.
            reference: CompletionRef = "ref";
            /// The argument so far.
            argument: CompletionArgument = "argument";
        }
        optional {
            /// What is known already (2025-06-18 and later).
            context: Option<CompletionContext> = opt "context", with_context(CompletionContext);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

tagged! {
    /// Of what an argument is.
    pub enum CompletionRef {
        /// Of a prompt.
        Prompt(PromptRef) = "ref/prompt",
        /// Of a resource template.
        Resource(ResourceTemplateRef) = "ref/resource",
    }
}

object! {
    /// A prompt, by its name. Inside [`CompletionRef`], which writes its `type`.
    pub struct PromptRef {
        required {
            /// The prompt's name.
            name: String = "name";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
        }
    }
}

object! {
    /// A resource template. Inside [`CompletionRef`], which writes its `type`.
    pub struct ResourceTemplateRef {
        required {
            /// The URI or the template.
            uri: String = "uri";
        }
        optional {}
    }
}

object! {
    /// An argument so far.
    pub struct CompletionArgument {
        required {
            /// Its name.
            name: String = "name";
            /// What was typed.
            value: String = "value";
        }
        optional {}
    }
}

object! {
    /// What is known of the other arguments.
    #[derive(Default)]
    pub struct CompletionContext {
        required {}
        optional {
            /// Their values.
            arguments: Option<BTreeMap<String, String>> = opt "arguments",
                with_arguments(BTreeMap<String, String>);
        }
    }
}

object! {
    /// The result of `completion/complete`.
    pub struct CompleteResult {
        required {
            /// The values.
            completion: Completion = "completion";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Values that an argument may take.
    #[derive(Default)]
    pub struct Completion {
        required {}
        optional {
            /// The values, best first: at most [`MAX_COMPLETION_VALUES`].
            values: Vec<String> = list "values";
            /// How many there are in all.
            total: Option<Number> = opt "total", with_total(Number);
            /// There are more.
            has_more: Option<bool> = opt "hasMore", with_has_more(bool);
        }
    }
}

impl Completion {
    /// The first of these values, as many as one answer may hold, with `total` and `has_more` set.
    pub fn of(values: Vec<String>) -> Completion {
        let total = values.len();
        let mut values = values;
        values.truncate(MAX_COMPLETION_VALUES);
        Completion { values, ..Completion::default() }
            .with_total(total as u64)
            .with_has_more(total > MAX_COMPLETION_VALUES)
    }
}
