//! A server built of a type that is not a handler.

use mcp_core::server::Server;

struct Calculator;

fn main() {
    let _ = Server::builder("calculator", "1.0.0").build(Calculator);
}
