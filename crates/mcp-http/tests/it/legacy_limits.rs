//! How many sessions there may be, whose they may be, and which one ends when there are too many.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use crate::legacy_kit::{Bench, Client, LIST, initialize, post};
use crate::legacy_sessions::ByToken;

/// FAULT B: session exhaustion.
#[tokio::test(start_paused = true)]
async fn too_many_sessions_are_refused_with_a_hint_and_room_comes_back() {
    let bench = Bench::with(|config| config.sessions.max = 2);
    let first = bench.client("2025-06-18").await;
    let second = bench.client("2025-06-18").await;
    // Something is open in both.
    let (_stream, _other) = (first.listen(&bench, None).await, second.listen(&bench, None).await);
    let answer = bench.server.ask(post(&initialize("2025-06-18"), &[])).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    assert!(answer.body.contains(r#"the limit \"sessions\""#), "{}", answer.body);
    assert_eq!(bench.server.service.session_totals().refused, 1);
    assert_eq!(first.delete(&bench).await.status, 204);
    let _third = bench.client("2025-06-18").await;
}

/// FAULT F-S6: at the limit the session that is idle for longest makes room.
#[tokio::test(start_paused = true)]
async fn the_session_that_is_idle_for_longest_makes_room() {
    let bench = Bench::with(|config| config.sessions.max = 3);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(bench.client("2025-06-18").await);
        advance(Duration::from_secs(1)).await;
    }
    let _open = clients[0].listen(&bench, None).await;
    assert_eq!(clients[1].ask(&bench, LIST).await.status, 200);
    let newest = bench.client("2025-06-18").await;
    assert_eq!(clients[2].ask(&bench, LIST).await.status, 404, "it was idle for longest");
    for client in [&clients[0], &clients[1], &newest] {
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
    }
    let totals = bench.server.service.session_totals();
    assert_eq!((totals.opened, totals.evicted, totals.expired, totals.refused), (4, 1, 0, 0));
}

/// FAULT F-S6: clients that open sessions at the same time do not take each other's places.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn openers_at_once_find_room() {
    const OPENERS: usize = 8;
    let bench = Arc::new(Bench::with(|config| config.sessions.max = 4 * OPENERS));
    let openers = (0..OPENERS).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move {
            for _ in 0..200 {
                let answer = bench.server.ask(post(&initialize("2025-06-18"), &[])).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        })
    });
    for opener in openers.collect::<Vec<_>>() {
        opener.await.unwrap();
    }
    assert_eq!(bench.server.service.session_totals().refused, 0);
}

/// FAULT F-S6: until a session is used it has a minute.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_never_used_expires_soon() {
    let bench = Bench::new();
    let unused = bench.client("2025-06-18").await;
    let used = bench.client("2025-06-18").await;
    assert_eq!(used.ask(&bench, LIST).await.status, 200);
    advance(Duration::from_secs(61)).await;
    assert_eq!(unused.ask(&bench, LIST).await.status, 404);
    assert_eq!(used.ask(&bench, LIST).await.status, 200);
    assert_eq!(bench.server.service.session_totals().expired, 1);
}

/// FAULT F-S6: one caller who opens session after session ends its own, and no other caller's.
#[tokio::test(start_paused = true)]
async fn a_caller_who_opens_too_many_sessions_ends_its_own() {
    let bench = Bench::with(|config| {
        config.authenticate = Some(Arc::new(ByToken));
        config.sessions.max = 40;
    });
    let bob = Client::open(&bench, "2025-06-18", &[("Authorization", "bob")]).await;
    advance(Duration::from_secs(10)).await;
    for _ in 0..200 {
        Client::open(&bench, "2025-06-18", &[("Authorization", "mallory")]).await;
    }
    assert_eq!(bob.ask(&bench, LIST).await.status, 200);
    let again = Client::open(&bench, "2025-06-18", &[("Authorization", "bob")]).await;
    assert_eq!(again.ask(&bench, LIST).await.status, 200);
    assert!(bench.server.service.sessions().sessions <= 40);
    assert!(bench.server.service.session_totals().evicted >= 160);
}

/// docs/bounds.md: streams that belong to no request are bounded over all sessions; one that ends makes room.
#[tokio::test(start_paused = true)]
async fn streams_of_all_sessions_are_bounded() {
    let bench = Bench::with(|config| config.limits.streams = 2);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(bench.client("2025-06-18").await);
    }
    let first = clients[0].listen(&bench, None).await;
    let _second = clients[1].listen(&bench, None).await;
    let mut raw = bench.server.open();
    raw.write(clients[2].get(None)).await;
    // The head first: a stream would not end.
    assert_eq!(raw.head().await.status, 503);
    let refused = bench.server.ask(clients[2].get(None)).await;
    assert!(refused.header("retry-after").is_some());
    assert!(refused.body.contains(r#"the limit \"open streams\""#), "{}", refused.body);
    drop(first);
    let mut tries = 0;
    loop {
        let mut raw = bench.server.open();
        raw.write(clients[2].get(None)).await;
        if raw.head().await.status == 200 {
            break;
        }
        tries += 1;
        assert!(tries < 100, "the place of a stream that ended does not come back");
    }
}
