//! The load that a client on the public API makes, over whatever transport.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use mcp_core::Error;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};

use crate::{Arguments, Era, Outcome, Report, cpu_of, wire};

/// The mode that the arguments ask for.
pub fn mode(arguments: &Arguments) -> EraMode {
    match arguments.era {
        Era::Legacy => EraMode::Legacy(ProtocolVersion::V2025_11_25),
        Era::Modern => EraMode::Modern,
    }
}

/// Keeps so many calls in flight, prints the figures, and closes the client.
///
/// # Errors
///
/// The first that a call has.
pub async fn load(arguments: &Arguments, client: Client) -> Outcome {
    let params = RawJson::parse(wire::params(arguments.bytes))?;
    callers(&client, &params, arguments.depth, 2 * arguments.depth).await?;
    let own = std::process::id();
    let (before, start) = (cpu_of(own), Instant::now());
    let latencies = callers(&client, &params, arguments.depth, arguments.calls).await?;
    let wall = start.elapsed();
    let own_cpu = cpu_of(own).saturating_sub(before);
    Report { wall, own_cpu, server_cpu: Duration::ZERO, latencies }.print();
    client.close().await;
    Ok(())
}

async fn callers(
    client: &Client,
    params: &RawJson,
    depth: usize,
    calls: usize,
) -> Result<Vec<Duration>, Error> {
    let callers = (0..depth).map(|index| {
        let share = calls / depth + usize::from(index < calls % depth);
        let (client, params) = (client.clone(), params.clone());
        let caller = tokio::spawn(async move { caller(&client, &params, share).await });
        async { caller.await.map_err(|_| Error::Cancelled)? }
    });
    Ok(try_join_all(callers).await?.concat())
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
