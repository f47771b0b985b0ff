//! A handler made of closures.

mod arguments;
mod completion;
mod define;
mod into_schema;
mod live;
mod page;
mod prompt;
mod register;
mod resource;
#[cfg(feature = "schemars")]
mod schema;
mod serve;
mod state;
mod template;
mod text_values;
mod tool;
#[cfg(feature = "schemars")]
mod tool_set;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

pub use arguments::Arguments;
#[cfg(feature = "schemars")]
pub use arguments::TypedArguments;
pub use define::{PromptDef, ResourceDef, TemplateDef, ToolDef};
pub use into_schema::IntoSchema;
pub use live::LiveRouter;
pub use prompt::IntoPromptReply;
pub use resource::IntoResourceReply;
#[cfg(feature = "schemars")]
pub use schema::ToolOutput;
#[cfg(feature = "schemars")]
pub(in crate::server) use schema::form;
pub use state::State;
pub(in crate::server) use tool::content;
pub use tool::{IntoToolReply, Json, ToolReply};
#[cfg(feature = "schemars")]
pub use tool_set::{IntoOutcome, ToolSet};

use crate::message::{ErrorObject, RawJson};
use crate::session::server::Reply;

use super::Context;

type Served = Result<Reply, ErrorObject>;
type Route<A> = Arc<dyn Fn(A, Context) -> BoxFuture<'static, Served> + Send + Sync>;
/// Lists resources by their URIs.
type Listing = Arc<dyn Fn(Context) -> BoxFuture<'static, Result<Resources, ErrorObject>> + Send + Sync>;
type Resources = BTreeMap<String, RawJson>;
type Visible = Arc<dyn Fn(&str, &Context) -> bool + Send + Sync>;

#[derive(Clone)]
struct Entry<D> {
    definition: D,
    /// A tool's input schema, kept apart because transports ask for it with each call.
    schema: Option<RawJson>,
    route: Route<RawJson>,
}

/// A handler made of closures: `tool`, `prompt`, `resource`, `resource_template`, `completion`, `method`.
///
/// A router lists what was registered, sorted by name or URI, in pages. It declares the capabilities of what
/// was registered and no others. An unknown tool or prompt is answered with `-32602`, an unknown resource
/// with a resource error, an unknown method with `-32601`. Mistakes, such as two tools of one name, are
/// errors of [`ServerBuilder::build`](super::ServerBuilder::build).
///
/// # Closures
///
/// A closure, an `async` closure or an `async fn` takes its arguments and a [`Context`], and returns a
/// `Result` whose error is [`HandlerError`](super::HandlerError): `?` converts any error. Arguments come as
/// JSON, `{}` if the client sent none, or as a type:
///
/// | registered with | arguments | schema |
/// |---|---|---|
/// | `tool`, `prompt` | [`RawJson`], not checked against the schema | by hand |
/// | `tool_with`, `prompt_with`, `resource_template_with` | any type that implements `Deserialize` | by hand |
/// | `tool_typed`, `prompt_typed` (feature `schemars`) | a type that also implements `JsonSchema` | from the type |
///
/// # State
///
/// A router made by [`Router::with_state`] owns a value. Its closures take a [`State`] first, which
/// dereferences to that value: no `Arc` and no clones for each closure.
///
/// ```
/// use std::sync::Mutex;
/// use mcp_core::server::{Context, HandlerError, Router, State, ToolDef};
/// use serde_json::json;
///
/// #[derive(Default)]
/// struct Notes(Mutex<Vec<String>>);
///
/// #[derive(serde::Deserialize)]
/// struct Add {
///     text: String,
/// }
///
/// async fn add(notes: State<Notes>, note: Add, _context: Context) -> Result<String, HandlerError> {
///     let mut notes = notes.0.lock().map_err(|_| "a handler panicked")?;
///     notes.push(note.text);
///     Ok(format!("{} notes", notes.len()))
/// }
///
/// let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
/// let router = Router::with_state(Notes::default())
///     .tool_with(ToolDef::new("add").input(schema), add)
///     .tool("list", async |notes, _arguments, _context| Ok(notes.0.lock().unwrap().join("\n")));
/// ```
///
/// # Lists that change
///
/// A router does not change while it serves; [`LiveRouter`] does. [`Router::list_resources`] computes a list for each
/// request, in pages; [`Router::tools_visible`] hides tools from some callers. Declare which lists change, and announce
/// each change with [`Context::publish`]:
///
/// ```
/// use std::sync::Mutex;
/// use mcp_core::model::Resource;
/// use mcp_core::server::{Router, State, TemplateDef};
/// use mcp_core::session::Change;
///
/// let router = Router::with_state(Mutex::new(Vec::<String>::new()))
///     .resources_list_changed()
///     .tool("add", async |notes: State<Mutex<Vec<String>>>, arguments, context| {
///         notes.lock().unwrap().push(arguments.to_string());
///         context.publish(Change::ResourcesList);
///         Ok("added")
///     })
///     .list_resources(async |notes, _context| {
///         let count = notes.lock().unwrap().len();
///         Ok((0..count).map(|n| Resource::new(format!("note://{n}"), "a note")).collect())
///     })
///     .resource_template(TemplateDef::new("note://{number}", "notes"), async |_notes, uri, _context| {
///         Ok(format!("the note {uri}"))
///     });
/// ```
#[must_use = "a router serves nothing before it is passed to `Server::builder(..).build(router)`"]
#[derive(Clone)]
pub struct Router<S = ()> {
    state: S,
    tools: BTreeMap<String, Entry<ToolDef>>,
    prompts: BTreeMap<String, Entry<PromptDef>>,
    resources: BTreeMap<String, Entry<ResourceDef>>,
    templates: BTreeMap<String, Entry<TemplateDef>>,
    methods: BTreeMap<String, Route<RawJson>>,
    completion: Option<Route<RawJson>>,
    resource_list: Option<Listing>,
    visible: Option<Visible>,
    /// What is wrong with the definitions.
    problems: Vec<String>,
    page_size: Option<usize>,
    tools_changed: bool,
    prompts_changed: bool,
    resources_changed: bool,
    subscribe: bool,
    logging: bool,
    /// Whether it may change, so that a list which is empty now may fill.
    live: bool,
}

impl Default for Router {
    fn default() -> Router {
        Router::of(())
    }
}

impl Router {
    /// A router that serves nothing.
    pub fn new() -> Router {
        Router::default()
    }

    /// A router that serves nothing and owns a value, which its closures take first: see [`State`].
    pub fn with_state<T: Send + Sync + 'static>(state: T) -> Router<State<T>> {
        Router::of(State::new(state))
    }

    /// A router that serves nothing and shares the state of another one: see [`Router::state`].
    pub fn sharing_state<T: Send + Sync + 'static>(state: State<T>) -> Router<State<T>> {
        Router::of(state)
    }
}

impl<S> Router<S> {
    fn of(state: S) -> Router<S> {
        Router {
            state,
            tools: BTreeMap::new(),
            prompts: BTreeMap::new(),
            resources: BTreeMap::new(),
            templates: BTreeMap::new(),
            methods: BTreeMap::new(),
            completion: None,
            resource_list: None,
            visible: None,
            problems: Vec::new(),
            page_size: None,
            tools_changed: false,
            prompts_changed: false,
            resources_changed: false,
            subscribe: false,
            logging: false,
            live: false,
        }
    }

    /// How many entries one page of a list has. Default 100, at least 1.
    pub fn page_size(mut self, entries: usize) -> Router<S> {
        self.page_size = Some(entries.max(1));
        self
    }

    /// Declares that changes of the tool list are published: see [`Server::publish`](super::Server::publish).
    pub fn tools_list_changed(mut self) -> Router<S> {
        self.tools_changed = true;
        self
    }

    /// Declares that changes of the prompt list are published.
    pub fn prompts_list_changed(mut self) -> Router<S> {
        self.prompts_changed = true;
        self
    }

    /// Declares that changes of the resource list are published.
    pub fn resources_list_changed(mut self) -> Router<S> {
        self.resources_changed = true;
        self
    }

    /// Declares that changes of single resources are published.
    pub fn subscribe(mut self) -> Router<S> {
        self.subscribe = true;
        self
    }

    /// Declares that handlers send log messages.
    pub fn logging(mut self) -> Router<S> {
        self.logging = true;
        self
    }

    /// Shows a tool only where the function returns true for its name and the request. Other tools are not
    /// listed, and a call of one is answered like that of an unknown tool. Called once for each tool of each
    /// list, and for each call: keep it cheap.
    ///
    /// ```
    /// use mcp_core::server::Router;
    ///
    /// let router = Router::new()
    ///     .tool("look", async |_, _| Ok("nothing"))
    ///     .tool("delete", async |_, _| Ok("deleted"))
    ///     .tools_visible(|tool, context| {
    ///         let caller = context.identity();
    ///         tool != "delete" || caller.is_some_and(|caller| caller.has_scope("notes:write"))
    ///     });
    /// ```
    pub fn tools_visible(
        mut self,
        visible: impl Fn(&str, &Context) -> bool + Send + Sync + 'static,
    ) -> Router<S> {
        self.visible = Some(Arc::new(visible));
        self
    }

    /// Adds everything that another router serves, which may have another state. A name that both have is an
    /// error of [`ServerBuilder::build`](super::ServerBuilder::build).
    pub fn merge<O>(mut self, other: Router<O>) -> Router<S> {
        self.problems.extend(other.problems);
        for (_, entry) in other.tools {
            self.add_tool(entry.definition, entry.route);
        }
        for (_, entry) in other.prompts {
            self.add_prompt(entry.definition, entry.route);
        }
        for (_, entry) in other.resources {
            self.add_resource(entry.definition, entry.route);
        }
        for (_, entry) in other.templates {
            self.add_template(entry.definition, entry.route);
        }
        for (name, route) in other.methods {
            self.add_method(&name, route);
        }
        if let Some(route) = other.completion {
            self.add_completion(route);
        }
        if let Some(listing) = other.resource_list {
            self.add_listing(listing);
        }
        if let Some(visible) = other.visible {
            self.visible = Some(match self.visible.take() {
                Some(first) => Arc::new(move |tool, context| first(tool, context) && visible(tool, context)),
                None => visible,
            });
        }
        self.page_size = self.page_size.or(other.page_size);
        self.tools_changed |= other.tools_changed;
        self.prompts_changed |= other.prompts_changed;
        self.resources_changed |= other.resources_changed;
        self.subscribe |= other.subscribe;
        self.logging |= other.logging;
        self
    }

    fn add_tool(&mut self, tool: ToolDef, route: Route<RawJson>) {
        let (definition, schema) = tool.checked();
        self.note_problem("tool", &definition.key, definition.problem.as_deref());
        let key = definition.key.clone();
        warn_of_name(&key);
        let earlier = self.tools.insert(key.clone(), Entry { definition, schema, route });
        self.note_twice("tool", &key, earlier.is_some());
    }

    fn add_prompt(&mut self, definition: PromptDef, route: Route<RawJson>) {
        self.note_problem("prompt", &definition.key, definition.problem.as_deref());
        let key = definition.key.clone();
        let earlier = self.prompts.insert(key.clone(), Entry { definition, schema: None, route });
        self.note_twice("prompt", &key, earlier.is_some());
    }

    fn add_resource(&mut self, definition: ResourceDef, route: Route<RawJson>) {
        self.note_problem("resource", &definition.key, definition.problem.as_deref());
        let key = definition.key.clone();
        let earlier = self.resources.insert(key.clone(), Entry { definition, schema: None, route });
        self.note_twice("resource", &key, earlier.is_some());
    }

    fn add_template(&mut self, definition: TemplateDef, route: Route<RawJson>) {
        let unmatched = template::problem(&definition.key);
        self.note_problem("resource template", &definition.key, definition.problem.as_deref().or(unmatched));
        let key = definition.key.clone();
        let earlier = self.templates.insert(key.clone(), Entry { definition, schema: None, route });
        self.note_twice("resource template", &key, earlier.is_some());
    }

    fn add_method(&mut self, name: &str, route: Route<RawJson>) {
        let earlier = self.methods.insert(name.to_owned(), route);
        self.note_twice("method", name, earlier.is_some());
    }

    fn add_completion(&mut self, route: Route<RawJson>) {
        let earlier = self.completion.replace(route);
        self.note_twice("completion", "completion/complete", earlier.is_some());
    }

    fn add_listing(&mut self, listing: Listing) {
        let earlier = self.resource_list.replace(listing);
        self.note_twice("list of resources", "resources/list", earlier.is_some());
    }

    /// Keeps what is wrong with a definition for [`Handler::validate`](super::Handler::validate).
    fn note_problem(&mut self, what: &str, key: &str, problem: Option<&str>) {
        let problem = if key.is_empty() { Some("its name is empty") } else { problem };
        self.problems.extend(problem.map(|problem| format!("{what} {key:?}: {problem}")));
    }

    fn note_twice(&mut self, what: &str, key: &str, twice: bool) {
        self.problems.extend(twice.then(|| format!("{what} {key:?}: it is registered twice")));
    }
}

/// Warns of a tool's name that some clients refuse.
fn warn_of_name(name: &str) {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.len() > 128 || !name.bytes().all(usual) {
        tracing::warn!(
            name,
            "the name of a tool should be 1 to 128 ASCII letters, digits, `_`, `-` and `.`: some clients refuse it"
        );
    }
}

impl<S> std::fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router")
            .field("tools", &self.tools.keys())
            .field("prompts", &self.prompts.keys())
            .field("resources", &self.resources.keys())
            .field("templates", &self.templates.keys())
            .field("methods", &self.methods.keys())
            .finish_non_exhaustive()
    }
}
