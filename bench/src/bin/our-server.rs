//! An echo server on the public API.

use mcp_bench::{Arguments, Outcome, echo, run};

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, async {
        echo::server()?.serve(mcp_stdio::stdio()?).await;
        Ok(())
    })
}
