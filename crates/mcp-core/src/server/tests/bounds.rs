//! Places of requests and subscriptions: shares, waiting, and the errors that name the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{EXCHANGES, Peer};
use crate::message::{Notification, RawJson};
use crate::server::{Context, Handler, Router, Server, ServerBuilder, ToolDef};
use crate::session::{Change, InputRequest, InputRequired};
use crate::transport::{Binding, Envelope, memory};

const SECOND: Duration = Duration::from_secs(1);

/// What the handlers of `x/hold` do: they wait until the test lets them go.
struct Held {
    started: AtomicUsize,
    gate: Semaphore,
}

impl Held {
    fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    /// Lets handlers end, and waits until everything that follows has happened.
    async fn release(&self, handlers: usize) {
        self.gate.add_permits(handlers);
        settle().await;
    }
}

/// Less than the shortest wait of a server.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn holding(builder: ServerBuilder) -> (Server, Arc<Held>) {
    let held = Arc::new(Held { started: AtomicUsize::new(0), gate: Semaphore::new(0) });
    let on_hold = held.clone();
    let router = Router::new()
        .tool(ToolDef::new("echo"), |arguments, _| async move { Ok(arguments.to_string()) })
        .method("x/hold", move |_, _| {
            let held = on_hold.clone();
            async move {
                held.started.fetch_add(1, Ordering::SeqCst);
                held.gate.acquire().await.unwrap().forget();
                Ok(RawJson::object([("held", RawJson::TRUE)]))
            }
        })
        .method("x/ask", |_, context: Context| async move {
            let answer = context.request("roots/list", None).await;
            Ok(RawJson::object([("answered", RawJson::serialize(&answer.is_ok()).unwrap())]))
        })
        .tools_list_changed();
    (builder.build(router).unwrap(), held)
}

fn builder() -> ServerBuilder {
    Server::builder("test", "1")
}

/// A peer with space for many messages on the way.
fn peer(server: &Server) -> Peer {
    Peer::with(server, &memory::Pair::new(Binding::STREAM).capacity(10_000))
}

fn places(server: &Server) -> u64 {
    server.shared.budgets.requests.places()
}

/// FAULT F-A9: a link that asks alone uses every place; more requests wait for them, and none is refused.
#[tokio::test(start_paused = true)]
async fn a_lone_link_uses_every_place_and_waits_for_more() {
    let (server, held) = holding(builder().max_in_flight(8));
    let mut peer = peer(&server);
    for id in 0..20 {
        peer.modern(id, "x/hold", "{}").await;
    }
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!((held.started(), places(&server)), (8, 8));
    held.release(3).await;
    assert_eq!((held.started(), places(&server)), (11, 8));
    held.release(17).await;
    for _ in 0..20 {
        assert!(peer.text().await.contains("held"));
    }
    assert_eq!(places(&server), 0);
}

/// Far more calls than places are all answered, in bounded memory, on both runtimes.
#[test]
fn a_burst_beyond_the_bound_is_answered() {
    let current =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let several =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for runtime in [current, several] {
        runtime.block_on(async {
            let router = Router::new().method("x/yield", |_, _| async {
                tokio::task::yield_now().await;
                Ok(RawJson::object([("ok", RawJson::TRUE)]))
            });
            let server = builder().max_in_flight(1024).build(router).unwrap();
            let mut peer = peer(&server);
            for id in 0..4096 {
                peer.modern(id, "x/yield", "{}").await;
            }
            for _ in 0..4096 {
                let text = peer.text().await;
                assert!(text.contains("ok"), "{text}");
            }
            assert_eq!(places(&server), 0);
        });
    }
}

/// FAULT F-A9: a newcomer gets the next place, before the requests of the link that holds all.
#[tokio::test(start_paused = true)]
async fn a_newcomer_gets_the_next_place() {
    let (server, held) = holding(builder().max_in_flight(8).busy_after(60 * SECOND));
    let (mut greedy, mut modest) = (peer(&server), peer(&server));
    for id in 0..16 {
        greedy.modern(id, "x/hold", "{}").await;
    }
    settle().await;
    assert_eq!(held.started(), 8);
    modest.modern(1, "x/ok", "{}").await;
    modest.silence().await;
    held.release(1).await;
    // An unknown method ends at once; the greedy link is over its share meanwhile and catches up afterwards.
    assert!(modest.text().await.contains("-32601"));
    settle().await;
    assert_eq!(held.started(), 9);
}

/// Places that others hold are waited for, but not for long; the error names the limit.
#[tokio::test(start_paused = true)]
async fn places_of_others_are_waited_for_a_second() {
    let (server, _held) = holding(builder().max_in_flight(2));
    let mut first = peer(&server);
    first.modern(1, "x/hold", "{}").await;
    first.modern(2, "x/hold", "{}").await;
    settle().await;
    for binding in [Binding::STREAM, EXCHANGES] {
        let mut second = Peer::of(&server, binding);
        let begun = tokio::time::Instant::now();
        second.modern(1, "x/hold", "{}").await;
        let busy = second.text().await;
        assert!(busy.contains("max_in_flight") && busy.contains("2 of 2 places for this server"), "{busy}");
        assert_eq!(begun.elapsed().as_secs(), 1);
    }
}

/// CANC-S-010: a request that waits for a place can be cancelled, and is never started.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_can_be_cancelled() {
    let (server, held) = holding(builder().max_in_flight(1));
    let mut peer = peer(&server);
    for id in 1..=3 {
        peer.modern(id, "x/hold", "{}").await;
    }
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#).await;
    settle().await;
    held.release(2).await;
    assert_eq!(held.started(), 2);
    assert!(peer.text().await.contains(r#""id":1"#));
    assert!(peer.text().await.contains(r#""id":3"#));
    peer.silence().await;
}

/// An answer that comes behind requests which wait for places is read, though the link was not read for a while.
#[tokio::test(start_paused = true)]
async fn an_answer_behind_waiting_requests_arrives() {
    let (server, held) = holding(builder().max_in_flight(1).max_waiting(2));
    let mut peer = peer(&server);
    peer.initialize(r#"{"roots":{}}"#).await;
    let call = |id: u32, method: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
    peer.send(&call(1, "x/ask")).await;
    let question = peer.text().await;
    assert!(question.contains("roots/list"), "{question}");
    for id in 2..=6 {
        peer.send(&call(id, "x/hold")).await;
    }
    peer.send(r#"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"#).await;
    assert!(peer.text().await.contains("answered"));
    held.release(5).await;
    for _ in 2..=6 {
        assert!(peer.text().await.contains("held"));
    }
}

/// FAULT F-A14: a call that was given up holds its place until its handler ends, at most for the grace period.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_holds_its_place_for_the_grace_period() {
    let (server, held) = holding(builder().max_in_flight(1));
    let mut peer = peer(&server);
    peer.modern(1, "x/hold", "{}").await;
    settle().await;
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    peer.modern(2, "x/hold", "{}").await;
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!((held.started(), places(&server)), (1, 1));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!((held.started(), places(&server)), (2, 1));
    // The same if the link ends: its handlers count as long as they run.
    drop(peer);
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(places(&server), 1);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(places(&server), 0);
}

/// A request keeps its place while its legacy client is asked, and gives it back at its end.
#[tokio::test(start_paused = true)]
async fn a_request_keeps_its_place_while_the_client_is_asked() {
    let router = Router::new().method("tools/call", |_, context: Context| async move {
        Ok(match context.input_responses() {
            Some(_) => crate::server::Reply::Result(RawJson::object([("content", RawJson::array([]))])),
            None => InputRequired {
                requests: vec![InputRequest { key: "r".into(), method: "roots/list".into(), params: None }],
                state: None,
            }
            .into(),
        })
    });
    let server = builder().build(router).unwrap();
    let mut peer = peer(&server);
    peer.initialize(r#"{"roots":{}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"a"}}"#).await;
    assert!(peer.text().await.contains("roots/list"));
    settle().await;
    assert_eq!(places(&server), 1);
    peer.send(r#"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"#).await;
    assert!(peer.text().await.contains("content"));
    assert_eq!(places(&server), 0);
    // A cancelled one, too.
    peer.send(r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"a"}}"#).await;
    assert!(peer.text().await.contains("roots/list"));
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":6}}"#).await;
    settle().await;
    assert_eq!(places(&server), 0);
}

/// FAULT F-A2: subscriptions are bounded over all links, and end with what held them.
#[tokio::test(start_paused = true)]
async fn subscriptions_are_bounded_over_all_links() {
    let (server, _held) = holding(builder().max_subscriptions(3));
    let filter = r#"{"notifications":{"toolsListChanged":true}}"#;
    let mut peers: Vec<Peer> = (0..3).map(|_| Peer::of(&server, EXCHANGES)).collect();
    let mut lanes = Vec::new();
    for peer in &mut peers {
        lanes.push(peer.modern(1, "subscriptions/listen", filter).await);
        assert!(peer.text().await.contains("acknowledged"));
    }
    let mut newcomer = Peer::of(&server, EXCHANGES);
    newcomer.modern(1, "subscriptions/listen", filter).await;
    let busy = newcomer.text().await;
    assert!(busy.contains("max_subscriptions") && busy.contains("-32603"), "{busy}");
    // One that can deliver nothing needs no place, and is ended at once.
    newcomer.modern(2, "subscriptions/listen", r#"{"notifications":{}}"#).await;
    assert!(newcomer.text().await.contains("acknowledged"));
    assert!(newcomer.text().await.contains(r#""id":2"#));
    peers[0].end(lanes[0]).await;
    drop(peers.pop());
    settle().await;
    newcomer.modern(3, "subscriptions/listen", filter).await;
    assert!(newcomer.text().await.contains("acknowledged"));
    // A link that holds one already leaves the last to others.
    newcomer.modern(4, "subscriptions/listen", filter).await;
    assert!(newcomer.text().await.contains("for one link"));
    let mut last = Peer::of(&server, EXCHANGES);
    last.modern(1, "subscriptions/listen", filter).await;
    assert!(last.text().await.contains("acknowledged"));
}

/// FAULT F-A2: a filter is charged as the strings that it becomes, and has a limit of URIs.
#[tokio::test(start_paused = true)]
async fn filters_are_charged_as_the_memory_they_take() {
    struct Subscribable;

    #[crate::transport::async_trait]
    impl Handler for Subscribable {
        async fn handle(&self, _: Context) -> Result<crate::server::Reply, crate::message::ErrorObject> {
            Ok(crate::server::Reply::MethodNotFound)
        }

        fn capabilities(&self) -> RawJson {
            RawJson::parse(r#"{"resources":{"subscribe":true}}"#).unwrap()
        }
    }

    let server = builder().max_subscription_bytes(100_000).build(Subscribable).unwrap();
    let mut peer = Peer::of(&server, EXCHANGES);
    let uris = |count: usize| {
        let uris = vec![r#""a""#; count].join(",");
        format!(r#"{{"notifications":{{"resourceSubscriptions":[{uris}]}}}}"#)
    };
    peer.modern(1, "subscriptions/listen", &uris(1025)).await;
    let refused = peer.text().await;
    assert!(refused.contains("-32602") && refused.contains("1024 URIs"), "{refused}");
    // 4 KiB of text, and 25 KiB of strings.
    let mut taken = 0;
    for id in 2..20 {
        peer.modern(id, "subscriptions/listen", &uris(1024)).await;
        let text = peer.text().await;
        if text.contains("acknowledged") {
            taken += 1;
        } else {
            assert!(text.contains("max_subscription"), "{text}");
        }
    }
    assert_eq!(taken, 2);
    assert!(server.shared.budgets.subscriptions.bytes() <= 100_000);
    drop(peer);
    settle().await;
    assert_eq!(server.shared.budgets.subscriptions.bytes(), 0);

    // Legacy subscriptions take no places, but memory.
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.initialize("{}").await;
    let mut taken = 0;
    for id in 0..100 {
        let uri = format!("{id}:{}", "x".repeat(10_000));
        peer.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#
        ))
        .await;
        taken += usize::from(peer.text().await.contains("result"));
    }
    assert_eq!(taken, 7);
}

/// FAULT F-A14: notices that a slow handler does not take are bounded in bytes.
#[tokio::test(start_paused = true)]
async fn notices_are_bounded_in_bytes() {
    struct Slow;

    #[crate::transport::async_trait]
    impl Handler for Slow {
        async fn handle(&self, _: Context) -> Result<crate::server::Reply, crate::message::ErrorObject> {
            Ok(crate::server::Reply::MethodNotFound)
        }

        fn capabilities(&self) -> RawJson {
            RawJson::EMPTY_OBJECT
        }

        async fn notified(&self, _: Notification, _: Envelope) {
            std::future::pending().await
        }
    }

    let server = builder().max_notice_bytes(1 << 20).build(Slow).unwrap();
    let mut peer = peer(&server);
    let text = "x".repeat(100_000);
    for _ in 0..50 {
        peer.send(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{"x":"{text}"}}}}"#))
            .await;
    }
    settle().await;
    let held = server.shared.budgets.notices.bytes();
    assert!((500_000..=1 << 20).contains(&held), "{held}");
}

/// FAULT F-A14: changes that are published faster than a link takes them are merged.
#[tokio::test(start_paused = true)]
async fn published_changes_do_not_pile_up() {
    let (server, _held) = holding(builder());
    let mut peer = peer(&server);
    peer.modern(1, "subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#).await;
    assert!(peer.text().await.contains("acknowledged"));
    for _ in 0..100_000 {
        server.publish(Change::ToolsList);
    }
    assert!(server.shared.waiting_commands() <= 1);
    assert!(peer.text().await.contains("list_changed"));
    peer.silence().await;
    server.publish(Change::ToolsList);
    assert!(peer.text().await.contains("list_changed"));
}
