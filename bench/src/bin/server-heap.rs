//! What a server over HTTP holds on the heap for an idle legacy session, a kept connection that was just used and one that
//! was silent for a while, and an open stream: the bytes that are live after a number of them, less those before, for each.
//!
//! The client is a thread with blocking sockets, which hold nothing on the heap.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mcp_bench::{Arguments, Era, Outcome, echo, run, wire};
use mcp_core::server::Server;
use mcp_http::HttpServer;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

const FIRST: usize = 50;
const COUNT: usize = 500;
/// The limit of heads, a quarter of which is the interval at which connections are looked at.
const HEADERS: Duration = Duration::from_secs(20);
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
        let server = HttpServer::new(server).configure(|config| config.timeouts.headers = HEADERS);
        let server = server.bind("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        tokio::spawn(server.serve_until(std::future::pending::<()>()));
        tokio::task::spawn_blocking(move || measure(address)).await?
    })
}

fn measure(address: SocketAddr) -> Outcome {
    let mut connection = TcpStream::connect(address)?;
    let (session, _) = growth(|| session(&mut connection, address))?;
    let (connection, after) = growth(|| {
        let mut connection = TcpStream::connect(address)?;
        let arguments = Arguments { era: Era::Modern, bytes: 100, ..Arguments::read()? };
        let call = format!(r#"{{"jsonrpc":"2.0","id":1{}"#, wire::call_rest(&arguments));
        post(&mut connection, address, "tools/call", "mcp-name: echo\r\n", &call)?;
        Ok(connection)
    })?;
    std::thread::sleep(HEADERS);
    let silent = connection.saturating_sub(after.saturating_sub(settled()) / (FIRST + COUNT));
    let (stream, _) = growth(|| {
        let mut connection = TcpStream::connect(address)?;
        post(&mut connection, address, "subscriptions/listen", "", LISTEN)?;
        Ok(connection)
    })?;
    println!("Live heap of a server, bytes for each, mean of {COUNT}:\n");
    println!(
        "| idle legacy session | used connection | silent connection | open stream with its connection |"
    );
    println!("|---|---|---|---|");
    println!("| {session} | {connection} | {silent} | {stream} |");
    Ok(())
}

/// The bytes that each of the things that `make` makes adds to the heap, and those that are live with them. They are
/// kept until the end.
fn growth<T>(mut make: impl FnMut() -> Outcome<T>) -> Outcome<(usize, usize)> {
    let mut kept = Vec::with_capacity(FIRST + COUNT);
    // The first ones pay for what is there once.
    for _ in 0..FIRST {
        kept.push(make()?);
    }
    let before = settled();
    for _ in 0..COUNT {
        kept.push(make()?);
    }
    let after = settled();
    std::mem::forget(kept);
    Ok((after.saturating_sub(before) / COUNT, after))
}

/// The heap once the server has done what it still had to do.
fn settled() -> usize {
    std::thread::sleep(Duration::from_millis(2500));
    dhat::HeapStats::get().curr_bytes
}

/// Opens a session that stays: a handshake and a list.
fn session(connection: &mut TcpStream, address: SocketAddr) -> Outcome {
    let answer = send(connection, address, "", wire::INITIALIZE)?;
    let session =
        answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).ok_or("no session")?;
    let headers = format!("mcp-session-id: {session}\r\nmcp-protocol-version: 2025-11-25\r\n");
    send(connection, address, &headers, wire::INITIALIZED)?;
    send(connection, address, &headers, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)?;
    Ok(())
}

fn post(
    connection: &mut TcpStream,
    address: SocketAddr,
    method: &str,
    more: &str,
    body: &str,
) -> Outcome<String> {
    let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{more}");
    send(connection, address, &headers, body)
}

/// Sends a request and reads its head, and the body if it has a length; for a stream its first event.
fn send(connection: &mut TcpStream, address: SocketAddr, headers: &str, body: &str) -> Outcome<String> {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if count == 0 {
                return Err("the server closed the connection".into());
            }
            continue;
        };
        if !head.starts_with("HTTP/1.1 2") {
            return Err(text.into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let whole = match length {
            Some(length) => body.len() >= length.parse()?,
            None => head.contains("202") || body.contains("\n\n"),
        };
        if whole {
            return Ok(head.to_owned());
        }
    }
}
