//! A function with another error than `HandlerError`. The message is the compiler's own: it names the type that is expected. A
//! bound for any error would name the remedy, and would leave the error of a closure with `?` unknown.

use mcp_core::message::RawJson;
use mcp_core::server::{Context, Router};

async fn read(_arguments: RawJson, _context: Context) -> std::io::Result<String> {
    std::fs::read_to_string("notes.txt")
}

fn main() {
    let _ = Router::new().tool("read", read);
}
