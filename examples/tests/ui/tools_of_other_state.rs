//! Tools of an `impl` in a router without its state.

struct Notes;

#[mcp_core::tool]
impl Notes {
    async fn list(&self) -> String {
        String::new()
    }
}

fn main() {
    let _ = mcp_core::server::Router::new().tools::<Notes>();
}
