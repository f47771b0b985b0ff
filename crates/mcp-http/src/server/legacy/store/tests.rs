//! What the store in memory keeps, and what it says of what it does not keep any more.

use bytes::Bytes;
use tokio::time::{Duration, advance};

use super::*;

fn id(stream: u64, number: u64) -> EventId {
    EventId { stream, number }
}

async fn put(store: &MemoryEventStore, session: &str, stream: u64, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let message = Bytes::from(format!("{session}/{stream}/{number}"));
        store.append(session, id(stream, number), message).await.unwrap();
    }
}

async fn numbers(store: &MemoryEventStore, session: &str, last: EventId) -> Result<Vec<u64>, StoreError> {
    Ok(store.after(session, last).await?.iter().map(|(id, _)| id.number).collect())
}

/// RES-S-002.
#[test]
fn the_wire_form_goes_round_and_nothing_else_is_read() {
    let event = id(17, 4);
    assert_eq!(EventId::parse(&event.to_string()), Some(event));
    assert_eq!(EventId::parse("18446744073709551615_0"), Some(id(u64::MAX, 0)));
    for text in
        ["", "_", "1", "1_", "_1", "+1_1", "01_1", "1_1_1", "1_-1", "a_1", "1_1 ", "18446744073709551616_1"]
    {
        assert_eq!(EventId::parse(text), None, "{text:?}");
    }
}

/// RES-S-004, RES-S-005: later events of that stream, of that session.
#[tokio::test]
async fn only_later_events_of_the_same_stream_and_session_come_back() {
    let store = MemoryEventStore::default();
    put(&store, "a", 1, 1..=3).await;
    put(&store, "a", 2, 1..=3).await;
    put(&store, "b", 1, 1..=3).await;
    let after = store.after("a", id(1, 1)).await.unwrap();
    let texts: Vec<&[u8]> = after.iter().map(|(_, message)| &message[..]).collect();
    assert_eq!(texts, [b"a/1/2", b"a/1/3"]);
    assert_eq!(numbers(&store, "a", id(1, 0)).await, Ok(vec![1, 2, 3]));
    assert_eq!(numbers(&store, "a", id(1, 3)).await, Ok(vec![]));
    assert_eq!(numbers(&store, "a", id(1, 4)).await, Err(StoreError::Gone));
    assert_eq!(numbers(&store, "a", id(3, 1)).await, Err(StoreError::Gone));
    assert_eq!(numbers(&store, "c", id(1, 1)).await, Err(StoreError::Gone));
}

/// T-19, FAULT F-S7: the rest is given, and its numbers show the gap. Bounds of one session do not touch another.
#[tokio::test]
async fn the_oldest_events_of_a_session_go_first_and_leave_a_known_gap() {
    let limits = StoreLimits { session_events: 3, ..StoreLimits::default() };
    let store = MemoryEventStore::new(limits);
    put(&store, "a", 1, 1..=2).await;
    put(&store, "b", 1, 1..=3).await;
    put(&store, "a", 2, 1..=2).await;
    assert_eq!(numbers(&store, "a", id(1, 0)).await, Ok(vec![2]));
    assert_eq!(numbers(&store, "a", id(1, 1)).await, Ok(vec![2]));
    put(&store, "a", 2, 3..=3).await;
    assert_eq!(numbers(&store, "a", id(1, 1)).await, Err(StoreError::Gone));
    assert_eq!(numbers(&store, "a", id(2, 0)).await, Ok(vec![1, 2, 3]));
    assert_eq!(numbers(&store, "b", id(1, 0)).await, Ok(vec![1, 2, 3]));
    put(&store, "a", 1, 3..=3).await;
    assert_eq!(numbers(&store, "a", id(1, 0)).await, Ok(vec![3]), "1 and 2 are gone");
    assert_eq!(numbers(&store, "a", id(1, 2)).await, Ok(vec![3]));
}

/// FAULT B: unbounded memory.
#[tokio::test]
async fn bytes_are_bounded_for_a_session_and_as_a_whole() {
    let limits = StoreLimits { session_bytes: 30, total_bytes: 50, ..StoreLimits::default() };
    let store = MemoryEventStore::new(limits);
    for session in ["a", "b", "c"] {
        for number in 1..=9 {
            store.append(session, id(1, number), Bytes::from_static(b"0123456789")).await.unwrap();
        }
        let (_, bytes) = store.size();
        assert!(bytes <= 50, "{bytes}");
    }
    assert_eq!(numbers(&store, "c", id(1, 6)).await, Ok(vec![7, 8, 9]));
    assert_eq!(numbers(&store, "a", id(1, 6)).await, Err(StoreError::Gone));
    store.append("c", id(1, 10), Bytes::from(vec![b'x'; 40])).await.unwrap();
    assert_eq!(numbers(&store, "c", id(1, 9)).await, Ok(vec![10]), "the newest is kept whatever its size");
}

/// A store that is full takes from the owner that keeps most, even if others have older events.
#[tokio::test]
async fn the_owner_with_the_most_bytes_loses_the_oldest_event() {
    let limits = StoreLimits { session_bytes: 100, total_bytes: 100, ..StoreLimits::default() };
    let store = MemoryEventStore::new(limits);
    let [ada, eve] = ["ada", "eve"].map(|name| mcp_core::transport::Identity::new(name).owner());
    store.begin("ada", &ada).await;
    store.append("ada", id(1, 1), Bytes::from(vec![b'x'; 20])).await.unwrap();
    for number in 1..=9 {
        let session = format!("eve {number}");
        store.begin(&session, &eve).await;
        store.append(&session, id(1, 1), Bytes::from(vec![b'x'; 20])).await.unwrap();
    }
    assert_eq!(numbers(&store, "ada", id(1, 0)).await, Ok(vec![1]), "others cannot push it out");
    assert_eq!(numbers(&store, "eve 1", id(1, 0)).await, Err(StoreError::Gone));
    assert_eq!(numbers(&store, "eve 9", id(1, 0)).await, Ok(vec![1]));
    assert_eq!(store.size(), (5, 100));
}

/// What was written is not yet what was read: an ended stream is kept for a while.
#[tokio::test(start_paused = true)]
async fn an_ended_stream_is_kept_for_a_while_and_a_forgotten_session_not_at_all() {
    let store = MemoryEventStore::default();
    put(&store, "a", 1, 1..=2).await;
    put(&store, "a", 2, 1..=2).await;
    put(&store, "b", 1, 1..=2).await;
    store.end("a", 1).await;
    store.end("a", 9).await;
    advance(Duration::from_secs(299)).await;
    assert_eq!(numbers(&store, "a", id(1, 1)).await, Ok(vec![2]));
    advance(Duration::from_secs(1)).await;
    store.sweep().await;
    assert_eq!(numbers(&store, "a", id(1, 1)).await, Err(StoreError::Gone));
    assert_eq!(numbers(&store, "a", id(2, 1)).await, Ok(vec![2]));
    store.forget("a").await;
    assert_eq!(numbers(&store, "a", id(2, 1)).await, Err(StoreError::Gone));
    assert_eq!(numbers(&store, "b", id(1, 1)).await, Ok(vec![2]));
    store.forget("b").await;
    assert_eq!(store.size(), (0, 0));
}
