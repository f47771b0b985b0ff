//! A handler made of closures.

mod arguments;
mod define;
mod page;
#[cfg(feature = "schemars")]
mod schema;
mod serve;
mod template;
mod tool;
mod typed;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

pub use define::{Prompt, Resource, Template, Tool};
#[cfg(feature = "schemars")]
pub use schema::ToolOutput;
pub use tool::{Json, ToolError, ToolReply};

use crate::message::{ErrorObject, Payload, RawJson};
use crate::session::server::Reply;

use super::Context;

type Served = Result<Reply, ErrorObject>;
type Route<A> = Arc<dyn Fn(A, Context) -> BoxFuture<'static, Served> + Send + Sync>;

struct Entry<D> {
    definition: D,
    /// A tool's schema of input: asked for with each call.
    schema: Option<RawJson>,
    route: Route<RawJson>,
}

/// A handler made of closures: `tool`, `prompt`, `resource`, `resource_template`, `completion`, `method`.
///
/// It lists what was registered, sorted by name or URI, in pages; and it declares the capability of
/// whatever was registered, and no other (ledger META-S-012). An unknown tool or prompt is `-32602`, an
/// unknown resource a resource error, an unknown method `-32601`.
///
/// A closure gets its arguments as JSON: `{}` if the client sent none. They are not checked against the
/// schema; [`Router::tool_with`] reads them as a type. Registering a name a second time replaces the first.
///
/// A router does not change once it serves. A list that does is made by a closure for its method, which goes
/// first; say [`Router::list_changed`] and tell of each change by [`Context::publish`]:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use mcp_core::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents};
/// use mcp_core::server::{Router, Template, Tool};
/// use mcp_core::session::Change;
///
/// let notes: Arc<Mutex<Vec<String>>> = Arc::default();
/// let (added, listed) = (notes.clone(), notes);
/// let router = Router::new()
///     .list_changed()
///     .tool(Tool::new("add"), move |arguments, context| {
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
///     .resource_template(Template::new("note://{number}", "notes"), |uri, _context| async move {
///         Ok(ReadResourceResult::new().with_contents([ResourceContents::text(uri, "a note")]))
///     });
/// ```
#[derive(Default)]
pub struct Router {
    tools: BTreeMap<String, Entry<Tool>>,
    prompts: BTreeMap<String, Entry<Prompt>>,
    resources: BTreeMap<String, Entry<Resource>>,
    templates: BTreeMap<String, Entry<Template>>,
    methods: BTreeMap<String, Route<Option<Payload>>>,
    completion: Option<Route<RawJson>>,
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
    R: Into<Reply>,
{
    Arc::new(move |arguments, context| {
        closure(arguments, context).map(|outcome| outcome.map(Into::into)).boxed()
    })
}

impl Router {
    /// A router that serves nothing.
    pub fn new() -> Router {
        Router::default()
    }

    /// A tool. The closure gets the `arguments`. It returns a text, a whole `CallToolResult` object or an
    /// [`InputRequired`](crate::session::InputRequired); see [`ToolError`] for how it fails.
    #[must_use]
    pub fn tool<F, Fut, R>(mut self, tool: impl Into<Tool>, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ToolError>> + Send + 'static,
        R: Into<ToolReply>,
    {
        let route: Route<RawJson> = Arc::new(move |arguments, context| {
            closure(arguments, context)
                .map(|outcome| match outcome.map(Into::into) {
                    Ok(ToolReply::Result(result)) => Ok(Reply::Result(result)),
                    Ok(ToolReply::InputRequired(input)) => Ok(Reply::InputRequired(input)),
                    Err(ToolError::Failed(text)) => Ok(Reply::Result(tool::content(&text, true))),
                    Err(ToolError::Refused(error)) => Err(error),
                })
                .boxed()
        });
        let definition = tool.into();
        let schema = definition.raw().member("inputSchema");
        self.tools.insert(definition.key.clone(), Entry { definition, schema, route });
        self
    }

    /// A prompt. The closure gets the `arguments` and returns a `GetPromptResult` object.
    #[must_use]
    pub fn prompt<F, Fut, R>(mut self, prompt: impl Into<Prompt>, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: Into<Reply>,
    {
        let definition = prompt.into();
        self.prompts
            .insert(definition.key.clone(), Entry { definition, schema: None, route: route(closure) });
        self
    }

    /// A resource. The closure gets its URI and returns a `ReadResourceResult` object.
    #[must_use]
    pub fn resource<F, Fut, R>(mut self, resource: impl Into<Resource>, closure: F) -> Router
    where
        F: Fn(String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: Into<Reply>,
    {
        let definition = resource.into();
        self.resources
            .insert(definition.key.clone(), Entry { definition, schema: None, route: by_uri(closure) });
        self
    }

    /// Resources whose URIs follow a template. The closure gets the URI; it says
    /// [`ErrorObject::resource_not_found`] where there is none. A [`Router::resource`] of the same URI
    /// goes first.
    #[must_use]
    pub fn resource_template<F, Fut, R>(mut self, template: impl Into<Template>, closure: F) -> Router
    where
        F: Fn(String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: Into<Reply>,
    {
        let definition = template.into();
        self.templates
            .insert(definition.key.clone(), Entry { definition, schema: None, route: by_uri(closure) });
        self
    }

    /// Completion of arguments. The closure gets the params of `completion/complete` and returns a
    /// `CompleteResult` object.
    #[must_use]
    pub fn completion<F, Fut, R>(mut self, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: Into<Reply>,
    {
        self.completion = Some(route(closure));
        self
    }

    /// Any other method. The closure gets the params and returns a result object.
    #[must_use]
    pub fn method<F, Fut, R>(mut self, name: &str, closure: F) -> Router
    where
        F: Fn(Option<Payload>, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
        R: Into<Reply>,
    {
        self.methods.insert(name.to_owned(), route(closure));
        self
    }

    /// Entries of one page of a list. Default 100, at least 1.
    #[must_use]
    pub fn page_size(mut self, entries: usize) -> Router {
        self.page_size = Some(entries.max(1));
        self
    }

    /// Declares that changes of the lists are published (see [`Server::publish`](super::Server::publish)).
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

    /// Declares that handlers log.
    #[must_use]
    pub fn logging(mut self) -> Router {
        self.logging = true;
        self
    }
}

/// A route of a closure that wants a text: the URI travels as a JSON string.
fn by_uri<F, Fut, R>(closure: F) -> Route<RawJson>
where
    F: Fn(String, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ErrorObject>> + Send + 'static,
    R: Into<Reply>,
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
