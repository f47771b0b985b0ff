//! Arguments of a type without `Deserialize`.

use mcp_core::server::Router;

struct Add {
    a: f64,
}

fn main() {
    let _ = Router::new().tool_with("add", async |add: Add, _context| Ok(add.a.to_string()));
}
