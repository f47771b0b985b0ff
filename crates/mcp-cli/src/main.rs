//! The `mcp` program.

fn main() {}
