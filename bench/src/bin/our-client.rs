//! A load generator on the public API.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use mcp_bench::{Arguments, Era, Outcome, Report, cpu_of, run, wire};
use mcp_core::Error;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_stdio::ChildCommand;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, load(&arguments))
}

async fn load(arguments: &Arguments) -> Outcome {
    let (program, rest) = arguments.server()?;
    let era = match arguments.era {
        Era::Legacy => EraMode::Legacy(ProtocolVersion::V2025_11_25),
        Era::Modern => EraMode::Modern,
    };
    let client =
        Client::builder("bench", "1.0.0").era(era).connect(ChildCommand::new(program).args(rest)).await?;
    let params = RawJson::parse(wire::params(arguments.bytes))?;
    caller(&client, &params, 2).await?;
    let own = std::process::id();
    let (before, start) = (cpu_of(own), Instant::now());
    let callers = (0..arguments.depth).map(|index| {
        let share =
            arguments.calls / arguments.depth + usize::from(index < arguments.calls % arguments.depth);
        let (client, params) = (client.clone(), params.clone());
        let caller = tokio::spawn(async move { caller(&client, &params, share).await });
        async { caller.await.map_err(|_| Error::Cancelled)? }
    });
    let latencies = try_join_all(callers).await?.concat();
    let wall = start.elapsed();
    let own_cpu = cpu_of(own).saturating_sub(before);
    Report { wall, own_cpu, server_cpu: Duration::ZERO, latencies }.print();
    client.close().await;
    Ok(())
}

/// Makes calls one after the other.
async fn caller(client: &Client, params: &RawJson, calls: usize) -> Result<Vec<Duration>, Error> {
    let mut latencies = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        client.request("tools/call", Some(params.clone())).await?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}
