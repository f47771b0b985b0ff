//! Tools whose closures take their arguments as a type.

use std::future::Future;

use serde::de::DeserializeOwned;

use crate::message::{ErrorObject, ProtocolVersion, RawJson};
use crate::model::misfit;
use crate::server::Context;

use super::{IntoToolReply, Router, ToolDef, ToolError};

impl Router {
    /// Registers a tool whose closure gets its `arguments` as an `Args`. The input schema is written by hand
    /// and has to describe the same type; with the feature `schemars`, `Router::tool_typed` derives it.
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
    /// let router = Router::new().tool_with(tool, |to: Point, _context| async move {
    ///     Ok(Json(Distance { meters: to.x.hypot(to.y) }))
    /// });
    /// ```
    #[must_use]
    pub fn tool_with<Args, F, Fut, R>(self, tool: impl Into<ToolDef>, closure: F) -> Router
    where
        Args: DeserializeOwned,
        F: Fn(Args, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ToolError>> + Send + 'static,
        R: IntoToolReply,
    {
        self.tool(tool, move |arguments: RawJson, context| {
            let reply = read(&arguments, &context).map(|arguments| closure(arguments, context));
            async move { reply?.await }
        })
    }
}

/// The arguments as a type, or how the tool fails.
fn read<Args: DeserializeOwned>(arguments: &RawJson, context: &Context) -> Result<Args, ToolError> {
    arguments.deserialize().map_err(|error| {
        let text = format!("Invalid arguments: {}", misfit(&error));
        // ERR-S-010: a failure, which the model sees and can correct, from the revision that says so.
        match context.version() {
            ProtocolVersion::V2024_11_05 | ProtocolVersion::V2025_03_26 | ProtocolVersion::V2025_06_18 => {
                ToolError::Refused(ErrorObject::invalid_params(text))
            }
            _ => ToolError::Failed(text),
        }
    })
}
