//! What a router lists: definitions of tools, prompts, resources and templates, as the JSON that is sent.

use crate::message::RawJson;
use crate::model::{self, Model};

use super::IntoSchema;

macro_rules! definition {
    ($(#[$doc:meta])* $Name:ident, from $Model:ty, by $key:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $Name {
            pub(super) key: String,
            pub(super) raw: RawJson,
            /// What is wrong with it. The server is not built.
            pub(super) problem: Option<String>,
        }

        impl $Name {
            fn of(key: &str, raw: RawJson) -> $Name {
                $Name { key: key.to_owned(), raw, problem: None }
            }

            /// Sets the title that is shown to users.
            #[must_use]
            pub fn title(self, title: &str) -> $Name {
                self.with("title", RawJson::string(title))
            }

            /// What it is or does, for a model.
            #[must_use]
            pub fn description(self, text: &str) -> $Name {
                self.with("description", RawJson::string(text))
            }

            /// Sets any other member: `annotations`, `icons`, `_meta`. Names come first on the wire, then
            /// the description, then the other members in the order in which they were set.
            #[must_use]
            pub fn with(mut self, member: &str, value: impl Into<RawJson>) -> $Name {
                self.raw = with(&self.raw, member, value.into());
                self
            }

            /// Keeps the first problem.
            #[allow(dead_code)] // Not all definitions can be wrong.
            pub(super) fn broken(mut self, problem: String) -> $Name {
                self.problem.get_or_insert(problem);
                self
            }

            /// The object that lists contain.
            pub fn raw(&self) -> &RawJson {
                &self.raw
            }
        }

        impl From<$Model> for $Name {
            fn from(definition: $Model) -> $Name {
                $Name { raw: definition.to_raw(), key: definition.$key, problem: None }
            }
        }
    };
}

/// The members that come first on the wire.
const FIRST: [&str; 5] = ["uri", "uriTemplate", "name", "title", "description"];

/// The object with this member set.
fn with(raw: &RawJson, member: &str, value: RawJson) -> RawJson {
    let mut members = raw.members();
    match members.iter_mut().find(|(key, _)| key == member) {
        Some((_, old)) => *old = value,
        None => members.push((member.to_owned(), value)),
    }
    members.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    RawJson::object(members.iter().map(|(key, value)| (key.as_str(), value.clone())))
}

definition! {
    /// Defines a tool: its name, description and input schema.
    ///
    /// A text converts into a definition: `router.tool("hello", ...)`. So does a
    /// [`model::Tool`](crate::model::Tool).
    ToolDef, from model::Tool, by name
}
definition! {
    /// Defines a prompt: its name, description and arguments.
    ///
    /// A text converts into a definition. So does a [`model::Prompt`](crate::model::Prompt).
    PromptDef, from model::Prompt, by name
}
definition! {
    /// Defines a resource with a fixed URI.
    ///
    /// A [`model::Resource`](crate::model::Resource) converts into a definition.
    ResourceDef, from model::Resource, by uri
}
definition! {
    /// Defines a family of resources whose URIs match a template.
    ///
    /// A [`model::ResourceTemplate`](crate::model::ResourceTemplate) converts into a definition.
    TemplateDef, from model::ResourceTemplate, by uri_template
}

fn any_object() -> RawJson {
    RawJson::object([("type", RawJson::string("object"))])
}

impl ToolDef {
    /// A tool that takes an object with any members: the protocol requires a schema, and until [`ToolDef::input`] sets
    /// another one it is `{"type":"object"}`.
    pub fn new(name: &str) -> ToolDef {
        ToolDef::of(name, RawJson::object([("name", RawJson::string(name)), ("inputSchema", any_object())]))
    }

    /// The same tool, for a closure with typed arguments. Warns if its schema says nothing of them.
    pub(super) fn with_typed_arguments(self) -> ToolDef {
        if self.raw.member("inputSchema") == Some(any_object()) {
            tracing::warn!(
                tool = self.key,
                "the arguments are typed, and the input schema says nothing of them, so that models have to guess: \
                 see `ToolDef::input`, or `tool_typed` with the feature `schemars`"
            );
        }
        self
    }

    /// The JSON Schema of the arguments: a JSON object that says `"type": "object"`, as text, as a `serde_json::Value`, or
    /// as another [`IntoSchema`].
    ///
    /// If it is anything else, [`ServerBuilder::build`](crate::server::ServerBuilder::build) returns an
    /// error that says why.
    ///
    /// ```
    /// use mcp_core::server::ToolDef;
    /// use serde_json::json;
    ///
    /// let built = ToolDef::new("square").input(json!({"type": "object", "properties": {"n": {"type": "number"}}}));
    /// let text = ToolDef::new("square").input(r#"{"type":"object","properties":{"n":{"type":"number"}}}"#);
    /// # assert_eq!(built.raw().member("inputSchema").unwrap().deserialize::<serde_json::Value>().unwrap(),
    /// #     text.raw().member("inputSchema").unwrap().deserialize::<serde_json::Value>().unwrap());
    /// ```
    #[must_use]
    pub fn input(self, schema: impl IntoSchema) -> ToolDef {
        match schema.into_schema() {
            Ok(schema) => self.with("inputSchema", schema),
            Err(error) => self.broken(format!("its input schema is not JSON: {error}")),
        }
    }

    /// The definition with its input schema checked, and the schema.
    pub(super) fn checked(self) -> (ToolDef, Option<RawJson>) {
        let Some(schema) = self.raw.member("inputSchema") else {
            return (self.broken("it has no input schema".to_owned()), None);
        };
        let kind = schema.member("type");
        if !schema.is_object() {
            let kind = schema.kind_name();
            (self.broken(format!("its input schema has to be a JSON object, not {kind}")), None)
        } else if kind.and_then(|kind| kind.to_text()).as_deref() != Some("object") {
            (self.broken(r#"its input schema has to say "type": "object""#.to_owned()), None)
        } else {
            (self, Some(schema))
        }
    }
}

/// Hints on the effects of a tool, for people who have to agree to a call. Clients need not believe them.
impl ToolDef {
    /// Sets a member of `annotations`.
    fn hint(self, name: &str, value: bool) -> ToolDef {
        let hints = self.raw.member("annotations").unwrap_or_default();
        let value = if value { RawJson::TRUE } else { RawJson::FALSE };
        let hints = with(&hints, name, value);
        self.with("annotations", hints)
    }

    /// The tool changes nothing.
    #[must_use]
    pub fn read_only(self) -> ToolDef {
        self.hint("readOnlyHint", true)
    }

    /// Whether the changes of the tool may destroy something. Clients assume that they may.
    #[must_use]
    pub fn destructive(self, destructive: bool) -> ToolDef {
        self.hint("destructiveHint", destructive)
    }

    /// Another call with the same arguments has no further effect.
    #[must_use]
    pub fn idempotent(self) -> ToolDef {
        self.hint("idempotentHint", true)
    }

    /// Whether the tool reaches beyond a closed domain, to the web for example. Clients assume that it does.
    #[must_use]
    pub fn open_world(self, open: bool) -> ToolDef {
        self.hint("openWorldHint", open)
    }
}

impl From<&str> for ToolDef {
    fn from(name: &str) -> ToolDef {
        ToolDef::new(name)
    }
}

impl PromptDef {
    /// A prompt without arguments.
    pub fn new(name: &str) -> PromptDef {
        PromptDef::of(name, RawJson::object([("name", RawJson::string(name))]))
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(self, name: &str, description: &str, required: bool) -> PromptDef {
        let mut arguments = self.raw.member("arguments").map(|list| list.elements()).unwrap_or_default();
        let mut argument =
            RawJson::object([("name", RawJson::string(name)), ("description", RawJson::string(description))]);
        if required {
            argument = with(&argument, "required", RawJson::TRUE);
        }
        arguments.push(argument);
        self.with("arguments", RawJson::array(arguments))
    }
}

impl From<&str> for PromptDef {
    fn from(name: &str) -> PromptDef {
        PromptDef::new(name)
    }
}

impl ResourceDef {
    /// The resource with this URI, and its name.
    pub fn new(uri: &str, name: &str) -> ResourceDef {
        let raw = RawJson::object([("uri", RawJson::string(uri)), ("name", RawJson::string(name))]);
        ResourceDef::of(uri, raw)
    }

    /// The MIME type of the contents.
    #[must_use]
    pub fn mime_type(self, mime: &str) -> ResourceDef {
        self.with("mimeType", RawJson::string(mime))
    }
}

impl TemplateDef {
    /// The resources of this URI template, and a name for them. `{name}` matches one or more characters
    /// other than `/`, `{+name}` one or more characters. Other forms of RFC 6570 are not supported.
    pub fn new(uri_template: &str, name: &str) -> TemplateDef {
        let raw = RawJson::object([
            ("uriTemplate", RawJson::string(uri_template)),
            ("name", RawJson::string(name)),
        ]);
        TemplateDef::of(uri_template, raw)
    }

    /// The MIME type of the contents, if it is the same for all matching resources.
    #[must_use]
    pub fn mime_type(self, mime: &str) -> TemplateDef {
        self.with("mimeType", RawJson::string(mime))
    }
}
