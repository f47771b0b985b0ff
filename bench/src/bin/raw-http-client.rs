//! The yardstick of HTTP clients, and the load generator for HTTP servers: raw hyper with `--depth` connections and
//! one call at a time on each. It reads the answers, which may come in event streams, and checks nothing else.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use mcp_bench::{Arguments, Era, Outcome, Report, cpu_of, cpu_of_tree, http, run, wire};
use tokio::net::TcpStream;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, load(&arguments))
}

async fn load(arguments: &Arguments) -> Outcome {
    let before_start = Instant::now();
    let mut server = http::start(arguments).await?;
    let mut connections = Vec::new();
    for _ in 0..arguments.depth {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        connections.push(sender);
    }
    let headers = headers(&mut connections[0], &server, arguments).await?;
    let first = before_start.elapsed();
    // Two calls on each connection as a warm-up, which is not measured.
    exchange(arguments, 2 * arguments.depth, &headers, &server, &mut connections).await?;
    let (own, pid) = (std::process::id(), server.pid());
    let (own_before, server_before, tree_before) = (cpu_of(own), cpu_of(pid), cpu_of_tree(pid));
    let start = Instant::now();
    let latencies = exchange(arguments, arguments.calls, &headers, &server, &mut connections).await?;
    let wall = start.elapsed();
    Report {
        wall,
        own_cpu: cpu_of(own).saturating_sub(own_before),
        server_cpu: cpu_of(pid).saturating_sub(server_before),
        tree_cpu: cpu_of_tree(pid).saturating_sub(tree_before),
        first,
        latencies,
    }
    .print();
    drop(connections);
    server.stop().await
}

/// Returns the headers of a call, in the legacy era after a handshake.
async fn headers(
    connection: &mut SendRequest<Full<Bytes>>,
    server: &http::Server,
    arguments: &Arguments,
) -> Outcome<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(&server.address.to_string())?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if arguments.era == Era::Legacy {
        let (answer, _) = post(connection, &server.path, &headers, wire::INITIALIZE.into()).await?;
        if let Some(session) = answer.get(SESSION) {
            headers.insert(SESSION, session.clone());
        }
        headers.insert("mcp-protocol-version", HeaderValue::from_static("2025-11-25"));
        post(connection, &server.path, &headers, wire::INITIALIZED.into()).await?;
    } else {
        headers.insert("mcp-protocol-version", HeaderValue::from_static("2026-07-28"));
        headers.insert("mcp-method", HeaderValue::from_static("tools/call"));
        headers.insert("mcp-name", HeaderValue::from_static("echo"));
    }
    Ok(headers)
}

/// Makes the calls, divided evenly among the connections.
async fn exchange(
    arguments: &Arguments,
    calls: usize,
    headers: &HeaderMap,
    server: &http::Server,
    connections: &mut [SendRequest<Full<Bytes>>],
) -> Outcome<Vec<Duration>> {
    let rest = wire::call_rest(arguments);
    let depth = arguments.depth;
    let callers = connections.iter_mut().enumerate().map(|(index, connection)| {
        let share = calls / depth + usize::from(index < calls % depth);
        let rest = &rest;
        async move {
            let mut latencies = Vec::with_capacity(share);
            for number in 0..share {
                let start = Instant::now();
                let id = index + number * depth;
                let mut body = Vec::with_capacity(rest.len() + 40);
                body.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
                body.extend_from_slice(id.to_string().as_bytes());
                body.extend_from_slice(rest.as_bytes());
                let (head, answer) = post(connection, &server.path, headers, body.into()).await?;
                let is_stream = head.get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
                let answer =
                    if is_stream { wire::answer_in(&answer)? } else { serde_json::from_slice(&answer)? };
                if answer.id != id {
                    return Err("the answer belongs to another call".into());
                }
                latencies.push(start.elapsed());
            }
            Outcome::Ok(latencies)
        }
    });
    Ok(try_join_all(callers).await?.concat())
}

async fn post(
    connection: &mut SendRequest<Full<Bytes>>,
    path: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Outcome<(HeaderMap, Bytes)> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse()?;
    *request.headers_mut() = headers.clone();
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()).into());
    }
    let (head, body) = response.into_parts();
    Ok((head.headers, body.collect().await?.to_bytes()))
}
