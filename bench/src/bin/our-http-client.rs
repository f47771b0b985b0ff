//! A load generator over HTTP on the public API, with one call in flight on each connection.

use std::time::Instant;

use mcp_bench::{Arguments, Outcome, callers, http, run};
use mcp_core::client::Client;
use mcp_http::HttpClient;
use mcp_http::client::HttpClientConfig;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let started = Instant::now();
        let mut server = http::start(&arguments).await?;
        let mut config = HttpClientConfig::default();
        config.net.connections = arguments.depth;
        let peer = HttpClient::with_config(&server.url(), config)?;
        let client = Client::builder("bench", "1.0.0").era(callers::mode(&arguments)).connect(peer).await?;
        callers::load(&arguments, client, started).await?;
        server.stop().await
    })
}
