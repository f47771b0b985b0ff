//! The echo server on the public API, over whatever transport.

use mcp_core::Error;
use mcp_core::server::{HandlerError, Router, Server, ToolDef, ToolReply};

/// A server with one tool, which says a text again.
///
/// # Errors
///
/// None: the definition is valid.
pub fn server() -> Result<Server, Error> {
    Server::builder("echo", "1.0.0").build(router())
}

/// Its tool.
pub fn router() -> Router {
    let schema = r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}"#;
    Router::new().tool(
        ToolDef::new("echo").description("Says the text again").input(schema),
        |arguments, _context| async move {
            let text = arguments.member("text");
            let text = text.as_ref().and_then(|text| text.as_text());
            let text = text.ok_or_else(|| HandlerError::from("`text` has to be a string"))?;
            Ok::<_, HandlerError>(ToolReply::text(&text))
        },
    )
}
