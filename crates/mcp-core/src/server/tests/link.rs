//! The ends of links: a peer that stops sending, stops reading, or goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{Peer, server};
use crate::error::CloseReason;
use crate::lock::Lock;
use crate::message::{ErrorObject, Message, Notification, RawJson};
use crate::server::{Context, Handler, Reply, Router, Server, ServerLink};
use crate::transport::{
    Binding, CloseReport, Envelope, Inbound, Lane, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, memory,
};

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

/// STDIO-S-011: read-closed is not write-closed; accepted requests are still answered.
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

/// A link that its handle drains ends with the answers of the requests that it has; others are refused, other links stay.
#[tokio::test(start_paused = true)]
async fn a_drained_link_ends_with_its_last_answer() {
    #[derive(Default)]
    struct Keeping(Lock<Vec<ServerLink>>);

    #[async_trait]
    impl Handler for Arc<Keeping> {
        async fn handle(&self, _context: Context) -> Result<Reply, ErrorObject> {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(Reply::Result(RawJson::object([("done", RawJson::TRUE)])))
        }

        fn capabilities(&self) -> RawJson {
            RawJson::EMPTY_OBJECT
        }

        fn opened(&self, link: ServerLink) {
            self.0.lock().push(link);
        }
    }

    let slow_call = |id: u32| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x/slow"}}"#);
    let kept = Arc::new(Keeping::default());
    let server = Server::builder("test", "1").build(kept.clone()).unwrap();
    let [mut peer, mut other] = [Peer::of(&server, Binding::STREAM), Peer::of(&server, Binding::STREAM)];
    for peer in [&mut peer, &mut other] {
        peer.initialize("{}").await;
    }
    peer.send(&slow_call(1)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let link = kept.0.lock()[0].clone();
    link.drain();
    link.drain();
    tokio::time::sleep(Duration::from_secs(1)).await;
    peer.send(&slow_call(2)).await;
    let refused = peer.text().await;
    assert!(refused.contains("error") && refused.contains(r#""id":2"#), "{refused}");
    assert!(!link.is_closed());
    assert!(peer.text().await.contains("done"));
    assert_eq!(peer.text().await, "");
    link.closed().await;
    link.drain();
    other.send(&slow_call(1)).await;
    assert!(other.text().await.contains("done"));
}

/// STDIO-S-011: but not without a limit.
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

/// FAULT C-12: a peer that never reads is given up, without an effect on other links.
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

/// FAULT C-12: while a peer sends requests and does not read, it is not read either, so that memory stays bounded;
/// no accepted request is lost.
#[tokio::test(start_paused = true)]
async fn a_peer_that_only_writes_is_not_read_for_ever() {
    for result in [1, 1 << 20] {
        let text = RawJson::string(&"x".repeat(result));
        let server = server(Router::new().method("x/get", move |_, _| {
            let text = text.clone();
            async move { Ok(RawJson::object([("text", text)])) }
        }));
        let mut peer = Peer::with(&server, &memory::Pair::new(Binding::STREAM).capacity(1));
        let mut sent = 0;
        let most = if result == 1 { 20_000 } else { 500 };
        while sent < most {
            let send = peer.modern(sent, "x/get", "{}");
            if tokio::time::timeout(Duration::from_secs(1), send).await.is_err() {
                break;
            }
            sent += 1;
        }
        assert!(sent > 16 && sent < most, "{sent}");
        let mut answers = 0;
        while answers < sent {
            assert!(matches!(peer.next().await, Some(Message::Response(_))));
            answers += 1;
        }
    }
}

/// A link whose peer never stops writing, and whose close needs several polls.
struct Flood;

impl Transport for Flood {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(Flood), Box::new(Flood))
    }
}

#[async_trait]
impl TransportSender for Flood {
    async fn send(&mut self, _: Outbound) -> Result<(), SendError> {
        Ok(())
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        for _ in 0..3 {
            tokio::task::yield_now().await;
            tokio::task::consume_budget().await;
        }
        Ok(CloseReport::default())
    }
}

#[async_trait]
impl TransportReceiver for Flood {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        // As a socket does: data that is ready costs budget.
        tokio::task::consume_budget().await;
        let message = Notification::new("x/any", None);
        Ok(Some(Inbound::message(message, Lane::SHARED)))
    }
}

/// Promise 8: a peer that never stops writing does not keep a link from closing.
#[tokio::test]
async fn a_flood_does_not_keep_a_link_from_closing() {
    let server = server(Router::new());
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve(Flood).await }
    });
    tokio::task::yield_now().await;
    let closed = tokio::time::timeout(Duration::from_secs(120), async {
        server.drain(Duration::from_secs(1)).await;
        serving.await
    });
    assert!(matches!(closed.await, Ok(Ok(CloseReason::Drained))));
}

/// How the link ended reaches the program that served it.
#[tokio::test(start_paused = true)]
async fn serve_returns_why_the_link_closed() {
    async fn serve(server: &Server, end: impl AsyncFnOnce(&mut Peer)) -> CloseReason {
        let (client, link) = memory::Pair::new(Binding::STREAM).link();
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(link).await }
        });
        end(&mut Peer::on(client)).await;
        serving.await.unwrap()
    }
    let server = server(Router::new());
    let closed = serve(&server, async |peer| peer.close_sending().await).await;
    assert!(matches!(closed, CloseReason::PeerClosed(_)), "{closed}");
    let drained = serve(&server, async |_| {
        tokio::task::yield_now().await;
        assert!(server.drain(Duration::from_secs(1)).await);
    })
    .await;
    assert!(matches!(drained, CloseReason::Drained), "{drained}");
    let failed = server.serve(Broken).await;
    assert!(
        matches!(&failed, CloseReason::LinkFailed { error, .. } if error.to_string().contains("cut")),
        "{failed}"
    );
}

/// A link that fails at once, and a sending half that works.
struct Broken;

impl Transport for Broken {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(Flood), Box::new(Broken))
    }
}

#[async_trait]
impl TransportReceiver for Broken {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        Err(TransportError::new("the cable was cut"))
    }
}

// FAULT C-50.
/// What delivers notices to the handler ends with the link, and lets the handler go. A handler that panics gets the next
/// notice.
#[tokio::test(start_paused = true)]
async fn the_delivery_of_notices_ends_with_the_link() {
    struct Counts(Arc<AtomicUsize>);

    #[async_trait]
    impl Handler for Counts {
        async fn handle(&self, _: Context) -> Result<Reply, ErrorObject> {
            Ok(Reply::MethodNotFound)
        }

        fn capabilities(&self) -> RawJson {
            RawJson::EMPTY_OBJECT
        }

        async fn notified(&self, _: Notification, _: Envelope) {
            let before = self.0.fetch_add(1, Ordering::SeqCst);
            assert!(before > 0, "the first notice panics, on purpose");
        }
    }

    let count = Arc::new(AtomicUsize::new(0));
    let server = Server::builder("notices", "1").build(Counts(count.clone())).unwrap();
    let mut peer = Peer::of(&server, Binding::STREAM);
    for _ in 0..2 {
        peer.send(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((count.load(Ordering::SeqCst), server.links()), (2, 1));
    drop(peer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.links(), 0);
    drop(server);
    assert_eq!(Arc::strong_count(&count), 1, "the handler is dropped with its server");
}
