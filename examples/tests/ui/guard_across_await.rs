//! The guard of a `std` lock that is held across an `await`.

use std::sync::Mutex;

use mcp_core::server::{Router, State};

fn main() {
    let _ = Router::with_state(Mutex::new(0)).tool("count", |count: State<Mutex<u32>>, _arguments, context| async move {
        let mut count = count.lock().unwrap();
        *count += 1;
        context.progress(1.0, None, None).await;
        Ok(count.to_string())
    });
}
