//! A load generator for HTTP servers without an HTTP library: prepared requests, one at a time on each connection, and
//! answers of which it reads the length alone. Its own cost is as small as it can be, so it is the hardest yardstick for
//! our client too.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use mcp_bench::{Arguments, Era, Outcome, Report, cpu_of, http, run, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, load(&arguments))
}

/// One connection with its buffer.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(server: &http::Server) -> Outcome<Connection> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: vec![0; 64 * 1024] })
    }

    /// Sends a request and reads its answer; returns the head and the body.
    async fn exchange(&mut self, request: &[u8]) -> Outcome<(String, Vec<u8>)> {
        self.stream.write_all(request).await?;
        let mut read = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[read..]).await?;
            if count == 0 {
                return Err("the server closed the connection".into());
            }
            read += count;
            let head_end = self.buffer[..read].windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(head_end) = head_end {
                let head = String::from_utf8(self.buffer[..head_end].to_vec())?;
                let length = length(&head)?;
                let mut body = self.buffer[head_end + 4..read].to_vec();
                let had = body.len();
                body.resize(length, 0);
                self.stream.read_exact(&mut body[had..]).await?;
                if !head.starts_with("HTTP/1.1 2") {
                    return Err(head.into());
                }
                return Ok((head, body));
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn length(head: &str) -> Outcome<usize> {
    if head.starts_with("HTTP/1.1 202") && header(head, "content-length").is_none() {
        return Ok(0);
    }
    Ok(header(head, "content-length").ok_or("an answer without a length")?.parse()?)
}

async fn load(arguments: &Arguments) -> Outcome {
    let before_start = Instant::now();
    let mut server = http::start(arguments).await?;
    let mut connections = Vec::new();
    for _ in 0..arguments.depth {
        connections.push(Connection::open(&server).await?);
    }
    let head = head(&mut connections[0], &server, arguments).await?;
    let first = before_start.elapsed();
    exchange(arguments, 2 * arguments.depth, &head, &mut connections).await?;
    let (own, pid) = (std::process::id(), server.pid());
    let (own_before, server_before) = (cpu_of(own), cpu_of(pid));
    let start = Instant::now();
    let latencies = exchange(arguments, arguments.calls, &head, &mut connections).await?;
    let wall = start.elapsed();
    Report {
        wall,
        own_cpu: cpu_of(own).saturating_sub(own_before),
        server_cpu: cpu_of(pid).saturating_sub(server_before),
        tree_cpu: Duration::ZERO,
        first,
        latencies,
    }
    .print();
    drop(connections);
    server.stop().await
}

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
    request.extend_from_slice(body);
    request
}

/// The head of a call up to its length; on the legacy era after a handshake.
async fn head(connection: &mut Connection, server: &http::Server, arguments: &Arguments) -> Outcome<String> {
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n",
        server.path, server.address
    );
    if arguments.era == Era::Legacy {
        let (answer, _) = connection.exchange(&request(&head, wire::INITIALIZE.as_bytes())).await?;
        if let Some(session) = header(&answer, "mcp-session-id") {
            head += &format!("mcp-session-id: {session}\r\n");
        }
        head += "mcp-protocol-version: 2025-11-25\r\n";
        connection.exchange(&request(&head, wire::INITIALIZED.as_bytes())).await?;
    } else {
        head += "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n";
    }
    Ok(head)
}

/// Makes the calls, each connection its share.
async fn exchange(
    arguments: &Arguments,
    calls: usize,
    head: &str,
    connections: &mut [Connection],
) -> Outcome<Vec<Duration>> {
    let rest = wire::call_rest(arguments);
    let depth = arguments.depth;
    let callers = connections.iter_mut().enumerate().map(|(index, connection)| {
        let share = calls / depth + usize::from(index < calls % depth);
        let body = format!(r#"{{"jsonrpc":"2.0","id":{index}{rest}"#);
        let request = request(head, body.as_bytes());
        async move {
            let mut latencies = Vec::with_capacity(share);
            for _ in 0..share {
                let start = Instant::now();
                connection.exchange(&request).await?;
                latencies.push(start.elapsed());
            }
            Outcome::Ok(latencies)
        }
    });
    Ok(try_join_all(callers).await?.concat())
}
