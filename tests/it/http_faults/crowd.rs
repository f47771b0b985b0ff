//! A thousand calls at once over sixteen connections, to our own server: each gets its own answer, in both eras.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use mcp_core::client::{CallOptions, Client, EraMode};
use mcp_core::message::RawJson;
use mcp_core::server::{Context, Reply, Router, Server};
use mcp_http::{HttpClient, HttpServer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use super::kit::{LEGACY, MODERN, in_time};

const CALLS: usize = 1000;
const CONNECTIONS: usize = 16;
/// What the calls may add to the memory of a process that holds both ends and what counts between them.
const BOUND_KIB: usize = 48 * 1024;

/// Counts the connections that pass through it.
struct Counter {
    url: String,
    /// Open now, and the most at once.
    count: watch::Receiver<(usize, usize)>,
    task: tokio::task::JoinHandle<()>,
}

impl Counter {
    async fn before(server: std::net::SocketAddr) -> Counter {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let (sender, count) = watch::channel((0, 0));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let sender = sender.clone();
                sender.send_modify(|(open, most)| {
                    *open += 1;
                    *most = (*most).max(*open);
                });
                connections.spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let _either_end = copy_bidirectional(&mut near, &mut far).await;
                    sender.send_modify(|(open, _)| *open -= 1);
                });
            }
        });
        Counter { url, count, task }
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
            let nonce = params.and_then(|params| params.raw().member("nonce")).unwrap_or(RawJson::NULL);
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
    (Server::builder("nonces", "1").build(router), seen)
}

async fn each_gets_its_own(era: EraMode) {
    let (server, handled) = nonces();
    let bound = HttpServer::new(Arc::new(server)).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async {
        let _dropped = stopped.await;
    }));
    let mut counter = Counter::before(address).await;
    let http = HttpClient::new(&counter.url).unwrap().configure(|config| config.connections = CONNECTIONS);
    let client = Client::builder("many", "1").era(era).connect(http).await.unwrap();
    let calls = (0..CALLS).map(|nonce| {
        let client = &client;
        async move {
            let params = RawJson::object([("nonce", RawJson::integer(nonce as i64))]);
            let options = CallOptions { progress: true, ..CallOptions::default() };
            let result = in_time(client.call("nonce", Some(params), options)).await.unwrap();
            assert_eq!(result.raw().member("nonce"), Some(RawJson::integer(nonce as i64)));
        }
    });
    join_all(calls).await;
    // A session's own stream and what is said beside calls are not counted: one for the stream, one for a note.
    let reserved = if era == LEGACY { 2 } else { 0 };
    let most = counter.count.borrow().1;
    assert!(most <= CONNECTIONS + reserved, "{most} connections at once");
    let at_once = handled.load(Ordering::SeqCst);
    assert!((2..=CONNECTIONS).contains(&at_once), "{at_once} calls were served at once");
    in_time(client.close()).await;
    drop(client);
    in_time(counter.count.wait_for(|(open, _)| *open == 0)).await.unwrap();
    drop(stop);
    in_time(serving).await.unwrap();
    counter.task.abort();
}

/// FAULT C-39, C-40, FAULT A-B7, A-B8; FAULTS B, one transport shared: in memory that is bounded, and no connection is left
/// open.
#[test]
#[cfg(target_os = "linux")]
fn a_thousand_calls_share_sixteen_connections() {
    let name = "http_faults::crowd::a_thousand_calls_share_sixteen_connections";
    let Some(before) = crate::many_calls::in_a_process_of_its_own(name) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for era in [MODERN, LEGACY] {
        runtime.block_on(each_gets_its_own(era));
    }
    let grown = crate::many_calls::peak_kib() - before;
    println!("{CALLS} calls over {CONNECTIONS} connections: the peak grew by {grown} KiB");
    assert!(grown < BOUND_KIB, "grew by {grown} KiB; the bound is {BOUND_KIB}");
}
