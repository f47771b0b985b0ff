//! One request and its handler: panics, cancellation, limits.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::script::Script;
use super::{EXCHANGES, ONE, Peer, server};
use crate::message::RawJson;
use crate::server::{Router, Server};
use crate::transport::{Accept, Binding, Lane, memory};

#[derive(Default)]
struct Seen {
    started: Notify,
    cancelled: Notify,
    dropped: AtomicUsize,
}

struct CountDrop(Arc<Seen>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// `x/wait` waits for its cancellation, and then forever. `x/panic` panics. `x/ok` answers.
fn router(seen: &Arc<Seen>) -> Router {
    let seen = seen.clone();
    Router::new()
        .method("x/wait", move |_, context| {
            let seen = seen.clone();
            async move {
                let _count = CountDrop(seen.clone());
                seen.started.notify_one();
                context.cancelled().await;
                seen.cancelled.notify_one();
                pending::<()>().await;
                Ok(RawJson::EMPTY_OBJECT)
            }
        })
        .method("x/panic", |_, _| async move {
            if true {
                panic!("secret");
            }
            Ok(RawJson::EMPTY_OBJECT)
        })
        .method("x/ok", |_, _| async { Ok(RawJson::object([("ok", RawJson::TRUE)])) })
}

/// FAULT C-50, META-S-020: the caller receives an error without details; the link stays open.
#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_for_its_caller_only() {
    for binding in [Binding::STREAM, EXCHANGES] {
        let server = server(router(&Arc::default()));
        let mut peer = Peer::of(&server, binding);
        peer.modern(1, "x/panic", "{}").await;
        let reply = peer.text().await;
        assert!(reply.contains("-32603") && !reply.contains("secret"), "{reply}");
        peer.modern(2, "x/ok", "{}").await;
        assert!(peer.text().await.contains(r#""ok":true"#));
    }
    let server = server(router(&Arc::default()));
    let mut peer = Peer::of(&server, ONE);
    peer.modern(1, "x/panic", "{}").await;
    assert!(peer.text().await.contains("-32603"));
}

/// CANC-S-010: a cancelled request is never answered; its handler is notified, and dropped 5 s later.
#[tokio::test(start_paused = true)]
async fn a_cancelled_handler_is_told_then_dropped_after_its_grace() {
    let seen = Arc::<Seen>::default();
    let server = server(router(&seen));
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "x/wait", "{}").await;
    seen.started.notified().await;
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    seen.cancelled.notified().await;
    tokio::time::sleep(Duration::from_millis(4900)).await;
    assert_eq!(seen.dropped.load(Ordering::SeqCst), 0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(seen.dropped.load(Ordering::SeqCst), 1);
    peer.silence().await;
    peer.modern(2, "x/ok", "{}").await;
    assert!(peer.text().await.contains(r#""ok":true"#));
}

/// CANC-C-009, HTTP-S-012, FAULT C-38: a peer that ends its exchange cancels the request, inline or not.
#[tokio::test(start_paused = true)]
async fn hanging_up_cancels_a_modern_request() {
    for binding in [EXCHANGES, ONE] {
        let seen = Arc::<Seen>::default();
        let server = server(router(&seen));
        let mut peer = Peer::of(&server, binding);
        let lane = peer.modern(1, "x/wait", "{}").await;
        seen.started.notified().await;
        peer.end(lane).await;
        seen.cancelled.notified().await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(seen.dropped.load(Ordering::SeqCst), 1, "{}", binding.name);
    }
}

/// A link of one exchange ends with its exchange.
#[tokio::test(start_paused = true)]
async fn a_link_of_one_exchange_ends_with_it() {
    let server = server(router(&Arc::default()));
    let mut peer = Peer::of(&server, ONE);
    peer.modern(1, "x/ok", "{}").await;
    assert!(peer.text().await.contains(r#""ok":true"#));
    assert_eq!(peer.text().await, "");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.links(), 0);
}

/// A link of one exchange ends with it, even if its transport and its peer would leave it open.
#[tokio::test(start_paused = true)]
async fn a_link_of_one_exchange_is_left_open_by_nobody() {
    let server = server(router(&Arc::default()));
    let script = Script::once();
    script.calls_on(Lane::numbered(1), "x/ok", 1);
    script.read_on();
    let serving = server.serve(script.clone());
    tokio::time::timeout(Duration::from_secs(1), serving).await.expect("the link ends");
    assert_eq!(script.answers().len(), 1);
}

/// docs/bounds.md: requests in flight are bounded over all links; one more is refused, and a later one is served.
#[tokio::test(start_paused = true)]
async fn a_full_server_refuses_and_recovers() {
    let seen = Arc::<Seen>::default();
    let server = Server::builder("test", "1").max_in_flight(1).build(router(&seen)).unwrap();
    let mut first = Peer::of(&server, Binding::STREAM);
    let mut second = Peer::of(&server, EXCHANGES);
    first.modern(1, "x/wait", "{}").await;
    seen.started.notified().await;
    second.modern(1, "x/ok", "{}").await;
    let busy = second.text().await;
    assert!(busy.contains("-32603") && busy.contains("1 of 1 places for this server"), "{busy}");
    first.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    second.modern(2, "x/ok", "{}").await;
    assert!(second.text().await.contains(r#""ok":true"#));
}

/// The future that serves a link of one exchange runs the handler where it is polled, and can be moved into a
/// separate task at any time, with the public API, by any transport.
#[tokio::test(start_paused = true)]
async fn an_exchange_runs_inline_and_can_be_moved_into_a_task() {
    let here = tokio::task::try_id();
    let tasks = Arc::new(std::sync::Mutex::new(Vec::new()));
    let router = Router::new().method("x/steps", {
        let tasks = tasks.clone();
        move |_, context| {
            let tasks = tasks.clone();
            async move {
                tasks.lock().unwrap().push(tokio::task::try_id());
                context.progress(1.0, None, None).await;
                tokio::time::sleep(Duration::from_secs(20)).await;
                tasks.lock().unwrap().push(tokio::task::try_id());
                Ok(RawJson::EMPTY_OBJECT)
            }
        }
    });
    let accept: Arc<dyn Accept> = Arc::new(server(router));
    let (client, end) = memory::pair(ONE);
    let mut peer = Peer::on(client);
    peer.modern(1, "x/steps", r#"{"_meta":{"progressToken":1}}"#).await;
    let mut serving = accept.accept(Box::new(end));
    let first = tokio::select! {
        () = &mut serving => panic!("it ended"),
        first = peer.text() => first,
    };
    assert!(first.contains("notifications/progress"), "{first}");
    let task = tokio::spawn(serving);
    assert!(peer.text().await.contains(r#""id":1,"result""#));
    assert_eq!(*tasks.lock().unwrap(), [here, Some(task.id())]);
    task.await.unwrap();
}

/// A handler of a link of one exchange that waits before it answers: what it sends meanwhile is sent at once.
#[tokio::test(start_paused = true)]
async fn a_handler_of_one_exchange_may_wait_and_then_send() {
    let router = Router::new().method("x/steps", |_, context| async move {
        for step in [1.0, 2.0] {
            tokio::time::sleep(Duration::from_secs(20)).await;
            context.progress(step, None, None).await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        Ok(RawJson::EMPTY_OBJECT)
    });
    let server = server(router);
    let mut peer = Peer::of(&server, ONE);
    let begun = tokio::time::Instant::now();
    peer.modern(1, "x/steps", r#"{"_meta":{"progressToken":1}}"#).await;
    for (wanted, after) in [(r#""progress":1"#, 20), (r#""progress":2"#, 40), (r#""id":1,"result""#, 60)] {
        let text = peer.text().await;
        assert!(text.contains(wanted), "{text}");
        assert_eq!(begun.elapsed().as_secs(), after, "{text}");
    }
    assert_eq!(peer.text().await, "");
    assert_eq!(server.links(), 0);
}
