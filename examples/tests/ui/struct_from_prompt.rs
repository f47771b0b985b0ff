//! A result that a prompt cannot return.

use mcp_core::server::Router;

fn main() {
    let _ = Router::new().prompt("greet", async |_arguments, _context| Ok(7));
}
