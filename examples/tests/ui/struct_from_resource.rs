//! A result that a resource cannot return.

use mcp_core::server::{ResourceDef, Router};

fn main() {
    let resource = ResourceDef::new("a://b", "b");
    let _ = Router::new().resource(resource, async |_uri, _context| Ok(7));
}
