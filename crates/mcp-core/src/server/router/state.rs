//! Registration of closures that take a router's state.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use crate::message::RawJson;
use crate::model::{CompleteParams, Resource};
use crate::server::{Context, HandlerError, IntoReply};

use super::{
    Arguments, IntoPromptReply, IntoResourceReply, IntoToolReply, PromptDef, ResourceDef, Router,
    TemplateDef, ToolDef, prompt, register, resource, tool,
};
#[cfg(feature = "schemars")]
use super::{ToolOutput, TypedArguments, schema};

/// The value that a router owns: see [`Router::with_state`]. Dereferences to it. Clones are cheap and share it.
///
/// The value is shared by requests that are served concurrently: put what changes behind a lock, and do not
/// hold the guard of a `std` lock across an `await`.
#[derive(Debug, Default)]
pub struct State<T>(Arc<T>);

impl<T> State<T> {
    /// Owns this value.
    pub fn new(value: T) -> State<T> {
        State(Arc::new(value))
    }
}

impl<T> From<Arc<T>> for State<T> {
    fn from(value: Arc<T>) -> State<T> {
        State(value)
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> State<T> {
        State(self.0.clone())
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Closures of a router with state take the [`State`] first, then what those of a [`Router::new`] take.
impl<T: Send + Sync + 'static> Router<State<T>> {
    /// The state, for use outside of the closures.
    pub fn state(&self) -> State<T> {
        self.state.clone()
    }

    /// Registers a tool: see [`Router::tool`].
    pub fn tool<F, Fut, R>(mut self, tool: impl Into<ToolDef>, closure: F) -> Self
    where
        F: Fn(State<T>, RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoToolReply,
    {
        let state = self.state();
        let route = tool::route(move |arguments, context| closure(state.clone(), arguments, context));
        self.add_tool(tool.into(), route);
        self
    }

    /// Registers a tool with typed arguments: see [`Router::tool_with`].
    pub fn tool_with<Args, F, Fut, R>(self, tool: impl Into<ToolDef>, closure: F) -> Self
    where
        Args: Arguments,
        F: Fn(State<T>, Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoToolReply,
    {
        self.typed(tool.into().with_typed_arguments(), closure)
    }

    fn typed<Args, F, Fut, R>(self, tool: ToolDef, closure: F) -> Self
    where
        Args: Arguments,
        F: Fn(State<T>, Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoToolReply,
    {
        self.tool(tool, move |state: State<T>, arguments, context| {
            let reply = tool::read(&arguments, &context).map(|arguments| closure(state, arguments, context));
            async move { reply?.await }
        })
    }

    /// Registers a tool with typed arguments and schemas from the types: see [`Router::tool_typed`].
    #[cfg(feature = "schemars")]
    pub fn tool_typed<Args, F, Fut, R>(self, tool: impl Into<ToolDef>, closure: F) -> Self
    where
        Args: TypedArguments,
        F: Fn(State<T>, Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: ToolOutput,
    {
        self.typed(schema::typed_tool::<Args, R>(tool.into()), closure)
    }

    /// Registers a prompt: see [`Router::prompt`].
    pub fn prompt<F, Fut, R>(mut self, prompt: impl Into<PromptDef>, closure: F) -> Self
    where
        F: Fn(State<T>, RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoPromptReply,
    {
        let state = self.state();
        let route = prompt::route(move |arguments, context| closure(state.clone(), arguments, context));
        self.add_prompt(prompt.into(), route);
        self
    }

    /// Registers a prompt with typed arguments: see [`Router::prompt_with`].
    pub fn prompt_with<Args, F, Fut, R>(self, prompt: impl Into<PromptDef>, closure: F) -> Self
    where
        Args: Arguments,
        F: Fn(State<T>, Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoPromptReply,
    {
        self.prompt(prompt, move |state: State<T>, arguments, context| {
            let reply = prompt::read(&arguments).map(|arguments| closure(state, arguments, context));
            async move { reply?.await }
        })
    }

    /// Registers a prompt with typed arguments, which are listed from the type: see [`Router::prompt_typed`].
    #[cfg(feature = "schemars")]
    pub fn prompt_typed<Args, F, Fut, R>(self, prompt: impl Into<PromptDef>, closure: F) -> Self
    where
        Args: TypedArguments,
        F: Fn(State<T>, Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoPromptReply,
    {
        self.prompt_with(schema::typed_prompt::<Args>(prompt.into()), closure)
    }

    /// Registers a resource: see [`Router::resource`].
    pub fn resource<F, Fut, R>(mut self, resource: impl Into<ResourceDef>, closure: F) -> Self
    where
        F: Fn(State<T>, String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoResourceReply,
    {
        let (state, definition) = (self.state(), resource.into());
        let closure = move |uri, context| closure(state.clone(), uri, context);
        let route = resource::route(&definition.raw, closure);
        self.add_resource(definition, route);
        self
    }

    /// Registers the resources whose URIs match a template: see [`Router::resource_template`].
    pub fn resource_template<F, Fut, R>(mut self, template: impl Into<TemplateDef>, closure: F) -> Self
    where
        F: Fn(State<T>, String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoResourceReply,
    {
        let (state, definition) = (self.state(), template.into());
        let closure = move |uri, context| closure(state.clone(), uri, context);
        let route = resource::route(&definition.raw, closure);
        self.add_template(definition, route);
        self
    }

    /// Registers resources by a template with typed variables: see [`Router::resource_template_with`].
    pub fn resource_template_with<Variables, F, Fut, R>(
        self,
        template: impl Into<TemplateDef>,
        closure: F,
    ) -> Self
    where
        Variables: Arguments,
        F: Fn(State<T>, Variables, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoResourceReply,
    {
        let definition = resource::with_members_of::<Variables>(template.into());
        let key = definition.key.clone();
        self.resource_template(definition, move |state: State<T>, uri: String, context| {
            let reply = resource::read(&key, &uri).map(|variables| closure(state, variables, context));
            async move { reply?.await }
        })
    }

    /// Computes the list of resources for each request: see [`Router::list_resources`].
    pub fn list_resources<F, Fut>(mut self, closure: F) -> Self
    where
        F: Fn(State<T>, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Resource>, HandlerError>> + Send + 'static,
    {
        let state = self.state();
        self.add_listing(register::listing(move |context| closure(state.clone(), context)));
        self
    }

    /// Registers the completion of arguments: see [`Router::completion`].
    pub fn completion<F, Fut, R>(mut self, closure: F) -> Self
    where
        F: Fn(State<T>, CompleteParams, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoReply,
    {
        let state = self.state();
        let route = register::completion(move |params, context| closure(state.clone(), params, context));
        self.add_completion(route);
        self
    }

    /// Registers any other method: see [`Router::method`].
    pub fn method<F, Fut, R>(mut self, name: &str, closure: F) -> Self
    where
        F: Fn(State<T>, RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoReply,
    {
        let state = self.state();
        let route = register::route(move |params, context| closure(state.clone(), params, context));
        self.add_method(name, route);
        self
    }
}
