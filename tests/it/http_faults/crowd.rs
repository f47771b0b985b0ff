//! A thousand calls at once over a bounded number of connections, to our own server: each gets its own answer, in both
//! eras.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::future::join_all;
use mcp_core::client::{CallOptions, Client, EraMode};
use mcp_core::message::RawJson;
use mcp_core::server::{Context, Reply, Router, Server};
use mcp_core::transport::async_trait;
use mcp_http::net::{Dial, Io};
use mcp_http::{HttpClient, HttpServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};

use super::kit::{LEGACY, MODERN, in_time};

const CALLS: usize = 1000;
/// Few, so that most calls wait; and many, so that more answers come at once than one turn of a task can take.
const CONNECTIONS: [usize; 2] = [16, 128];
/// A quarter of what the calls may add to the memory of a process that holds both ends and what counts between them.
const BUDGET: usize = 12 << 20;

/// Opens connections, and counts them exactly: until the client lets go of them.
#[derive(Clone)]
struct Counting {
    server: SocketAddr,
    count: watch::Sender<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    opened: usize,
    open: usize,
    most: usize,
}

/// One counted connection.
struct Counted {
    stream: TcpStream,
    count: watch::Sender<Count>,
}

#[async_trait]
impl Dial for Counting {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let stream = TcpStream::connect(self.server).await?;
        self.count.send_modify(|count| {
            count.opened += 1;
            count.open += 1;
            count.most = count.most.max(count.open);
        });
        Ok(Box::new(Counted { stream, count: self.count.clone() }))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.send_modify(|count| count.open -= 1);
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Answers each call with its nonce; the last of those that are here at once come first.
fn nonces() -> (Server, Arc<AtomicUsize>) {
    let (here, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let router = Router::new().method("nonce", move |params, context: Context| {
        let (here, most) = (here.clone(), most.clone());
        async move {
            most.fetch_max(here.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let nonce = params.member("nonce").unwrap_or(RawJson::NULL);
            let turns = nonce.deserialize::<u64>().unwrap_or(0) % 7;
            // Every third answer is a stream, and they overtake each other.
            if turns % 3 == 0 {
                context.progress(1.0, None, None).await;
            }
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            here.fetch_sub(1, Ordering::SeqCst);
            Ok(Reply::Result(RawJson::object([("nonce", nonce)])))
        }
    });
    (Server::builder("nonces", "1").build(router).unwrap(), seen)
}

async fn each_gets_its_own(era: EraMode, connections: usize) {
    let (server, handled) = nonces();
    let bound = HttpServer::new(server).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async {
        let _dropped = stopped.await;
    }));
    let counting = Counting { server: address, count: watch::Sender::default() };
    let http = HttpClient::over(&format!("http://{address}/mcp"), counting.clone()).unwrap();
    let http = http.configure(|config| config.net.connections = connections);
    let client = Client::builder("many", "1").era(era).connect(http).await.unwrap();
    let calls = (0..CALLS).map(|nonce| {
        let client = &client;
        async move {
            let params = RawJson::object([("nonce", RawJson::integer(nonce as i64))]);
            let options = CallOptions::new().progress();
            let result = in_time(client.call("nonce", Some(params), options)).await.unwrap();
            assert_eq!(result.raw().member("nonce"), Some(RawJson::integer(nonce as i64)));
        }
    });
    join_all(calls).await;
    // A session's own stream and what is said beside calls are not counted: one for the stream, one for a note.
    let reserved = if era == LEGACY { 2 } else { 0 };
    let count = *counting.count.borrow();
    println!("{era:?}: {count:?}");
    assert!(count.most <= connections + reserved, "{connections}: {count:?}");
    let at_once = handled.load(Ordering::SeqCst);
    assert!((2..=connections).contains(&at_once), "{at_once} calls were served at once");
    in_time(client.close()).await;
    drop(client);
    in_time(counting.count.subscribe().wait_for(|count| count.open == 0)).await.unwrap();
    drop(stop);
    in_time(serving).await.unwrap();
}

/// FAULT C-39, C-40, FAULT A-B7, A-B8; FAULTS B, one transport shared: in memory that is bounded, and no connection is left
/// open.
#[test]
#[cfg(target_os = "linux")]
fn a_thousand_calls_share_some_connections() {
    let name = "a_thousand_calls_share_some_connections";
    let Some(memory) = mcp_tests::memory::limited(module_path!(), name, BUDGET) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for connections in CONNECTIONS {
        for era in [MODERN, LEGACY] {
            runtime.block_on(each_gets_its_own(era, connections));
        }
    }
    memory.assert_kept();
}
