//! A structured result of a type without `JsonSchema`.

use mcp_core::server::{Json, Router};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: f64,
}

#[derive(serde::Serialize)]
struct Sum {
    sum: f64,
}

fn main() {
    let _ = Router::new().tool_typed("add", async |add: Add, _context| Ok(Json(Sum { sum: add.a })));
}
