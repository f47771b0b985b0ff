//! A handler made of closures.

mod arguments;
mod define;
mod page;
#[cfg(feature = "schemars")]
mod schema;
mod serve;
mod template;
mod tool;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

pub use define::{PromptDef, ResourceDef, TemplateDef, ToolDef};
#[cfg(feature = "schemars")]
pub use schema::ToolOutput;
pub use tool::{IntoToolReply, Json, ToolError, ToolReply};

use crate::message::{ErrorObject, RawJson};
use crate::session::server::Reply;

use super::{Context, IntoReply};

type Served = Result<Reply, ErrorObject>;
type Route<A> = Arc<dyn Fn(A, Context) -> BoxFuture<'static, Served> + Send + Sync>;

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
/// with a resource error, an unknown method with `-32601`.
///
/// A closure gets its arguments as JSON: `{}` if the client sent none. They are not checked against the
/// schema; [`Router::tool_with`] reads them as a type. Registering a name again replaces the first entry.
///
/// A router does not change while it serves. For a list that changes, register a closure for the list's
/// method, which takes precedence, call [`Router::list_changed`], and announce each change with
/// [`Context::publish`]:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use mcp_core::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents};
/// use mcp_core::server::{Router, TemplateDef};
/// use mcp_core::session::Change;
///
/// let notes: Arc<Mutex<Vec<String>>> = Arc::default();
/// let (added, listed) = (notes.clone(), notes);
/// let router = Router::new()
///     .list_changed()
///     .tool("add", move |arguments, context| {
///         added.lock().unwrap().push(arguments.to_string());
///         async move {
///             context.publish(Change::ResourcesList);
///             Ok("added")
///         }
///     })
///     .method("resources/list", move |_params, _context| {
///         let count = listed.lock().unwrap().len();
///         let resources = (0..count).map(|number| Resource::new(format!("note://{number}"), "a note"));
///         let list: ListResourcesResult = resources.collect();
///         async move { Ok(list) }
///     })
///     .resource_template(TemplateDef::new("note://{number}", "notes"), |uri, _context| async move {
///         Ok(ReadResourceResult::new().with_contents([ResourceContents::text(uri, "a note")]))
///     });
/// ```
#[derive(Default)]
pub struct Router {
    tools: BTreeMap<String, Entry<ToolDef>>,
    prompts: BTreeMap<String, Entry<PromptDef>>,
    resources: BTreeMap<String, Entry<ResourceDef>>,
    templates: BTreeMap<String, Entry<TemplateDef>>,
    methods: BTreeMap<String, Route<RawJson>>,
    completion: Option<Route<RawJson>>,
    /// What is wrong with the definitions.
    problems: Vec<String>,
    page_size: Option<usize>,
    list_changed: bool,
    subscribe: bool,
    logging: bool,
}

/// A route of a closure.
fn route<A, F, Fut, R>(closure: F) -> Route<A>
where
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
    R: IntoReply,
{
    Arc::new(move |arguments, context| {
        closure(arguments, context).map(|outcome| outcome.map(IntoReply::into_reply)).boxed()
    })
}

impl Router {
    /// A router that serves nothing.
    pub fn new() -> Router {
        Router::default()
    }

    /// Registers a tool. The closure gets the call's `arguments` and returns what [`IntoToolReply`] lists, or
    /// a [`ToolError`], which `?` makes of any error.
    #[must_use]
    pub fn tool<F, Fut, R>(mut self, tool: impl Into<ToolDef>, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ToolError>> + Send + 'static,
        R: IntoToolReply,
    {
        let route: Route<RawJson> = Arc::new(move |arguments, context| {
            closure(arguments, context)
                .map(|outcome| match outcome.map(IntoToolReply::into_tool_reply) {
                    Ok(ToolReply::Result(result)) => Ok(Reply::Result(result)),
                    Ok(ToolReply::InputRequired(input)) => Ok(Reply::InputRequired(input)),
                    Err(ToolError::Failed(text)) => Ok(Reply::Result(tool::content(&text, true))),
                    Err(ToolError::Refused(error)) => Err(error),
                })
                .boxed()
        });
        let (definition, schema) = tool.into().checked();
        self.note_problem("tool", &definition.key, definition.problem.as_deref());
        self.tools.insert(definition.key.clone(), Entry { definition, schema, route });
        self
    }

    /// Registers a prompt. The closure gets the `arguments` and returns a
    /// [`GetPromptResult`](crate::model::GetPromptResult).
    #[must_use]
    pub fn prompt<F, Fut, R>(mut self, prompt: impl Into<PromptDef>, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: IntoReply,
    {
        let definition = prompt.into();
        self.note_problem("prompt", &definition.key, definition.problem.as_deref());
        self.prompts
            .insert(definition.key.clone(), Entry { definition, schema: None, route: route(closure) });
        self
    }

    /// Registers a resource. The closure gets its URI and returns a
    /// [`ReadResourceResult`](crate::model::ReadResourceResult).
    #[must_use]
    pub fn resource<F, Fut, R>(mut self, resource: impl Into<ResourceDef>, closure: F) -> Router
    where
        F: Fn(String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: IntoReply,
    {
        let definition = resource.into();
        self.note_problem("resource", &definition.key, definition.problem.as_deref());
        self.resources
            .insert(definition.key.clone(), Entry { definition, schema: None, route: by_uri(closure) });
        self
    }

    /// Registers the resources whose URIs match a template. The closure gets the URI; for an unknown
    /// resource it returns [`ErrorObject::resource_not_found`]. A [`Router::resource`] with the same URI takes
    /// precedence.
    #[must_use]
    pub fn resource_template<F, Fut, R>(mut self, template: impl Into<TemplateDef>, closure: F) -> Router
    where
        F: Fn(String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: IntoReply,
    {
        let definition = template.into();
        let unpaired = (!template::is_valid(&definition.key)).then_some("its braces do not pair");
        self.note_problem("resource template", &definition.key, definition.problem.as_deref().or(unpaired));
        self.templates
            .insert(definition.key.clone(), Entry { definition, schema: None, route: by_uri(closure) });
        self
    }

    /// Registers the completion of arguments. The closure gets the params of `completion/complete` and
    /// returns a [`CompleteResult`](crate::model::CompleteResult).
    #[must_use]
    pub fn completion<F, Fut, R>(mut self, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: IntoReply,
    {
        self.completion = Some(route(closure));
        self
    }

    /// Registers any other method. The closure gets the params, `{}` if there are none, and returns a result
    /// object.
    #[must_use]
    pub fn method<F, Fut, R>(mut self, name: &str, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: IntoReply,
    {
        self.methods.insert(name.to_owned(), route(closure));
        self
    }

    /// How many entries one page of a list has. Default 100, at least 1.
    #[must_use]
    pub fn page_size(mut self, entries: usize) -> Router {
        self.page_size = Some(entries.max(1));
        self
    }

    /// Declares that changes of the lists are published: see [`Server::publish`](super::Server::publish).
    #[must_use]
    pub fn list_changed(mut self) -> Router {
        self.list_changed = true;
        self
    }

    /// Declares that changes of single resources are published.
    #[must_use]
    pub fn subscribe(mut self) -> Router {
        self.subscribe = true;
        self
    }

    /// Declares that handlers send log messages.
    #[must_use]
    pub fn logging(mut self) -> Router {
        self.logging = true;
        self
    }

    /// Keeps what is wrong with a definition for [`Handler::validate`](super::Handler::validate).
    fn note_problem(&mut self, what: &str, key: &str, problem: Option<&str>) {
        let problem = if key.is_empty() { Some("its name is empty") } else { problem };
        self.problems.extend(problem.map(|problem| format!("{what} {key:?}: {problem}")));
    }
}

/// A route for a closure that takes a URI. The URI travels as a JSON string.
fn by_uri<F, Fut, R>(closure: F) -> Route<RawJson>
where
    F: Fn(String, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
    R: IntoReply,
{
    route(move |uri: RawJson, context| closure(uri.to_text().unwrap_or_default(), context))
}

impl std::fmt::Debug for Router {
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
