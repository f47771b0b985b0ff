//! Event stores of applications that fail: a stream that cannot be taken up again says so, and nothing hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mcp_core::session::Change;
use mcp_core::transport::async_trait;
use mcp_http::server::{EventId, EventStore, MemoryEventStore, StoreError, StoreLimits};

use crate::legacy_kit::{Bench, Event, LIST, call, until};
use crate::server_kit::soon;

/// A store that loses some events, and knows nothing of it.
#[derive(Default)]
struct Leaky {
    kept: MemoryEventStore,
    /// The events with these numbers, one bit each, are not kept.
    lost: AtomicU64,
    asked: AtomicUsize,
}

#[async_trait]
impl EventStore for Leaky {
    async fn append(&self, session: &str, id: EventId, message: Bytes) -> Result<(), StoreError> {
        if self.lost.load(Ordering::Relaxed) & (1 << id.number) != 0 {
            return Err(StoreError::Failed("the disk is full".to_owned()));
        }
        self.kept.append(session, id, message).await
    }

    async fn after(&self, session: &str, id: EventId) -> Result<Vec<(EventId, Bytes)>, StoreError> {
        assert!(self.asked.fetch_add(1, Ordering::Relaxed) < 100, "asked without an end");
        match self.kept.after(session, id).await {
            Err(StoreError::Gone) => Ok(Vec::new()),
            other => other,
        }
    }

    async fn end(&self, session: &str, stream: u64) {
        self.kept.end(session, stream).await;
    }

    async fn forget(&self, session: &str) {
        self.kept.forget(session).await;
    }

    async fn sweep(&self) {
        assert!(self.asked.load(Ordering::Relaxed) < 1000, "a sweep that panics");
    }
}

fn bench(lost: &[u64]) -> Bench {
    let store = Leaky::default();
    store.lost.store(lost.iter().map(|number| 1 << number).sum(), Ordering::Relaxed);
    Bench::with(|config| config.event_store = Some(Arc::new(store)))
}

/// T-19: the client learns that an event is missing, whichever it is, while the stream goes on and after its end.
#[tokio::test(start_paused = true)]
async fn what_a_store_could_not_keep_is_400() {
    for lost in [&[2_u64][..], &[3], &[2, 3], &[1, 2, 3]] {
        let bench = bench(lost);
        let client = bench.client("2025-11-25").await;
        bench.gate.add_permits(3);
        let mut stream = client.stream(&bench, &call(1, "count", r#"{"n":4,"gated":1}"#)).await;
        let first = stream.message().await;
        for n in ["2", "3"] {
            assert_eq!(stream.message().await.what(), n, "a client that listens misses nothing");
        }
        let answer = soon(bench.server.ask(client.get(first.id.as_deref()))).await;
        assert_eq!(answer.status, 400, "{lost:?}");
        bench.gate.add_permits(1);
        let last = stream.rest().await.pop().unwrap();
        assert!(last.id.is_some_and(|id| id.ends_with("_5")));
        let answer = soon(bench.server.ask(client.get(first.id.as_deref()))).await;
        assert_eq!(answer.status, 400, "{lost:?}");
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
    }
}

/// T-46: a client that opens the stream of no request again gets what is left.
#[tokio::test(start_paused = true)]
async fn notifications_that_a_store_could_not_keep_are_skipped() {
    for (lost, left) in [(&[3_u64][..], &["0_2"][..]), (&[2], &["0_3"]), (&[2, 3], &[])] {
        let bench = bench(lost);
        let client = bench.client("2025-11-25").await;
        let mut stream = client.listen(&bench, None).await;
        bench.handle.publish(Change::ToolsList);
        assert_eq!(stream.message().await.id.as_deref(), Some("0_1"));
        drop(stream);
        let stats = bench.server.service.clone();
        until("the stream is gone", || stats.sessions().streams == 0).await;
        bench.handle.publish(Change::ToolsList);
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
        bench.handle.publish(Change::ToolsList);
        assert_eq!(client.ask(&bench, LIST).await.status, 200);
        let mut stream = soon(client.listen(&bench, None)).await;
        bench.handle.publish(Change::ToolsList);
        let mut came: Vec<Event> = Vec::new();
        while came.last().and_then(|event| event.id.as_deref()) != Some("0_4") {
            came.push(soon(stream.message()).await);
        }
        came.pop();
        let ids: Vec<&str> = came.iter().filter_map(|event| event.id.as_deref()).collect();
        assert_eq!(ids, left, "without {lost:?}");
    }
}

/// FAULT B: session exhaustion. A store that panics costs no session its end.
#[tokio::test(start_paused = true)]
async fn sessions_expire_whatever_the_store_does() {
    let store = Leaky::default();
    store.asked.store(1000, Ordering::Relaxed);
    let bench = Bench::with(|config| config.event_store = Some(Arc::new(store)));
    let _client = bench.client("2025-11-25").await;
    let stats = bench.server.service.clone();
    assert_eq!(stats.sessions().sessions, 1);
    tokio::time::sleep(Duration::from_secs(31 * 60)).await;
    assert_eq!(stats.sessions().sessions, 0);
}

/// FAULT F-S7: a stream that owes no answer goes on with what is left, for a client that names no event, an event that is
/// gone, or one that never was. An empty id is none (FAULT F-S11).
#[tokio::test(start_paused = true)]
async fn a_store_that_overflowed_gives_what_is_left() {
    for (last, first) in [(None, "0_4"), (Some(""), "0_4"), (Some("0_1"), "0_4"), (Some("0_5"), "0_6")] {
        let limits = {
            let mut limits = StoreLimits::default();
            limits.session_events = 3;
            limits
        };
        let store = Arc::new(MemoryEventStore::new(limits));
        let bench = Bench::with(|config| config.event_store = Some(store.clone()));
        let client = bench.client("2025-11-25").await;
        drop(client.listen(&bench, None).await);
        let stats = bench.server.service.clone();
        until("the stream is gone", || stats.sessions().streams == 0).await;
        for _ in 0..6 {
            bench.handle.publish(Change::ToolsList);
            assert_eq!(client.ask(&bench, LIST).await.status, 200);
        }
        assert_eq!(store.size().0, 3);
        let mut stream = client.listen(&bench, last).await;
        let mut came = soon(stream.message()).await;
        assert_eq!(came.id.as_deref(), Some(first), "{last:?}");
        bench.handle.publish(Change::ToolsList);
        while came.id.as_deref() != Some("0_7") {
            came = soon(stream.message()).await;
        }
    }
    let bench = Bench::new();
    let client = bench.client("2025-11-25").await;
    let mut stream = client.listen(&bench, Some("0_99")).await;
    bench.handle.publish(Change::ToolsList);
    assert_eq!(soon(stream.message()).await.id.as_deref(), Some("0_1"));
}
