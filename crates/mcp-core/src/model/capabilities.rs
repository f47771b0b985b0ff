//! What each side says it can do. Open objects: unknown capabilities are kept.

use super::Members;
use super::object::object;
use crate::Error;
use crate::message::{RawJson, meta};

object! {
    /// What a client can do. The default says: nothing optional.
    #[derive(Default)]
    pub struct ClientCapabilities {
        required {}
        optional {
            /// It has roots to list.
            roots: Option<ListCapability> = opt "roots", with_roots(ListCapability);
            /// It can ask a model.
            sampling: Option<SamplingCapability> = opt "sampling", with_sampling(SamplingCapability);
            /// It can ask a person (2025-06-18 and later).
            elicitation: Option<ElicitationCapability> = opt "elicitation",
                with_elicitation(ElicitationCapability);
            /// Extensions by id, with their settings (2026-07-28).
            extensions: Option<Members> = opt "extensions";
            /// What no specification names.
            experimental: Option<Members> = opt "experimental", with_experimental(Members);
        }
    }
}

object! {
    /// What a server can do. The default says: nothing optional.
    #[derive(Default)]
    pub struct ServerCapabilities {
        required {}
        optional {
            /// It has tools.
            tools: Option<ListCapability> = opt "tools", with_tools(ListCapability);
            /// It has prompts.
            prompts: Option<ListCapability> = opt "prompts", with_prompts(ListCapability);
            /// It has resources.
            resources: Option<ResourcesCapability> = opt "resources", with_resources(ResourcesCapability);
            /// It completes arguments (2025-03-26 and later). Any object says yes.
            completions: Option<Members> = opt "completions", with_completions(Members);
            /// It sends log messages. Any object says yes.
            logging: Option<Members> = opt "logging", with_logging(Members);
            /// Extensions by id, with their settings (2026-07-28).
            extensions: Option<Members> = opt "extensions";
            /// What no specification names.
            experimental: Option<Members> = opt "experimental", with_experimental(Members);
        }
    }
}

object! {
    /// A list that may change: tools, prompts, or a client's roots.
    #[derive(Default)]
    pub struct ListCapability {
        required {}
        optional {
            /// Changes of the list are announced. Not for roots on 2026-07-28.
            list_changed: Option<bool> = opt "listChanged", with_list_changed(bool);
        }
    }
}

object! {
    /// Resources, their list, and changes of single ones.
    #[derive(Default)]
    pub struct ResourcesCapability {
        required {}
        optional {
            /// Changes of single resources are announced to those who ask.
            subscribe: Option<bool> = opt "subscribe", with_subscribe(bool);
            /// Changes of the list are announced.
            list_changed: Option<bool> = opt "listChanged", with_list_changed(bool);
        }
    }
}

object! {
    /// How a client can ask a model.
    #[derive(Default)]
    pub struct SamplingCapability {
        required {}
        optional {
            /// It can add context of servers (`includeContext`; deprecated).
            context: Option<Members> = opt "context", with_context(Members);
            /// It can give the model tools (2025-11-25 and later; ledger LIFE-S-014).
            tools: Option<Members> = opt "tools", with_tools(Members);
        }
    }
}

object! {
    /// How a client can ask a person. Without a mode it means forms only.
    #[derive(Default)]
    pub struct ElicitationCapability {
        required {}
        optional {
            /// By a form.
            form: Option<Members> = opt "form", with_form(Members);
            /// By sending the person to a URL (2025-11-25 and later).
            url: Option<Members> = opt "url", with_url(Members);
        }
    }
}

impl ClientCapabilities {
    /// The server may send form elicitations: form is declared, or elicitation without any mode.
    pub fn elicits_by_form(&self) -> bool {
        self.elicitation
            .as_ref()
            .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
    }

    /// The server may send URL elicitations (ledger LIFE-S-014).
    pub fn elicits_by_url(&self) -> bool {
        self.elicitation.as_ref().is_some_and(|elicitation| elicitation.url.is_some())
    }

    /// The server may send sampling requests with tools (ledger LIFE-S-014).
    pub fn samples_with_tools(&self) -> bool {
        self.sampling.as_ref().is_some_and(|sampling| sampling.tools.is_some())
    }

    /// Declares an extension. `settings` may be `{}`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the id has no prefix or is malformed (ledger META-B-014), or the settings are
    /// not an object.
    pub fn with_extension(mut self, id: &str, settings: RawJson) -> Result<Self, Error> {
        declare(&mut self.extensions, id, settings)?;
        Ok(self)
    }
}

impl ServerCapabilities {
    /// Declares an extension. `settings` may be `{}`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the id has no prefix or is malformed (ledger META-B-014), or the settings are
    /// not an object.
    pub fn with_extension(mut self, id: &str, settings: RawJson) -> Result<Self, Error> {
        declare(&mut self.extensions, id, settings)?;
        Ok(self)
    }
}

fn declare(extensions: &mut Option<Members>, id: &str, settings: RawJson) -> Result<(), Error> {
    if !meta::is_valid_extension_id(id) {
        return Err(Error::Misuse(format!("{id:?} is not an extension id: it has to be prefix/name")));
    }
    if !settings.is_object() {
        return Err(Error::Misuse(format!("the settings of {id} are {}", settings.kind_name())));
    }
    extensions.get_or_insert_default().set(id, settings);
    Ok(())
}
