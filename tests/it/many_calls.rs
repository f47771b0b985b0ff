//! Five thousand concurrent calls on one link: each gets its own answer, in bounded memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::server::{Reply, Router, Server};
use mcp_stdio::{StreamConnect, StreamTransport};
use tokio::sync::Notify;

const CALLS: usize = 5_000;

/// A quarter of what all calls in flight may add to the memory of a process that holds both ends of the link.
const BUDGET: usize = 16 << 20;

/// Answers each call with its nonce, after all calls of the round have arrived; the last one first.
fn server(round: usize) -> Server {
    let here = Arc::new(AtomicUsize::new(0));
    let all_here = Arc::new(Notify::new());
    let router = Router::new().method("nonce", move |params, _| {
        let (here, all_here) = (here.clone(), all_here.clone());
        async move {
            let mut opened = std::pin::pin!(all_here.notified());
            opened.as_mut().enable();
            if (here.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(round) {
                all_here.notify_waiters();
            } else {
                opened.await;
            }
            let nonce = params.member("nonce").unwrap_or(RawJson::NULL);
            Ok(Reply::Result(RawJson::object([("nonce", nonce)])))
        }
    });
    Server::builder("nonces", "1.0.0")
        .configure(|config| config.max_in_flight = CALLS)
        // A link that is alone leaves a reserve of the server's places to newcomers.
        .max_in_flight(2 * CALLS)
        .build(router)
        .unwrap()
}

async fn all_get_their_own_answer(era: EraMode, in_flight: usize) {
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    let serving = tokio::spawn({
        let (reader, writer) = theirs.into_split();
        let server = server(in_flight.min(CALLS));
        async move { server.serve(StreamTransport::new(reader, writer)).await }
    });
    let (reader, writer) = ours.into_split();
    let link = StreamConnect::new(StreamTransport::new(reader, writer));
    let client =
        Client::builder("many", "1.0.0").era(era).max_in_flight(in_flight).connect(link).await.unwrap();
    let calls = (0..CALLS).map(|nonce| {
        let client = &client;
        async move {
            let params = RawJson::object([("nonce", RawJson::integer(nonce as i64))]);
            let result = client.request("nonce", Some(params)).await.unwrap();
            assert_eq!(result.raw().member("nonce"), Some(RawJson::integer(nonce as i64)));
        }
    });
    join_all(calls).await;
    client.close().await;
    serving.await.unwrap();
}

/// FAULT C-39, FAULT A-B8, FAULT C-40.
#[test]
#[cfg(target_os = "linux")]
fn five_thousand_calls_get_their_own_answers_in_bounded_memory() {
    let name = "five_thousand_calls_get_their_own_answers_in_bounded_memory";
    let Some(memory) = mcp_tests::memory::limited(module_path!(), name, BUDGET) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for era in [EraMode::Auto, EraMode::Legacy(ProtocolVersion::V2025_11_25)] {
            all_get_their_own_answer(era, CALLS).await; // all of them are in flight
            all_get_their_own_answer(era, 500).await; // most of them wait in the queue
        }
    });
    println!("{} bytes a call", memory.grown() / CALLS);
    memory.assert_kept();
}
