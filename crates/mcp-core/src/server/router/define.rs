//! What a router lists: tools, prompts, resources, templates, as the JSON objects that go out.

use bytes::Bytes;

use crate::message::RawJson;

macro_rules! definition {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            pub(super) key: String,
            pub(super) raw: RawJson,
        }

        impl $name {
            /// A title for people.
            #[must_use]
            pub fn title(self, title: &str) -> $name {
                self.with("title", RawJson::string(title))
            }

            /// What it is and does, for a model.
            #[must_use]
            pub fn description(self, text: &str) -> $name {
                self.with("description", RawJson::string(text))
            }

            /// Any other member: `annotations`, `icons`, `_meta`. What names it goes out first, then what
            /// describes it, then the rest in the order in which it was set.
            #[must_use]
            pub fn with(mut self, member: &str, value: RawJson) -> $name {
                self.raw = with(&self.raw, member, value);
                self
            }

            /// The object that goes out in lists.
            pub fn raw(&self) -> &RawJson {
                &self.raw
            }
        }
    };
}

/// What people look for first in a list.
const FIRST: [&str; 5] = ["uri", "uriTemplate", "name", "title", "description"];

/// The object with this member in its place.
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
    /// A tool: its name, and its schema of input.
    Tool
}
definition! {
    /// A prompt: its name, and its arguments.
    Prompt
}
definition! {
    /// A resource with a URI of its own.
    Resource
}
definition! {
    /// Resources whose URIs follow a template.
    Template
}

impl Tool {
    /// A tool that takes an object of any members.
    pub fn new(name: &str) -> Tool {
        let any = RawJson::object([("type", RawJson::string("object"))]);
        Tool {
            key: name.to_owned(),
            raw: RawJson::object([("name", RawJson::string(name)), ("inputSchema", any)]),
        }
    }

    /// The JSON Schema of its arguments: an object schema. A text that is no JSON object is left out, and
    /// the tool goes on taking any object; see [`Tool::with`] for a schema that was checked before.
    #[must_use]
    pub fn input(self, schema: impl Into<Bytes>) -> Tool {
        match RawJson::parse(schema) {
            Ok(schema) if schema.is_object() => self.with("inputSchema", schema),
            _ => {
                tracing::warn!(tool = self.key, "the input schema is no JSON object and is left out");
                self
            }
        }
    }
}

/// A tool of this name that takes any object. Where a closure's type says what it takes, see
/// `Router::tool_typed`.
impl From<&str> for Tool {
    fn from(name: &str) -> Tool {
        Tool::new(name)
    }
}

impl Prompt {
    /// A prompt without arguments.
    pub fn new(name: &str) -> Prompt {
        Prompt { key: name.to_owned(), raw: RawJson::object([("name", RawJson::string(name))]) }
    }

    /// One more argument.
    #[must_use]
    pub fn argument(self, name: &str, description: &str, required: bool) -> Prompt {
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

impl Resource {
    /// The resource of this URI, and its name.
    pub fn new(uri: &str, name: &str) -> Resource {
        let raw = RawJson::object([("uri", RawJson::string(uri)), ("name", RawJson::string(name))]);
        Resource { key: uri.to_owned(), raw }
    }

    /// The MIME type of its content.
    #[must_use]
    pub fn mime_type(self, mime: &str) -> Resource {
        self.with("mimeType", RawJson::string(mime))
    }
}

impl Template {
    /// The resources of this URI template, and a name. `{name}` stands for one or more characters other
    /// than `/`, `{+name}` for one or more characters; other forms of RFC 6570 are not matched.
    pub fn new(uri_template: &str, name: &str) -> Template {
        let raw = RawJson::object([
            ("uriTemplate", RawJson::string(uri_template)),
            ("name", RawJson::string(name)),
        ]);
        Template { key: uri_template.to_owned(), raw }
    }

    /// The MIME type of their content, if it is the same for all.
    #[must_use]
    pub fn mime_type(self, mime: &str) -> Template {
        self.with("mimeType", RawJson::string(mime))
    }
}
