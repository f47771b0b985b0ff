//! A struct returned from a tool without `Json`.

use mcp_core::server::Router;

#[derive(serde::Serialize)]
struct Sum {
    sum: f64,
}

fn main() {
    let _ = Router::new().tool("add", async |_arguments, _context| Ok(Sum { sum: 1.0 }));
}
