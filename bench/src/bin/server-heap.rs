//! What a server over HTTP holds on the heap for an idle legacy session, a kept connection that was just used and one that
//! was silent for a while, and an open stream: the bytes that are live after a number of them, less those before, for each.
//!
//! The client is a thread with blocking sockets, which hold nothing on the heap.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mcp_bench::idle::{growth, post, session};
use mcp_bench::{Arguments, Era, Outcome, echo, run, wire};
use mcp_core::server::Server;
use mcp_http::HttpServer;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

/// The first ones, which pay for what exists once, and those that are measured.
const COUNTS: (usize, usize) = (50, 500);
/// A connection is silent after one to two seconds without a request.
const USED: Duration = Duration::from_millis(300);
const SILENT: Duration = Duration::from_millis(2500);
const LISTEN: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"#,
    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":{}},"notifications":{"toolsListChanged":true}}}"#
);

fn main() -> Outcome {
    let _profiler = dhat::Profiler::builder().testing().build();
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let router = echo::router().tools_list_changed();
        let server = Server::builder("heap", "1.0.0").build(router)?;
        let server = HttpServer::new(server).bind("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        tokio::spawn(server.serve_until(std::future::pending::<()>()));
        tokio::task::spawn_blocking(move || measure(address)).await?
    })
}

fn measure(address: SocketAddr) -> Outcome {
    let mut connection = TcpStream::connect(address)?;
    let (session, _) = growth(COUNTS, || heap(SILENT), || session(&mut connection, address))?;
    let (connection, after) = growth(
        COUNTS,
        || heap(USED),
        || {
            let mut connection = TcpStream::connect(address)?;
            let arguments = Arguments { era: Era::Modern, bytes: 100, ..Arguments::read()? };
            let call = format!(r#"{{"jsonrpc":"2.0","id":1{}"#, wire::call_rest(&arguments));
            post(&mut connection, address, "tools/call", "mcp-name: echo\r\n", &call)?;
            Ok(connection)
        },
    )?;
    let silent = connection.saturating_sub(after.saturating_sub(heap(SILENT)) / (COUNTS.0 + COUNTS.1));
    let (stream, _) = growth(
        COUNTS,
        || heap(SILENT),
        || {
            let mut connection = TcpStream::connect(address)?;
            post(&mut connection, address, "subscriptions/listen", "", LISTEN)?;
            Ok(connection)
        },
    )?;
    println!("Live heap of a server, bytes for each, mean of {}:\n", COUNTS.1);
    println!(
        "| idle legacy session | used connection | silent connection | open stream with its connection |"
    );
    println!("|---|---|---|---|");
    println!("| {session} | {connection} | {silent} | {stream} |");
    Ok(())
}

/// The heap after this time, in which the server does what it still has to do.
fn heap(after: Duration) -> usize {
    std::thread::sleep(after);
    dhat::HeapStats::get().curr_bytes
}
