//! Schemas made from types (feature `schemars`).

use std::future::Future;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::RawJson;
use crate::model::CallToolResult;
use crate::server::Context;
use crate::session::InputRequired;

use super::{Json, Router, Tool, ToolError, ToolReply};

/// What the closure of a [`Router::tool_typed`] may return.
pub trait ToolOutput: Into<ToolReply> {
    /// The schema of its structured content: an object schema. `None`: it has no structured content.
    fn output_schema() -> Option<RawJson> {
        None
    }
}

impl ToolOutput for String {}
impl ToolOutput for &str {}
/// A whole `CallToolResult`: its schema, if it has one, is [`Tool::output`]'s to say.
impl ToolOutput for RawJson {}
impl ToolOutput for ToolReply {}
impl ToolOutput for CallToolResult {}
impl ToolOutput for InputRequired {}

impl<T: Serialize + JsonSchema> ToolOutput for Json<T> {
    fn output_schema() -> Option<RawJson> {
        let schema = of_output::<T>();
        is_object(&schema).then(|| text(&schema))
    }
}

impl Tool {
    /// A tool that takes an `Args`. Its doc comments describe the arguments to the model.
    pub fn typed<Args: JsonSchema>(name: &str) -> Tool {
        Tool::new(name).takes::<Args>()
    }

    /// The tool with the input schema of this type. One that cannot come as an object, such as `u8`, is
    /// left out, and no call would fit it.
    fn takes<Args: JsonSchema>(self) -> Tool {
        let mut schema = settings().into_generator().into_root_schema_for::<Args>();
        // A choice of several objects does not say `type`, and the protocol wants it said.
        if schema.get("type").is_none() {
            schema.insert("type".to_owned(), "object".into());
        }
        if !is_object(&schema) {
            tracing::warn!(tool = self.key, "the arguments' type is no object, and its schema is left out");
            return self;
        }
        self.with("inputSchema", text(&schema))
    }

    /// The tool with the schema of its structured content, from a type: where the closure returns a
    /// [`ToolReply`] because it also asks for input, for example. A type that is no object has none, since
    /// revisions before 2026-07-28 know no other structured content.
    #[must_use]
    pub fn output<T: JsonSchema>(self) -> Tool {
        let schema = of_output::<T>();
        if is_object(&schema) { self.with("outputSchema", text(&schema)) } else { self }
    }
}

impl Router {
    /// A tool whose closure gets its `arguments` as an `Args`, with the schemas of its types: of `Args`, in
    /// place of one that the definition has; and of what it returns, if that is a [`Json`] of an object.
    /// Arguments that are no `Args` are refused as [`Router::tool_with`] does.
    ///
    /// ```
    /// use mcp_core::server::{Json, Router, Tool};
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
    /// let distance = Tool::new("distance").description("How far it is");
    /// let router = Router::new()
    ///     .tool_typed(distance, |to: Point, _context| async move {
    ///         Ok(Json(Distance { meters: to.x.hypot(to.y) }))
    ///     })
    ///     .tool_typed("say", |to: Point, _context| async move { Ok(format!("{}, {}", to.x, to.y)) });
    /// ```
    #[must_use]
    pub fn tool_typed<Args, F, Fut, R>(self, tool: impl Into<Tool>, closure: F) -> Router
    where
        Args: DeserializeOwned + JsonSchema,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ToolError>> + Send + 'static,
        R: ToolOutput,
    {
        let mut tool = tool.into().takes::<Args>();
        if let Some(schema) = R::output_schema() {
            tool = tool.with("outputSchema", schema);
        }
        self.tool_with(tool, closure)
    }
}

/// The dialect that holds where a schema names none (ledger SEC-B-012).
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None)
}

fn of_output<T: JsonSchema>() -> Schema {
    settings().for_serialize().into_generator().into_root_schema_for::<T>()
}

fn is_object(schema: &Schema) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// Cannot fail: a schema is a JSON object.
fn text(schema: &Schema) -> RawJson {
    RawJson::serialize(schema).unwrap_or_default()
}
