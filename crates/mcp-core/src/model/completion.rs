//! Completion of arguments while a user types.
//!
//! See [completion](https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion).

use std::collections::BTreeMap;

use super::Number;
use super::object::object;
use super::tagged::tagged;
use crate::message::RawJson;

/// The largest number of values in one answer, by the specification.
pub const MAX_COMPLETION_VALUES: usize = 100;

object! {
    /// The parameters of `completion/complete`.
    pub struct CompleteParams {
        required {
            /// What the argument belongs to.
            reference: CompletionRef = "ref";
            /// The argument, as far as it was typed.
            argument: CompletionArgument = "argument";
        }
        optional {
            /// The other arguments (2025-06-18 and later).
            context: Option<CompletionContext> = opt "context", with_context(CompletionContext);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

tagged! {
    /// What an argument belongs to.
    pub enum CompletionRef {
        /// A prompt.
        Prompt(PromptRef) = "ref/prompt",
        /// A resource template.
        Resource(ResourceTemplateRef) = "ref/resource",
    }
}

object! {
    /// A reference to a prompt. [`CompletionRef`] writes its `type`.
    pub struct PromptRef {
        required {
            /// The name of the prompt.
            name: String = "name";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
        }
    }
}

object! {
    /// A reference to a resource template. [`CompletionRef`] writes its `type`.
    pub struct ResourceTemplateRef {
        required {
            /// The URI or the URI template.
            uri: String = "uri";
        }
        optional {}
    }
}

object! {
    /// An argument, as far as it was typed.
    pub struct CompletionArgument {
        required {
            /// The name of the argument.
            name: String = "name";
            /// The typed text.
            value: String = "value";
        }
        optional {}
    }
}

object! {
    /// The other arguments, which are complete.
    #[derive(Default)]
    pub struct CompletionContext {
        required {}
        optional {
            /// Their values, by name.
            arguments: Option<BTreeMap<String, String>> = opt "arguments",
                with_arguments(BTreeMap<String, String>);
        }
    }
}

object! {
    /// The result of `completion/complete`.
    pub struct CompleteResult {
        required {
            /// The possible values.
            completion: Completion = "completion";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Possible values of an argument.
    #[derive(Default)]
    pub struct Completion {
        required {}
        optional {
            /// The values, best first: at most [`MAX_COMPLETION_VALUES`].
            values: Vec<String> = list "values";
            /// The number of possible values, which may be more than those listed.
            total: Option<Number> = opt "total", with_total(Number);
            /// Whether there are more values than those listed.
            has_more: Option<bool> = opt "hasMore", with_has_more(bool);
        }
    }
}

impl Completion {
    /// The first [`MAX_COMPLETION_VALUES`] of these values, with `total` and `has_more` set.
    pub fn of(values: Vec<String>) -> Completion {
        let total = values.len();
        let mut values = values;
        values.truncate(MAX_COMPLETION_VALUES);
        Completion { values, ..Completion::default() }
            .with_total(total as u64)
            .with_has_more(total > MAX_COMPLETION_VALUES)
    }
}
