//! What an idle legacy session holds on the heap: the bytes that are live after so many handshakes over one connection,
//! less those before, for each session.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use mcp_bench::{Arguments, Outcome, echo, run, wire};
use mcp_http::HttpServer;
use tokio::net::TcpStream;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

const SESSIONS: usize = 1000;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn main() -> Outcome {
    let _profiler = dhat::Profiler::builder().testing().build();
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let server = HttpServer::new(Arc::new(echo::server())).bind("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        tokio::spawn(server.serve_until(std::future::pending::<()>()));
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        // The first ones pay for what is there once.
        open(&mut sender, &address.to_string(), 50).await?;
        let before = dhat::HeapStats::get().curr_bytes;
        open(&mut sender, &address.to_string(), SESSIONS).await?;
        let after = dhat::HeapStats::get().curr_bytes;
        println!(
            "Live heap of an idle legacy session, after its handshake and one `tools/list`: {} bytes (mean of {SESSIONS}).",
            after.saturating_sub(before) / SESSIONS
        );
        Ok(())
    })
}

/// Opens sessions that stay: a handshake and a list each.
async fn open(sender: &mut SendRequest<Full<Bytes>>, host: &str, sessions: usize) -> Outcome {
    for _ in 0..sessions {
        let answer = post(sender, host, None, wire::INITIALIZE).await?;
        let session = answer.get("mcp-session-id").ok_or("no session")?.to_str()?;
        post(sender, host, Some(session), wire::INITIALIZED).await?;
        post(sender, host, Some(session), LIST).await?;
    }
    Ok(())
}

async fn post(
    sender: &mut SendRequest<Full<Bytes>>,
    host: &str,
    session: Option<&str>,
    body: &'static str,
) -> Outcome<HeaderMap> {
    let mut request = Request::post("/mcp")
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
    }
    sender.ready().await?;
    let response = sender.send_request(request.body(Full::new(body.into()))?).await?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()).into());
    }
    let (head, body) = response.into_parts();
    body.collect().await?;
    Ok(head.headers)
}
