//! A form of a type without `JsonSchema`.

use mcp_core::server::Router;

#[derive(serde::Deserialize)]
struct Confirm {
    sure: bool,
}

fn main() {
    let _ = Router::new().tool("clear", async |_arguments, context| {
        Ok(context.ask::<Confirm>("Really?").await?.sure.to_string())
    });
}
