//! A question and a text as results of one closure.

use mcp_core::server::Router;
use mcp_core::session::InputRequired;

fn main() {
    let _ = Router::new().tool("ask", async |_arguments, context| {
        if context.input_responses().is_none() {
            return Ok(InputRequired::ask("where", "roots/list", None));
        }
        Ok("thanks")
    });
}
