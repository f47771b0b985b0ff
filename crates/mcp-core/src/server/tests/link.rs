//! The ends of links: a peer that stops sending, stops reading, or goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Peer, server};
use crate::message::RawJson;
use crate::server::{Context, Router};
use crate::transport::{Binding, memory};

fn slow(limit: u64, cancelled: &Arc<AtomicBool>) -> Router {
    let cancelled = cancelled.clone();
    Router::new().method("x/slow", move |_, context: Context| {
        let cancelled = cancelled.clone();
        async move {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(limit)) => {}
                () = context.cancelled() => cancelled.store(true, Ordering::SeqCst),
            }
            Ok(RawJson::object([("done", RawJson::TRUE)]))
        }
    })
}

/// STDIO-S-011: read-closed is not write-closed; what was accepted is still answered.
#[tokio::test(start_paused = true)]
async fn the_end_of_input_does_not_lose_replies() {
    let server = server(slow(20, &Arc::default()));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "x/slow", "{}").await;
    peer.modern(2, "x/slow", "{}").await;
    peer.close_sending().await;
    assert!(peer.text().await.contains("done"));
    assert!(peer.text().await.contains("done"));
    assert_eq!(peer.text().await, "");
}

/// STDIO-S-011: but not for ever.
#[tokio::test(start_paused = true)]
async fn after_the_end_of_input_handlers_are_not_waited_for_for_ever() {
    let cancelled = Arc::new(AtomicBool::new(false));
    let server = server(slow(100_000, &cancelled));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "x/slow", "{}").await;
    peer.close_sending().await;
    assert_eq!(peer.text().await, "");
    assert!(cancelled.load(Ordering::SeqCst));
}

/// FAULT C-19: a peer that is gone cancels its requests.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_cancels_its_requests() {
    let cancelled = Arc::new(AtomicBool::new(false));
    let server = server(slow(100_000, &cancelled));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "x/slow", "{}").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(peer);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(cancelled.load(Ordering::SeqCst));
    assert_eq!(server.links(), 0);
}

/// FAULT C-12: a peer that never reads is given up, and nobody else is concerned.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_given_up() {
    let server = server(slow(0, &Arc::default()));
    let mut stuck = Peer::with(&server, &memory::Pair::new(Binding::STREAM).capacity(1));
    let mut other = Peer::of(&server, Binding::STREAM);
    for id in 1..=10 {
        stuck.modern(id, "x/slow", "{}").await;
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    other.modern(1, "x/slow", "{}").await;
    assert!(other.text().await.contains("done"));
    assert_eq!(server.links(), 2);
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(server.links(), 1);
}
