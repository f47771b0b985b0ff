//! A bridge over HTTP on the public API, with `our-server` over stdio behind it.

use mcp_bench::{Arguments, Outcome, http, run};
use mcp_bridge::{Bridge, Upstream};
use mcp_http::HttpServer;
use mcp_stdio::ChildCommand;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    let behind = std::env::current_exe()?.with_file_name("our-server");
    run(&arguments, async {
        let upstream = Upstream::new(move |_caller| ChildCommand::new(&behind).args(["--threads", "1"]));
        let bridge = Bridge::builder().upstream("echo", upstream).build()?;
        let front = bridge.front("echo").ok_or("the bridge serves no such server")?;
        let server = HttpServer::new(front).bind("127.0.0.1:0").await?;
        http::announce(server.local_addr()?);
        server.serve_until(http::stdin_closed()).await;
        bridge.drain(std::time::Duration::ZERO).await;
        Ok(())
    })
}
