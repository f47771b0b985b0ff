//! Arguments of a type without `JsonSchema`.

use mcp_core::server::Router;

#[derive(serde::Deserialize)]
struct Add {
    a: f64,
}

fn main() {
    let _ = Router::new().tool_typed("add", async |add: Add, _context| Ok(add.a.to_string()));
}
