//! Schemas derived from types (feature `schemars`).

use std::future::Future;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::RawJson;
use crate::model::CallToolResult;
use crate::server::Context;
use crate::session::InputRequired;

use super::{IntoToolReply, Json, Router, ToolDef, ToolError, ToolReply};

/// What the closure of a [`Router::tool_typed`] may return: what [`IntoToolReply`] lists. A [`Json`] needs a
/// value that also implements [`JsonSchema`].
#[diagnostic::on_unimplemented(
    message = "a typed tool cannot return `{Self}`",
    label = "not a typed tool's result",
    note = "wrap a value in `mcp_core::server::Json`, and derive `serde::Serialize` and `schemars::JsonSchema` \
            for its type",
    note = "a tool also returns text, `model::CallToolResult`, `RawJson` or `ToolReply`"
)]
pub trait ToolOutput: IntoToolReply {
    /// The schema of the structured content: an object schema. `None` if there is no structured content.
    fn output_schema() -> Option<RawJson> {
        None
    }
}

impl ToolOutput for String {}
impl ToolOutput for &str {}
/// A complete `CallToolResult`. Declare the schema of its structured content with [`ToolDef::output`].
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

impl ToolDef {
    /// A tool whose input schema comes from a type. The type's doc comments describe the arguments to the
    /// model.
    pub fn typed<Args: JsonSchema>(name: &str) -> ToolDef {
        ToolDef::new(name).takes::<Args>()
    }

    /// Sets the input schema of this type. A type whose values are not JSON objects, such as `u8`, cannot be
    /// the arguments of a tool: the server is not built.
    fn takes<Args: JsonSchema>(self) -> ToolDef {
        let mut schema = settings().into_generator().into_root_schema_for::<Args>();
        // The schema of an enum of several objects has no `type`, which the protocol requires.
        if schema.get("type").is_none() {
            schema.insert("type".to_owned(), "object".into());
        }
        if !is_object(&schema) {
            let name = std::any::type_name::<Args>();
            return self.broken(format!("its arguments' type {name} is not an object"));
        }
        self.with("inputSchema", text(&schema))
    }

    /// Sets the schema of the structured content from a type. Needed where the closure returns a
    /// [`ToolReply`], because it also asks for input, for example. A type whose values are not objects sets
    /// none: revisions before 2026-07-28 allow no other structured content.
    #[must_use]
    pub fn output<T: JsonSchema>(self) -> ToolDef {
        let schema = of_output::<T>();
        if is_object(&schema) { self.with("outputSchema", text(&schema)) } else { self }
    }
}

impl Router {
    /// Registers a tool whose closure gets its `arguments` as an `Args`, with schemas from the types: the
    /// input schema from `Args`, and the output schema from what the closure returns, if that is a [`Json`]
    /// of an object. Arguments that do not fit are answered as by [`Router::tool_with`].
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
    ///     .tool_typed(distance, |to: Point, _context| async move {
    ///         Ok(Json(Distance { meters: to.x.hypot(to.y) }))
    ///     })
    ///     .tool_typed("say", |to: Point, _context| async move { Ok(format!("{}, {}", to.x, to.y)) });
    /// ```
    #[must_use]
    pub fn tool_typed<Args, F, Fut, R>(self, tool: impl Into<ToolDef>, closure: F) -> Router
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

/// The dialect that applies where a schema names none.
// SEC-B-012.
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
