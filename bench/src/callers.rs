//! The load that a client on the public API generates, over any transport.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use mcp_core::Error;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};

use crate::{Arguments, CallStyle, Era, Outcome, Report, cpu_of, wire};

/// What each call sends.
#[derive(Clone)]
enum Load {
    /// Params of `Client::request`.
    Raw(RawJson),
    /// Arguments of `Client::call_tool`.
    Typed(RawJson),
}

impl Load {
    fn new(arguments: &Arguments) -> Outcome<Load> {
        let params = RawJson::parse(wire::params(arguments))?;
        Ok(match arguments.style {
            CallStyle::Raw => Load::Raw(params),
            CallStyle::Typed => Load::Typed(params.member("arguments").ok_or("no arguments")?),
        })
    }

    async fn call(&self, client: &Client) -> Result<(), Error> {
        match self {
            Load::Raw(params) => {
                client.request("tools/call", Some(params.clone())).await?;
            }
            Load::Typed(arguments) => {
                let result = client.call_tool("echo", Some(arguments.clone())).await?;
                std::hint::black_box(result.content.len());
            }
        }
        Ok(())
    }
}

/// Returns the mode that the arguments select.
pub fn mode(arguments: &Arguments) -> EraMode {
    match arguments.era {
        Era::Legacy => EraMode::Legacy(ProtocolVersion::V2025_11_25),
        Era::Modern => EraMode::Modern,
    }
}

/// Keeps `arguments.depth` calls in flight, prints the figures, and closes the client. `started` is the time before
/// the server was started.
///
/// # Errors
///
/// The first error of a call.
pub async fn load(arguments: &Arguments, client: Client, started: Instant) -> Outcome {
    let load = Load::new(arguments)?;
    load.call(&client).await?;
    let first = started.elapsed();
    callers(&client, &load, arguments.depth, 2 * arguments.depth).await?;
    let own = std::process::id();
    let (before, start) = (cpu_of(own), Instant::now());
    let latencies = callers(&client, &load, arguments.depth, arguments.calls).await?;
    let wall = start.elapsed();
    let own_cpu = cpu_of(own).saturating_sub(before);
    Report { wall, own_cpu, server_cpu: Duration::ZERO, tree_cpu: Duration::ZERO, first, latencies }.print();
    client.close().await;
    Ok(())
}

async fn callers(client: &Client, load: &Load, depth: usize, calls: usize) -> Result<Vec<Duration>, Error> {
    let callers = (0..depth).map(|index| {
        let share = calls / depth + usize::from(index < calls % depth);
        let (client, load) = (client.clone(), load.clone());
        let caller = tokio::spawn(async move { caller(&client, &load, share).await });
        async { caller.await.map_err(|_| Error::Cancelled)? }
    });
    Ok(try_join_all(callers).await?.concat())
}

/// Makes calls one after the other.
async fn caller(client: &Client, load: &Load, calls: usize) -> Result<Vec<Duration>, Error> {
    let mut latencies = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        load.call(client).await?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}
