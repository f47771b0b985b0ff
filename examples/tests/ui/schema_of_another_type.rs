//! An input schema that is neither text nor a JSON value.

use mcp_core::server::ToolDef;

struct Point;

fn main() {
    let _ = ToolDef::new("distance").input(Point);
}
