//! An echo server on the public API.

use mcp_bench::{Arguments, Outcome, run};
use mcp_core::server::{Router, Server, Tool, ToolError, ToolReply};

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let schema = r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}"#;
        let router = Router::new().tool(
            Tool::new("echo").description("Says the text again").input(schema),
            |arguments, _context| async move {
                let text = arguments.member("text");
                let text = text.as_ref().and_then(|text| text.as_text());
                let text = text.ok_or_else(|| ToolError::from("`text` has to be a string"))?;
                Ok::<_, ToolError>(ToolReply::text(&text))
            },
        );
        Server::builder("echo", "1.0.0").build(router).serve(mcp_stdio::stdio()?).await;
        Ok(())
    })
}
