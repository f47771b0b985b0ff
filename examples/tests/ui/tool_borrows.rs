//! A tool that borrows its argument.

#[mcp_core::tool]
async fn greet(name: &str) -> String {
    format!("Hello, {name}!")
}

fn main() {}
