//! Registration of closures without state.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;

use crate::message::{ErrorObject, RawJson};
use crate::model::{CompleteParams, Resource};
use crate::server::{Context, HandlerError, IntoReply};

use super::{
    Arguments, IntoPromptReply, IntoResourceReply, IntoToolReply, Listing, PromptDef, ResourceDef, Route,
    Router, TemplateDef, ToolDef, prompt, resource, tool,
};
#[cfg(feature = "schemars")]
use super::{ToolOutput, TypedArguments, schema};

/// Closures of a router without state take their arguments and a [`Context`].
impl Router {
    /// Registers a tool. The closure gets the call's `arguments` and returns what [`IntoToolReply`] lists.
    pub fn tool<F, Fut, R>(mut self, tool: impl Into<ToolDef>, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoToolReply,
    {
        self.add_tool(tool.into(), tool::route(closure));
        self
    }

    /// Registers a tool whose closure gets its `arguments` as an `Args`. The input schema is written by hand
    /// and has to describe the same type; with the feature `schemars`, `Router::tool_typed` derives it. Without
    /// [`ToolDef::input`] the schema is `{"type":"object"}`, which leaves a model to guess, and a warning is logged.
    ///
    /// Arguments that do not fit the type do not reach the closure. The tool fails with a text that tells the
    /// model what is wrong; before 2025-11-25 the call is refused with `-32602`.
    ///
    /// ```
    /// use mcp_core::server::{Json, Router, ToolDef};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Point {
    ///     x: f64,
    ///     #[serde(default)]
    ///     y: f64,
    /// }
    ///
    /// #[derive(serde::Serialize)]
    /// struct Distance {
    ///     meters: f64,
    /// }
    ///
    /// let schema = r#"{"type":"object","properties":{"x":{"type":"number"},"y":{"type":"number"}},"required":["x"]}"#;
    /// let tool = ToolDef::new("distance").input(schema);
    /// let router = Router::new().tool_with(tool, async |to: Point, _context| {
    ///     Ok(Json(Distance { meters: to.x.hypot(to.y) }))
    /// });
    /// ```
    pub fn tool_with<Args, F, Fut, R>(self, tool: impl Into<ToolDef>, closure: F) -> Router
    where
        Args: Arguments,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoToolReply,
    {
        self.typed(tool.into().with_typed_arguments(), closure)
    }

    fn typed<Args, F, Fut, R>(self, tool: ToolDef, closure: F) -> Router
    where
        Args: Arguments,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoToolReply,
    {
        self.tool(tool, move |arguments: RawJson, context| {
            let reply = tool::read(&arguments, &context).map(|arguments| closure(arguments, context));
            async move { reply?.await }
        })
    }

    /// Registers a tool whose closure gets its `arguments` as an `Args`, with schemas from the types: the
    /// input schema from `Args`, and the output schema from what the closure returns, if that is a
    /// [`Json`](super::Json) of an object. Arguments that do not fit are answered as by [`Router::tool_with`].
    ///
    /// ```
    /// use mcp_core::server::{Json, Router, ToolDef};
    /// use schemars::JsonSchema;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Point {
    ///     /// Meters to the east.
    ///     x: f64,
    ///     /// Meters to the north.
    ///     #[serde(default)]
    ///     y: f64,
    /// }
    ///
    /// #[derive(Serialize, JsonSchema)]
    /// struct Distance {
    ///     meters: f64,
    /// }
    ///
    /// let distance = ToolDef::new("distance").description("How far it is");
    /// let router = Router::new()
    ///     .tool_typed(distance, async |to: Point, _context| {
    ///         Ok(Json(Distance { meters: to.x.hypot(to.y) }))
    ///     })
    ///     .tool_typed("say", async |to: Point, _context| Ok(format!("{}, {}", to.x, to.y)));
    /// ```
    #[cfg(feature = "schemars")]
    pub fn tool_typed<Args, F, Fut, R>(self, tool: impl Into<ToolDef>, closure: F) -> Router
    where
        Args: TypedArguments,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: ToolOutput,
    {
        self.typed(schema::typed_tool::<Args, R>(tool.into()), closure)
    }

    /// Registers a prompt. The closure gets the `arguments` and returns what [`IntoPromptReply`] lists: text,
    /// for example.
    pub fn prompt<F, Fut, R>(mut self, prompt: impl Into<PromptDef>, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoPromptReply,
    {
        self.add_prompt(prompt.into(), prompt::route(closure));
        self
    }

    /// Registers a prompt whose closure gets its arguments as an `Args`: a struct of texts, numbers, booleans
    /// and enums, which are read from the texts that the client sends. Arguments that do not fit are answered
    /// with `-32602`.
    pub fn prompt_with<Args, F, Fut, R>(self, prompt: impl Into<PromptDef>, closure: F) -> Router
    where
        Args: Arguments,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoPromptReply,
    {
        self.prompt(prompt, move |arguments: RawJson, context| {
            let reply = prompt::read(&arguments).map(|arguments| closure(arguments, context));
            async move { reply?.await }
        })
    }

    /// Registers a prompt like [`Router::prompt_with`], and lists the members of `Args` as its arguments, with
    /// their doc comments as descriptions.
    ///
    /// ```
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Review {
    ///     /// The code to review.
    ///     code: String,
    ///     /// The limit of remarks.
    ///     remarks: Option<u8>,
    /// }
    ///
    /// let router = mcp_core::server::Router::new().prompt_typed("review", async |review: Review, _context| {
    ///     Ok(format!("Make at most {} remarks on: {}", review.remarks.unwrap_or(3), review.code))
    /// });
    /// ```
    #[cfg(feature = "schemars")]
    pub fn prompt_typed<Args, F, Fut, R>(self, prompt: impl Into<PromptDef>, closure: F) -> Router
    where
        Args: TypedArguments,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoPromptReply,
    {
        self.prompt_with(schema::typed_prompt::<Args>(prompt.into()), closure)
    }

    /// Registers a resource. The closure gets its URI and returns what [`IntoResourceReply`] lists: text, for
    /// example.
    pub fn resource<F, Fut, R>(mut self, resource: impl Into<ResourceDef>, closure: F) -> Router
    where
        F: Fn(String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoResourceReply,
    {
        let definition = resource.into();
        let route = resource::route(&definition.raw, closure);
        self.add_resource(definition, route);
        self
    }

    /// Registers the resources whose URIs match a template. The closure gets the URI; for an unknown
    /// resource it returns [`ErrorObject::resource_not_found`]. A [`Router::resource`] with the same URI takes
    /// precedence.
    pub fn resource_template<F, Fut, R>(mut self, template: impl Into<TemplateDef>, closure: F) -> Router
    where
        F: Fn(String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoResourceReply,
    {
        let definition = template.into();
        let route = resource::route(&definition.raw, closure);
        self.add_template(definition, route);
        self
    }

    /// Registers resources like [`Router::resource_template`]. The closure gets the variables of the template
    /// as a `Variables`, with percent escapes decoded; a URI whose variables do not fit the type is unknown.
    ///
    /// A decoded value may contain `/` and `..`. Check it before it becomes part of a path.
    ///
    /// ```
    /// use mcp_core::server::{Router, TemplateDef};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Note {
    ///     number: u32,
    /// }
    ///
    /// let notes = TemplateDef::new("note://{number}", "notes").mime_type("text/plain");
    /// let router = Router::new()
    ///     .resource_template_with(notes, async |note: Note, _context| Ok(format!("note {}", note.number)));
    /// ```
    pub fn resource_template_with<Variables, F, Fut, R>(
        self,
        template: impl Into<TemplateDef>,
        closure: F,
    ) -> Router
    where
        Variables: Arguments,
        F: Fn(Variables, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoResourceReply,
    {
        let definition = resource::with_members_of::<Variables>(template.into());
        let key = definition.key.clone();
        self.resource_template(definition, move |uri: String, context| {
            let reply = resource::read(&key, &uri).map(|variables| closure(variables, context));
            async move { reply?.await }
        })
    }

    /// Computes the list of resources for each request. It is sorted by URI and sent in pages, together with
    /// the resources that are registered. Register how they are read with a template.
    pub fn list_resources<F, Fut>(mut self, closure: F) -> Router
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Resource>, HandlerError>> + Send + 'static,
    {
        self.add_listing(listing(closure));
        self
    }

    /// Registers the completion of arguments. The closure gets the argument as it was typed so far, and
    /// returns a [`Completion`](crate::model::Completion) or the possible values as a `Vec<String>`.
    pub fn completion<F, Fut, R>(mut self, closure: F) -> Router
    where
        F: Fn(CompleteParams, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoReply,
    {
        self.add_completion(completion(closure));
        self
    }

    /// Registers any other method. The closure gets the params, `{}` if there are none, and returns a result
    /// object.
    pub fn method<F, Fut, R>(mut self, name: &str, closure: F) -> Router
    where
        F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        R: IntoReply,
    {
        self.add_method(name, route(closure));
        self
    }
}

/// A route of a closure.
pub(super) fn route<F, Fut, R>(closure: F) -> Route<RawJson>
where
    F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
    R: IntoReply,
{
    Arc::new(move |arguments, context| {
        closure(arguments, context)
            .map(|outcome| match outcome {
                Ok(reply) => Ok(reply.into_reply()),
                Err(error) => error.into_outcome(),
            })
            .boxed()
    })
}

pub(super) fn completion<F, Fut, R>(closure: F) -> Route<RawJson>
where
    F: Fn(CompleteParams, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
    R: IntoReply,
{
    route(move |params: RawJson, context| {
        let params = params.deserialize::<CompleteParams>().map_err(|error| {
            ErrorObject::invalid_params(format!("Invalid params: {}", crate::model::misfit(&error)))
        });
        let reply = params.map(|params| closure(params, context));
        async move { reply?.await }
    })
}

pub(super) fn listing<F, Fut>(closure: F) -> Listing
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<Resource>, HandlerError>> + Send + 'static,
{
    use crate::model::Model as _;
    Arc::new(move |context| {
        closure(context)
            .map(|listed| match listed {
                Ok(listed) => Ok(listed.into_iter().map(|one| (one.uri.clone(), one.to_raw())).collect()),
                Err(HandlerError::InputRequired(_)) => {
                    Err(ErrorObject::internal("A list cannot ask for input"))
                }
                Err(error) => error.into_outcome().map(|_| super::Resources::new()),
            })
            .boxed()
    })
}
