//! The capabilities of clients and servers. Unknown capabilities are kept.

use super::Members;
use super::object::object;
use crate::Error;
use crate::message::{RawJson, meta};

object! {
    /// The [capabilities] of a client. The default has none.
    ///
    /// [capabilities]: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#capability-negotiation
    #[derive(Default)]
    pub struct ClientCapabilities {
        required {}
        optional {
            /// The client has roots.
            roots: Option<ListCapability> = opt "roots", with_roots(ListCapability);
            /// The client can ask a model.
            sampling: Option<SamplingCapability> = opt "sampling", with_sampling(SamplingCapability);
            /// The client can ask the user (2025-06-18 and later).
            elicitation: Option<ElicitationCapability> = opt "elicitation",
                with_elicitation(ElicitationCapability);
            /// Extensions: their ids, each with its settings (2026-07-28).
            extensions: Option<Members> = opt "extensions";
            /// Non-standard capabilities.
            experimental: Option<Members> = opt "experimental", with_experimental(Members);
        }
    }
}

object! {
    /// The [capabilities] of a server. The default has none.
    ///
    /// [capabilities]: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#capability-negotiation
    #[derive(Default)]
    pub struct ServerCapabilities {
        required {}
        optional {
            /// The server has tools.
            tools: Option<ListCapability> = opt "tools", with_tools(ListCapability);
            /// The server has prompts.
            prompts: Option<ListCapability> = opt "prompts", with_prompts(ListCapability);
            /// The server has resources.
            resources: Option<ResourcesCapability> = opt "resources", with_resources(ResourcesCapability);
            /// The server completes arguments (2025-03-26 and later). Any object, even an empty one, declares it.
            completions: Option<Members> = opt "completions", with_completions(Members);
            /// The server sends log messages. Any object, even an empty one, declares it.
            logging: Option<Members> = opt "logging", with_logging(Members);
            /// Extensions: their ids, each with its settings (2026-07-28).
            extensions: Option<Members> = opt "extensions";
            /// Non-standard capabilities.
            experimental: Option<Members> = opt "experimental", with_experimental(Members);
        }
    }
}

object! {
    /// The capability to list tools, prompts or roots.
    #[derive(Default)]
    pub struct ListCapability {
        required {}
        optional {
            /// Changes of the list are notified. Not for roots on 2026-07-28.
            list_changed: Option<bool> = opt "listChanged", with_list_changed(bool);
        }
    }
}

object! {
    /// The capability to list and read resources.
    #[derive(Default)]
    pub struct ResourcesCapability {
        required {}
        optional {
            /// Clients can subscribe to changes of a resource.
            subscribe: Option<bool> = opt "subscribe", with_subscribe(bool);
            /// Changes of the list are notified.
            list_changed: Option<bool> = opt "listChanged", with_list_changed(bool);
        }
    }
}

object! {
    /// What a client supports when a server asks its model.
    #[derive(Default)]
    pub struct SamplingCapability {
        required {}
        optional {
            /// Context of servers can be included (`includeContext`; deprecated).
            context: Option<Members> = opt "context", with_context(Members);
            /// The model can use tools (2025-11-25 and later).
            tools: Option<Members> = opt "tools", with_tools(Members);
        }
    }
}

object! {
    /// The ways in which a client can ask the user. Without a mode it supports forms only.
    #[derive(Default)]
    pub struct ElicitationCapability {
        required {}
        optional {
            /// The user fills in a form.
            form: Option<Members> = opt "form", with_form(Members);
            /// The user opens a URL (2025-11-25 and later).
            url: Option<Members> = opt "url", with_url(Members);
        }
    }
}

impl ClientCapabilities {
    /// Whether the server may send form elicitations: `form` is declared, or elicitation without a mode.
    pub fn elicits_by_form(&self) -> bool {
        self.elicitation
            .as_ref()
            .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
    }

    /// Whether the server may send URL elicitations.
    // LIFE-S-014.
    pub fn elicits_by_url(&self) -> bool {
        self.elicitation.as_ref().is_some_and(|elicitation| elicitation.url.is_some())
    }

    /// Whether the server may send sampling requests with tools.
    // LIFE-S-014.
    pub fn samples_with_tools(&self) -> bool {
        self.sampling.as_ref().is_some_and(|sampling| sampling.tools.is_some())
    }

    /// Declares an extension. `settings` may be `{}`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the id has no prefix or is malformed, or the settings are not an object.
    // META-B-014.
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
    /// [`Error::Misuse`] if the id has no prefix or is malformed, or the settings are not an object.
    // META-B-014.
    pub fn with_extension(mut self, id: &str, settings: RawJson) -> Result<Self, Error> {
        declare(&mut self.extensions, id, settings)?;
        Ok(self)
    }
}

fn declare(extensions: &mut Option<Members>, id: &str, settings: RawJson) -> Result<(), Error> {
    if !meta::is_valid_extension_id(id) {
        return Err(Error::Misuse(format!(
            "{id:?} is not an extension id: it must have the form prefix/name"
        )));
    }
    if !settings.is_object() {
        return Err(Error::Misuse(format!(
            "the settings of {id} must be an object, not {}",
            settings.kind_name()
        )));
    }
    extensions.get_or_insert_default().set(id, settings);
    Ok(())
}
