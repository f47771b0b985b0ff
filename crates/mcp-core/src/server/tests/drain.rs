//! How a server stops.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{EXCHANGES, ONE, Peer, server};
use crate::message::{Message, RawJson};
use crate::server::{Router, ToolDef};
use crate::transport::Binding;

fn router(started: &Arc<Notify>) -> Router {
    let (first, second) = (started.clone(), started.clone());
    Router::new()
        .tool(ToolDef::new("any"), |_, _| async { Ok("x") })
        .tools_list_changed()
        .method("x/stop", move |_, context| {
            let started = first.clone();
            async move {
                started.notify_one();
                context.stopping().await;
                Ok(RawJson::object([("stopped", RawJson::TRUE)]))
            }
        })
        .method("x/hang", move |_, _| {
            let started = second.clone();
            async move {
                started.notify_one();
                pending::<()>().await;
                Ok(RawJson::EMPTY_OBJECT)
            }
        })
}

/// Handlers are notified first, so that one that waits for the end finishes; subscriptions end in order; then
/// links close.
#[tokio::test(start_paused = true)]
async fn a_drain_lets_handlers_and_listens_finish_then_closes() {
    let started = Arc::new(Notify::new());
    let server = server(router(&started));
    for binding in [Binding::STREAM, EXCHANGES] {
        let mut peer = Peer::of(&server, binding);
        peer.modern(1, "subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#).await;
        assert!(peer.text().await.contains("acknowledged"));
        peer.modern(2, "x/stop", "{}").await;
        started.notified().await;
        tokio::spawn(async move {
            let mut replies = 0;
            while let Some(message) = peer.next().await {
                replies += usize::from(matches!(message, Message::Response(_)));
            }
            assert_eq!(replies, 2);
        });
    }
    assert_eq!(server.links(), 2);
    assert!(server.drain(Duration::from_secs(10)).await);
    assert_eq!(server.links(), 0);
}

/// A handler that does not finish is not waited for beyond the deadline.
#[tokio::test(start_paused = true)]
async fn a_drain_is_bounded_by_its_deadline() {
    for binding in [Binding::STREAM, ONE] {
        let started = Arc::new(Notify::new());
        let server = server(router(&started));
        let mut peer = Peer::of(&server, binding);
        peer.modern(1, "x/hang", "{}").await;
        started.notified().await;
        let begun = tokio::time::Instant::now();
        let drained = tokio::spawn({
            let server = server.clone();
            async move { server.drain(Duration::from_secs(10)).await }
        });
        if !binding.one_exchange {
            assert_eq!(peer.text().await, "");
        }
        assert!(!drained.await.unwrap());
        assert!(begun.elapsed() >= Duration::from_secs(10));
        assert!(begun.elapsed() < Duration::from_secs(16), "{}: {:?}", binding.name, begun.elapsed());
    }
}

/// On a link that opens during the drain requests are refused, and it is closed.
#[tokio::test(start_paused = true)]
async fn a_late_link_is_drained_too() {
    let server = server(router(&Arc::default()));
    assert!(server.drain(Duration::from_secs(1)).await);
    let mut peer = Peer::of(&server, Binding::STREAM);
    assert_eq!(peer.text().await, "");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.links(), 0);
}

/// A link that opens after the deadline does not keep the server from stopping.
#[tokio::test(start_paused = true)]
async fn a_link_after_the_deadline_does_not_hold_up_the_stop() {
    for binding in [Binding::STREAM, ONE] {
        let started = Arc::new(Notify::new());
        let server = server(router(&started));
        let mut early = Peer::of(&server, Binding::STREAM);
        early.modern(1, "x/hang", "{}").await;
        started.notified().await;
        let stopping = tokio::spawn({
            let server = server.clone();
            async move { server.drain(Duration::from_secs(1)).await }
        });
        // The server waits for the grace period of the handler that hangs.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut late = Peer::of(&server, binding);
        late.modern(1, "x/hang", "{}").await;
        let done = tokio::time::timeout(Duration::from_secs(60), stopping).await;
        assert!(matches!(done, Ok(Ok(false))), "{}: {done:?}", binding.name);
    }
}
