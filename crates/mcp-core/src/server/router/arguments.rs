//! Tools whose closures take their arguments as a type.

use std::future::Future;

use serde::de::DeserializeOwned;

use crate::message::{ErrorObject, RawJson};
use crate::server::Context;

use super::{IntoToolReply, Router, ToolDef, ToolError};

/// The longest part of serde's message that an error repeats: it may quote the peer's text whole.
const MAX_QUOTED: usize = 300;

impl Router {
    /// Registers a tool whose closure gets its `arguments` as an `Args`. The input schema is written by hand
    /// and has to describe the same type; with the feature `schemars`, `Router::tool_typed` derives it.
    /// Arguments that are no `Args` are refused with `-32602` and serde's reason (ledger ERR-S-008): they never reach the closure.
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
            let reply = read(&arguments).map(|arguments| closure(arguments, context));
            async move { reply?.await }
        })
    }
}

/// The arguments as a type, or what the caller is told.
fn read<Args: DeserializeOwned>(arguments: &RawJson) -> Result<Args, ErrorObject> {
    arguments.deserialize().map_err(|error| {
        let why: String = error.to_string().chars().take(MAX_QUOTED).collect();
        ErrorObject::invalid_params(format!("The arguments do not fit: {why}"))
    })
}
