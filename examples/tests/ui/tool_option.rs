//! An option that the attribute does not have.

#[mcp_core::tool(readonly)]
async fn greet(name: String) -> String {
    format!("Hello, {name}!")
}

fn main() {}
