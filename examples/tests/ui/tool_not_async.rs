//! A tool that is not `async`.

#[mcp_core::tool]
fn add(a: f64, b: f64) -> String {
    (a + b).to_string()
}

fn main() {}
