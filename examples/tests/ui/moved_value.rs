//! A value that is moved into a closure which is called again.

use mcp_core::server::Router;

fn main() {
    let greeting = String::from("hello");
    let _ = Router::new().tool("greet", move |_arguments, _context| async move { Ok(greeting) });
}
