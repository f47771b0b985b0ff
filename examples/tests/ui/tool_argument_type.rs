//! An argument of a type without `Deserialize` and `JsonSchema`.

struct Point {
    x: f64,
}

#[mcp_core::tool]
async fn far(point: Point) -> String {
    point.x.to_string()
}

fn main() {}
