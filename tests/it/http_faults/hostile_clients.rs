//! Our server and clients that send anything: it answers by a status or hangs up, reads no more than it must, and serves
//! the next one.

use std::net::SocketAddr;

use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_core::transport::async_trait;
use mcp_http::HttpServer;
use mcp_http::server::{Listener, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::kit::*;
use super::log::Log;

const MIB: usize = 1 << 20;

async fn serve() -> (SocketAddr, JoinHandle<()>) {
    let router = Router::new().tool(ToolDef::new("tool"), |_, _| async { Ok::<_, HandlerError>("right") });
    let server = Server::builder("s", "1").build(router).unwrap();
    let bound = HttpServer::new(server).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    (
        address,
        tokio::spawn(async move {
            bound.serve().await;
        }),
    )
}

/// A modern call, its body as given.
fn request(headers: &str, body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: tool\r\n{headers}\r\n{body}"
    )
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// Says this, then the part over and over until the server has had enough; how much it took, and what it said.
async fn endless(address: SocketAddr, said: &str, part: &str) -> (usize, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let (said, part) = (said.to_owned(), part.repeat((16 << 10) / part.len() + 1));
    let writing = tokio::spawn(async move {
        let mut taken = 0;
        if writer.write_all(said.as_bytes()).await.is_err() {
            return 0;
        }
        while taken < 1 << 30 && writer.write_all(part.as_bytes()).await.is_ok() {
            taken += part.len();
        }
        taken
    });
    let mut answer = Vec::new();
    let _reset = reader.read_to_end(&mut answer).await;
    drop(reader);
    (in_time(writing).await.unwrap(), String::from_utf8_lossy(&answer).into_owned())
}

async fn serves(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = request(&format!("connection: close\r\ncontent-length: {}\r\n", CALL.len()), CALL);
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("right"), "{answer}");
}

/// FAULT C-45 and FAULTS B, unbounded memory: up to 1 GiB without an end, in every part of a request. A few MiB are taken:
/// the limit, and what the system holds.
#[tokio::test]
async fn a_request_without_an_end_is_read_up_to_a_limit() {
    let (address, serving) = serve().await;
    let x = "x".repeat(1000);
    let chunked = request("transfer-encoding: chunked\r\n", "");
    for (said, part, status, most) in [
        ("", x.as_str(), "431", MIB),
        ("POST /", x.as_str(), "431", MIB),
        ("POST /mcp HTTP/1.1\r\nx-long: ", x.as_str(), "431", MIB),
        ("POST /mcp HTTP/1.1\r\n", "x-many: 1\r\n", "431", MIB),
        (&request(&format!("content-length: {}\r\n", 1_u64 << 40), ""), "{", "413", MIB),
        (&chunked, &format!("3e8\r\n{x}\r\n"), "413", 5 * MIB),
        (&format!("{chunked}5;"), x.as_str(), "400", MIB),
        (&format!("{chunked}2\r\n{{}}\r\n0\r\n"), "x: y\r\n", "400", MIB),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0", "", MIB),
        ("\r\n", "\r\n", "", MIB),
    ] {
        let (taken, answer) = endless(address, said, part).await;
        // A reset may overtake the answer.
        assert!(
            answer.is_empty() || status.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{said:?}: {answer}"
        );
        // Linux holds up to 10 MiB of a loopback connection by itself.
        assert!(
            taken <= most + 10 * MIB,
            "{said:?} {:?}: {taken} bytes were taken",
            &part[..part.len().min(9)]
        );
        serves(address).await;
    }
    serving.abort();
}

/// FAULT C-45: a target beyond what HTTP names is 414, as long headers are 431 and bodies 413.
#[tokio::test]
async fn a_target_that_is_too_long_is_414() {
    let (address, serving) = serve().await;
    for (length, status) in [(2_000, "404"), (70_000, "4")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let text =
            format!("GET /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "a".repeat(length));
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
        if length > 64 << 10 {
            assert!(answer.starts_with("HTTP/1.1 414") || answer.starts_with("HTTP/1.1 431"), "{answer}");
        }
    }
    serves(address).await;
    serving.abort();
}

/// FAULTS B, deep JSON: a million brackets, wherever a request may have them, in either era: 400, and the next one is
/// served.
#[tokio::test]
async fn deep_requests_are_400() {
    let (address, serving) = serve().await;
    let deep = "[".repeat(1_000_000);
    let closed = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for body in [
        deep.clone(),
        "{\"a\":".repeat(200_000),
        CALL.replace("\"id\":1", &format!("\"id\":{deep}")),
        CALL.replace("\"tool\"", &closed),
        CALL.replace("{}", &closed),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"a":{closed}}}}}"#),
        format!(r#"[{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{closed}}}}}]"#),
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{"a":{closed}}}}}"#),
    ] {
        for modern in [true, false] {
            let mut text =
                request(&format!("connection: close\r\ncontent-length: {}\r\n", body.len()), &body);
            if !modern {
                text = text.replace(
                    "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: tool\r\n",
                    "",
                );
            }
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400"), "{modern} {}: {answer}", &body[..80]);
            assert!(answer.len() < 2000, "{answer}");
        }
    }
    serves(address).await;
    serving.abort();
}

/// Fails to accept: a connection that is gone already, then for want of descriptors, and then nothing comes any more.
struct Failing {
    left: u32,
    done: Option<tokio::sync::oneshot::Sender<()>>,
}

#[async_trait]
impl Listener for Failing {
    type Io = DuplexStream;

    async fn accept(&mut self) -> std::io::Result<(DuplexStream, Peer)> {
        const EMFILE: i32 = 24;
        self.left = self.left.saturating_sub(1);
        match self.left {
            20.. => Err(std::io::ErrorKind::ConnectionAborted.into()),
            1.. => Err(std::io::Error::from_raw_os_error(EMFILE)),
            0 => {
                self.done.take().map(|done| done.send(()));
                std::future::pending().await
            }
        }
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

/// FAULT C-46: a server that cannot accept says so once, not at every try, whatever failed before.
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_accept_says_so_once() {
    for aborted in [0, 3] {
        let log = Log::default();
        let _until_the_end = tracing::subscriber::set_default(log.clone());
        let (done, is_done) = tokio::sync::oneshot::channel();
        let server = Server::builder("s", "1").build(Router::new()).unwrap();
        let bound = HttpServer::new(server).over(Failing { left: 20 + aborted, done: Some(done) }).unwrap();
        let serving = tokio::spawn(async move {
            bound.serve().await;
        });
        in_time(is_done).await.unwrap();
        serving.abort();
        let said = log.text();
        assert_eq!(said.matches("cannot accept connections").count(), 1, "{aborted}: {said}");
    }
}
