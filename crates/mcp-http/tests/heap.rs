//! The heap that sessions, kept connections and open streams of a server hold. A separate binary, because the allocator
//! counts for the whole process.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mcp_core::server::{Router, Server, ToolDef};
use mcp_http::HttpServer;
use tokio::sync::{mpsc, oneshot};

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

/// How many there are of each, beside the first ones, which pay for what exists once.
const COUNT: usize = 500;
const FIRST: usize = 50;

/// The most bytes for each: what was reached, with a little space. docs/benchmarks.md says what takes them.
const SESSION: usize = 2048;
const USED_CONNECTION: usize = 23 * 1024 + 256;
const SILENT_CONNECTION: usize = 3328;
const STREAM: usize = 28 * 1024;

macro_rules! modern {
    ($method:literal, $members:literal) => {
        concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":""#,
            $method,
            r#"","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
            r#""io.modelcontextprotocol/clientCapabilities":{}},"#,
            $members,
            "}}"
        )
    };
}

const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
    r#""clientInfo":{"name":"heap","version":"1.0.0"}}}"#
);
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const CALL: &str = modern!("tools/call", r#""name":"echo","arguments":{"text":"hello"}"#);
const LISTEN: &str = modern!("subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#);

/// Asks for the bytes that are live after this much more time, once the server has nothing left to do.
type Asked = (Duration, oneshot::Sender<usize>);

/// The server's side: answers on a virtual clock, which stands still while the client's thread runs.
async fn serve(asked: &mut mpsc::UnboundedReceiver<Asked>, address: std::sync::mpsc::Sender<SocketAddr>) {
    let router = Router::new()
        .tools_list_changed()
        .tool(ToolDef::new("echo"), |arguments, _| async move { Ok(arguments.to_string()) });
    let server = Server::builder("heap", "1.0.0").build(router).unwrap();
    let bound = HttpServer::new(server).bind("127.0.0.1:0").await.unwrap();
    address.send(bound.local_addr().unwrap()).unwrap();
    tokio::spawn(bound.serve());
    while let Some((time, answer)) = asked.recv().await {
        for _ in 0..4 {
            tokio::time::advance(time / 4).await;
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        }
        answer.send(dhat::HeapStats::get().curr_bytes).unwrap();
    }
}

/// The client's side: blocking sockets, which hold nothing on the heap.
struct Client {
    address: SocketAddr,
    asks: mpsc::UnboundedSender<Asked>,
}

impl Client {
    fn live(&self, after: Duration) -> usize {
        let (answer, answered) = oneshot::channel();
        self.asks.send((after, answer)).unwrap();
        answered.blocking_recv().unwrap()
    }

    /// The bytes that each of the things adds that `make` makes, at once and after each of these times. They are kept.
    fn growth<const TIMES: usize, T>(
        &self,
        after: [Duration; TIMES],
        mut make: impl FnMut() -> T,
    ) -> ([usize; TIMES], Vec<T>) {
        let mut kept = Vec::with_capacity(FIRST + COUNT);
        kept.extend((0..FIRST).map(|_| make()));
        // Twice, because what is silent takes less.
        let _silent = self.live(after.iter().sum());
        let before = self.live(Duration::ZERO);
        kept.extend((0..COUNT).map(|_| make()));
        (after.map(|time| self.live(time).saturating_sub(before) / COUNT), kept)
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    fn modern(&self, connection: &mut TcpStream, method: &str, more: &str, body: &str) {
        let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{more}");
        self.send(connection, &headers, body);
    }

    /// Opens a session that stays: a handshake and a list.
    fn session(&self, connection: &mut TcpStream) {
        let answer = self.send(connection, "", INITIALIZE);
        let id = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
        let headers = format!("mcp-session-id: {id}\r\nmcp-protocol-version: 2025-11-25\r\n");
        self.send(connection, &headers, INITIALIZED);
        self.send(connection, &headers, LIST);
    }

    /// Sends a request and reads its head, and the body if it has a length; for a stream its first event.
    fn send(&self, connection: &mut TcpStream, headers: &str, body: &str) -> String {
        let (address, length) = (self.address, body.len());
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        connection.write_all(head.as_bytes()).unwrap();
        let (mut answer, mut space) = (Vec::new(), [0; 4096]);
        loop {
            let read = connection.read(&mut space).unwrap();
            assert!(read > 0, "the server closed the connection");
            answer.extend_from_slice(&space[..read]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("HTTP/1.1 2"), "{text}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let whole = match length {
                Some(length) => body.len() >= length.parse().unwrap(),
                None => head.contains("202") || body.contains("\n\n"),
            };
            if whole {
                return head.to_owned();
            }
        }
    }
}

fn measure(client: &Client) {
    const NOW: Duration = Duration::ZERO;
    const QUIET: Duration = Duration::from_secs(4);
    let mut one = client.connect();
    let ([session], _) = client.growth([QUIET], || client.session(&mut one));
    let ([used, silent], mut connections) = client.growth([NOW, QUIET], || {
        let mut connection = client.connect();
        client.modern(&mut connection, "tools/call", "mcp-name: echo\r\n", CALL);
        connection
    });
    for connection in &mut connections {
        // A silent connection serves on.
        client.modern(connection, "tools/call", "mcp-name: echo\r\n", CALL);
    }
    // And is soon silent again.
    let freed = (client.live(NOW) - client.live(QUIET)) / connections.len();
    assert!(freed >= used - SILENT_CONNECTION, "a connection that was used again gave back {freed} bytes");
    let ([stream], _streams) = client.growth([QUIET], || {
        let mut connection = client.connect();
        client.modern(&mut connection, "subscriptions/listen", "", LISTEN);
        connection
    });
    println!("session {session}, used connection {used}, silent connection {silent}, stream {stream}");
    assert!(session <= SESSION, "an idle legacy session takes {session} bytes");
    assert!(used <= USED_CONNECTION, "a connection that was just used takes {used} bytes");
    assert!(silent <= SILENT_CONNECTION, "a silent connection takes {silent} bytes");
    assert!(stream <= STREAM, "an open stream takes {stream} bytes, with its connection");
}

#[test]
fn sessions_connections_and_streams_are_small() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (asks, mut asked) = mpsc::unbounded_channel();
        let (bound, address) = std::sync::mpsc::channel();
        // The clock does not move by itself while this thread runs.
        let client = tokio::task::spawn_blocking(move || {
            let client = Client { address: address.recv().unwrap(), asks };
            measure(&client);
        });
        serve(&mut asked, bound).await;
        client.await.unwrap();
    });
}
