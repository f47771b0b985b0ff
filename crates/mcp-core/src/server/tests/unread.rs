//! Answers that the peer does not read, and answers that wait for the rest of their batch.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::script::Script;
use crate::message::RawJson;
use crate::server::{Router, Server, ServerBuilder};
use crate::transport::Lane;

const MIB: usize = 1 << 20;

/// Answers of 1 MiB, at once or after a second.
fn large(started: &Arc<AtomicUsize>) -> Router {
    let text = RawJson::object([("text", RawJson::string(&"x".repeat(MIB)))]);
    let mut router = Router::new();
    for (method, delay) in [("x/fast", 0), ("x/slow", 1)] {
        let (text, started) = (text.clone(), started.clone());
        router = router.method(method, move |_, _| {
            let (text, started) = (text.clone(), started.clone());
            async move {
                started.fetch_add(1, Ordering::SeqCst);
                if delay > 0 {
                    tokio::time::sleep(Duration::from_secs(delay)).await;
                }
                Ok(text)
            }
        });
    }
    router.method("x/hang", |_, _| async { pending::<Result<RawJson, crate::server::HandlerError>>().await })
}

fn serve(builder: ServerBuilder, script: &Script) -> (Server, Arc<AtomicUsize>) {
    let started = Arc::new(AtomicUsize::new(0));
    let server = builder.build(large(&started)).unwrap();
    let (serving, link) = (server.clone(), script.clone());
    tokio::spawn(async move { serving.serve(link).await });
    (server, started)
}

fn builder() -> ServerBuilder {
    Server::builder("test", "1").max_link_unread_bytes(8 * MIB)
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn unread(server: &Server) -> usize {
    server.shared.budgets.unread.bytes() as usize
}

/// FAULT F-A7: handlers do not start while their peer is behind; when it reads, everything is answered.
#[tokio::test(start_paused = true)]
async fn handlers_wait_for_a_peer_that_does_not_read() {
    let script = Script::default();
    script.calls("x/fast", 100);
    let (server, started) = serve(builder(), &script);
    seconds(5).await;
    assert!(started.load(Ordering::SeqCst) <= 5, "{}", started.load(Ordering::SeqCst));
    assert!((3 * MIB..=8 * MIB).contains(&unread(&server)), "{}", unread(&server));
    script.read_on();
    seconds(5).await;
    let answers = script.answers();
    assert_eq!((answers.len(), started.load(Ordering::SeqCst), unread(&server)), (100, 100, 0));
    assert!(answers.iter().all(|answer| answer.len() > MIB));
}

/// Handlers that wait for their peer to read do not start when it goes instead.
#[tokio::test(start_paused = true)]
async fn handlers_that_wait_do_not_start_after_their_link() {
    let script = Script::default();
    script.calls("x/fast", 100);
    let (server, started) = serve(builder().write_timeout(Duration::from_secs(10)), &script);
    seconds(5).await;
    let before = started.load(Ordering::SeqCst);
    assert_eq!(server.links(), 1);
    seconds(60).await;
    assert_eq!((server.links(), started.load(Ordering::SeqCst)), (0, before));
    assert_eq!(server.shared.budgets.requests.places(), 0);
}

/// FAULT F-A7: answers of handlers that ran already are replaced by an error that names the limit.
#[tokio::test(start_paused = true)]
async fn answers_beyond_the_limit_of_a_link_are_errors() {
    let script = Script::default();
    script.calls("x/slow", 100);
    let (server, started) = serve(builder(), &script);
    seconds(5).await;
    assert_eq!(started.load(Ordering::SeqCst), 100);
    assert!((6 * MIB..=9 * MIB).contains(&unread(&server)), "{}", unread(&server));
    script.read_on();
    seconds(5).await;
    let (large, small): (Vec<String>, Vec<String>) =
        script.answers().into_iter().partition(|answer| answer.len() > MIB);
    assert_eq!((large.len(), small.len()), (7, 93));
    assert!(small.iter().all(|error| error.contains("-32603") && error.contains("max_link_unread_bytes")));
}

/// FAULT F-A7: the answers of all links together are bounded, and a link that does not read is ended for the others.
#[tokio::test(start_paused = true)]
async fn the_slowest_reader_is_cut_when_the_server_is_full() {
    let stuck: Vec<Script> = (0..12).map(|_| Script::default()).collect();
    let started = Arc::new(AtomicUsize::new(0));
    let server = builder().max_unread_bytes(8 * MIB).build(large(&started)).unwrap();
    for script in &stuck {
        let (serving, link) = (server.clone(), script.clone());
        tokio::spawn(async move { serving.serve(link).await });
    }
    // The first time tells which links have written nothing at the second time.
    for links in [12, 11] {
        for script in &stuck {
            script.calls("x/slow", 1);
        }
        seconds(3).await;
        assert!((6 * MIB..=8 * MIB).contains(&unread(&server)), "{}", unread(&server));
        assert_eq!(server.links(), links);
    }
}

/// FAULT F-A3: the answers that are collected for a batch are bounded; the rest of them are errors that name the limit.
#[tokio::test(start_paused = true)]
async fn the_answers_of_a_batch_are_bounded() {
    let script = Script::default();
    script.says(
        r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
        Lane::SHARED,
    );
    script.says(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, Lane::SHARED);
    for batch in 0..4 {
        let mut calls: Vec<String> = (0..20)
            .map(|id| format!(r#"{{"jsonrpc":"2.0","id":"{batch} {id}","method":"x/fast"}}"#))
            .collect();
        calls.push(format!(r#"{{"jsonrpc":"2.0","id":"{batch} hang","method":"x/hang"}}"#));
        script.says(&format!("[{}]", calls.join(",")), Lane::batch(batch));
    }
    script.read_on();
    let (server, _) = serve(builder().max_batch_bytes(3 * MIB), &script);
    seconds(5).await;
    let answers = script.answers();
    assert_eq!(answers.len(), 1 + 4 * 20);
    let (large, small): (Vec<&String>, Vec<&String>) =
        answers[1..].iter().partition(|answer| answer.len() > MIB);
    // Two of each batch, and no more than the link may hold of all.
    assert!((4..=7).contains(&large.len()), "{}", large.len());
    assert!(
        small
            .iter()
            .all(|error| error.contains("max_batch_bytes") || error.contains("max_link_unread_bytes"))
    );
    assert!(small.iter().any(|error| error.contains("max_batch_bytes")), "{small:?}");
    assert!(unread(&server) <= 8 * MIB);
    // What a batch held is given back with its last answer.
    for batch in 0..4 {
        let cancel = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":"{batch} hang"}}}}"#
        );
        script.says(&cancel, Lane::SHARED);
    }
    seconds(1).await;
    assert_eq!(unread(&server), 0);
}
