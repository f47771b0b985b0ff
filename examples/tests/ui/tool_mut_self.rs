//! A method with `&mut self` as a tool.

struct Counter(u32);

#[mcp_core::tool]
impl Counter {
    async fn up(&mut self) -> String {
        self.0 += 1;
        self.0.to_string()
    }
}

fn main() {}
