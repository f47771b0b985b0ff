//! Five thousand concurrent calls on one link: each gets its own answer, in bounded memory.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::server::{Reply, Router, Server};
use mcp_stdio::{StreamConnect, StreamTransport};
use tokio::sync::Notify;

const CALLS: usize = 5_000;

/// The most memory that all calls in flight may add to a process that holds both ends of the link.
const BOUND_KIB: usize = 64 * 1024;

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
        .max_in_flight(CALLS)
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

/// Runs the test with this name again in a separate process, because the peak is a value of the whole process.
/// Returns `None` in the parent, which has nothing more to do, and the peak so far in the child.
#[cfg(target_os = "linux")]
pub(crate) fn in_a_separate_process(name: &str) -> Option<usize> {
    const CHILD: &str = "MCP_IT_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return Some(peak_kib());
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "no test has this name: {said}");
    print!("{said}");
    None
}

/// The peak memory of this process, in KiB.
#[cfg(target_os = "linux")]
pub(crate) fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// FAULT C-39, FAULT A-B8, FAULT C-40.
#[test]
#[cfg(target_os = "linux")]
fn five_thousand_calls_get_their_own_answers_in_bounded_memory() {
    let name = "many_calls::five_thousand_calls_get_their_own_answers_in_bounded_memory";
    let Some(before) = in_a_separate_process(name) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for era in [EraMode::Auto, EraMode::Legacy(ProtocolVersion::V2025_11_25)] {
            all_get_their_own_answer(era, CALLS).await; // all of them are in flight
            all_get_their_own_answer(era, 500).await; // most of them wait in the queue
        }
    });
    let grown = peak_kib() - before;
    println!("{CALLS} concurrent calls: the peak grew by {grown} KiB, {} bytes a call", grown * 1024 / CALLS);
    assert!(grown < BOUND_KIB, "grew by {grown} KiB; the bound is {BOUND_KIB}");
}
