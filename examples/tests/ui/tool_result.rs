//! A struct returned from a function with the attribute.

struct Sum(f64);

#[mcp_core::tool]
async fn add(a: f64, b: f64) -> Sum {
    Sum(a + b)
}

fn main() {}
