//! A load generator on the public API.

use std::time::Instant;

use mcp_bench::{Arguments, Outcome, callers, run};
use mcp_core::client::Client;
use mcp_stdio::ChildCommand;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let started = Instant::now();
        let (program, rest) = arguments.server()?;
        let peer = ChildCommand::new(program).args(rest);
        let client = Client::builder("bench", "1.0.0").era(callers::mode(&arguments)).connect(peer).await?;
        callers::load(&arguments, client, started).await
    })
}
