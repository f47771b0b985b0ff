//! An echo server over HTTP on the public API.

use mcp_bench::{Arguments, Outcome, echo, http, run};
use mcp_http::HttpServer;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let server = HttpServer::new(echo::server()?).bind("127.0.0.1:0").await?;
        http::announce(server.local_addr()?);
        server.serve_until(http::stdin_closed()).await;
        Ok(())
    })
}
