//! A server without sockets, and a client that writes bytes and reads bytes.

use std::io;

use mcp_core::transport::{Accept, async_trait};
use mcp_http::HttpServer;
use mcp_http::server::{HttpServerConfig, HttpService, Listener, Peer, ServeReport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Connections that tests make.
pub(crate) struct Pipes(mpsc::UnboundedReceiver<(DuplexStream, Peer)>);

#[async_trait]
impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Peer)> {
        match self.0.recv().await {
            Some(connection) => Ok(connection),
            None => std::future::pending().await,
        }
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

/// A server in a separate task.
pub(crate) struct Running {
    connect: mpsc::UnboundedSender<(DuplexStream, Peer)>,
    /// To look at it while it runs.
    pub(crate) service: HttpService,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<ServeReport>,
}

/// How much either side may write before the other has to read.
const PIPE: usize = 64 * 1024;

impl Running {
    pub(crate) fn start(accept: impl Accept, change: impl FnOnce(&mut HttpServerConfig)) -> Running {
        Running::serve(HttpServer::new(accept).configure(change))
    }

    pub(crate) fn serve(server: HttpServer) -> Running {
        let (connect, incoming) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let bound = server.over(Pipes(incoming)).expect("settings");
        let service = bound.service();
        let task = tokio::spawn(bound.serve_until(async {
            let _dropped = stopped.await;
        }));
        Running { connect, service, stop: Some(stop), task }
    }

    /// A connection.
    pub(crate) fn open(&self) -> Raw {
        Raw { io: self.open_pipe(PIPE), read: Vec::new() }
    }

    /// A connection on which little is under way.
    pub(crate) fn open_small(&self, size: usize) -> Raw {
        Raw { io: self.open_pipe(size), read: Vec::new() }
    }

    pub(crate) fn open_pipe(&self, size: usize) -> DuplexStream {
        self.open_pipe_from(size, Peer::Unknown)
    }

    /// A connection of this peer.
    pub(crate) fn open_from(&self, peer: Peer) -> Raw {
        Raw { io: self.open_pipe_from(PIPE, peer), read: Vec::new() }
    }

    pub(crate) fn open_pipe_from(&self, size: usize, peer: Peer) -> DuplexStream {
        let (near, far) = tokio::io::duplex(size);
        self.connect.send((far, peer)).expect("the server runs");
        near
    }

    /// Tells it to stop; the report comes from [`Running::stopped`].
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }

    pub(crate) async fn stopped(mut self) -> ServeReport {
        self.stop();
        self.task.await.expect("the server ends well")
    }

    /// One request on a new connection.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut raw = self.open();
        raw.write(&request).await;
        if request.as_ref().starts_with(b"HEAD ") {
            return raw.head().await;
        }
        raw.answer().await
    }
}

/// A client's end.
pub(crate) struct Raw {
    pub(crate) io: DuplexStream,
    read: Vec<u8>,
}

/// An answer, its body whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The code of the JSON-RPC error that it is.
    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().expect("a code")
    }

    /// What the `data` fields of its events hold.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
    }
}

impl Raw {
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.expect("the server reads");
    }

    /// Reads more; `false` at the end.
    async fn more(&mut self) -> bool {
        self.io.read_buf(&mut self.read).await.unwrap_or(0) > 0
    }

    fn take(&mut self, length: usize) -> String {
        let rest = self.read.split_off(length);
        let taken = std::mem::replace(&mut self.read, rest);
        String::from_utf8(taken).expect("UTF-8")
    }

    /// Everything up to and with this text.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        loop {
            let found = self.read.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                return self.take(at + text.len());
            }
            assert!(self.more().await, "ended after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    async fn exactly(&mut self, length: usize) -> String {
        while self.read.len() < length {
            assert!(self.more().await, "cut after {:?}", String::from_utf8_lossy(&self.read));
        }
        self.take(length)
    }

    /// The status line and the headers.
    pub(crate) async fn head(&mut self) -> Answer {
        let head = self.until("\r\n\r\n").await;
        let mut lines = head.trim_end().lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let split = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers = lines.map(split).collect();
        Answer { status: status.parse().expect("a number"), headers, body: String::new() }
    }

    /// One chunk of a stream; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        let size = self.until("\r\n").await;
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        let chunk = self.exactly(size).await;
        assert_eq!(self.exactly(2).await, "\r\n");
        (size > 0).then_some(chunk)
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await {
                answer.body.push_str(&chunk);
            }
        } else {
            let length =
                answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
            answer.body = self.exactly(length).await;
        }
        answer
    }

    /// What comes within this time, or until the end of the connection.
    pub(crate) async fn rest_for(mut self, time: std::time::Duration) -> String {
        let _over = tokio::time::timeout(time, async { while self.more().await {} }).await;
        let length = self.read.len();
        self.take(length)
    }

    /// Waits for the end of the connection; what came before it.
    pub(crate) async fn rest(mut self) -> String {
        while self.more().await {}
        let length = self.read.len();
        self.take(length)
    }
}

/// The members of `_meta` that a modern request has.
pub(crate) const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// A request over HTTP: headers, then the body, whose length is added.
pub(crate) fn http(start: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{start} HTTP/1.1\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

/// The headers that every modern POST has, with this method and name.
pub(crate) fn headers<'a>(method: &'a str, name: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![
        ("Host", "localhost"),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Mcp-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", method),
    ];
    headers.extend(name.map(|name| ("Mcp-Name", name)));
    headers
}

/// The body of a modern request: `members` follow `_meta` in its params.
pub(crate) fn body(id: &str, method: &str, members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{META}{comma}{members}}}}}"#)
}

/// A modern `tools/call`.
pub(crate) fn call(id: &str, tool: &str, arguments: &str) -> String {
    let members = format!(r#""name":"{tool}","arguments":{arguments}"#);
    http("POST /mcp", &headers("tools/call", Some(tool)), &body(id, "tools/call", &members))
}

/// A modern request without further params.
pub(crate) fn plain(id: &str, method: &str) -> String {
    http("POST /mcp", &headers(method, None), &body(id, method, ""))
}

/// What comes soon; a hang is a failure, and under paused time it costs nothing.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, event).await.expect("it happens soon")
}
