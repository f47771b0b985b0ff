//! What a bridge reports of itself: its status, and an observer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::join_all;
use mcp_core::client::{CallOptions, EraMode, InputMode};
use mcp_core::message::RawJson;
use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef, ToolReply};
use mcp_core::session::InputRequired;
use mcp_core::transport::{Binding, ErrorChain, memory};

use super::setup::{Counting, EXCHANGES, LEGACY, Setup, object, only, plain};
use crate::lock::Lock;
use crate::{Bridge, Event, Filter, Observer, Policy, State, Upstream};

const WAIT: &str = r#"{"name":"wait"}"#;

/// Keeps what it receives, in short.
#[derive(Clone, Default)]
struct Reports(Arc<Lock<Vec<String>>>);

impl Observer for Reports {
    fn event(&self, event: &Event<'_>) {
        let line = match *event {
            Event::Started { upstream, version, .. } => format!("{upstream} started {version}"),
            Event::NotStarted { upstream, reason } => format!("{upstream} not started: {reason}"),
            Event::Ended { upstream, reason } => format!("{upstream} ended {}", reason.is_some()),
            Event::Forwarded { upstream, method, version, succeeded, .. } => {
                format!("{upstream} {method} {version} {succeeded}")
            }
            Event::Parked { upstream, method } => format!("{upstream} {method} parked"),
            Event::Refused { upstream, method, reason } => format!("{upstream} {method} refused: {reason}"),
        };
        self.0.lock().push(line);
    }
}

impl Reports {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }

    async fn until(&self, wanted: &str) {
        let heard = async {
            while !self.0.lock().iter().any(|line| line == wanted) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(60), heard).await;
        assert!(heard.is_ok(), "{wanted}: {:?}", self.take());
    }
}

// BR-15: the status is true before a server is needed, while it is used, after its death, and while it is left alone.
#[tokio::test(start_paused = true)]
async fn the_status_is_true_after_a_death() {
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
    let status = || setup.bridge.status().upstreams.remove(0);
    assert_eq!((status().state, status().sessions, status().failure), (State::Cold, 0, None));
    let client = setup.client(LEGACY, Binding::STREAM).await;
    let call = client.call("tools/call", object(WAIT), CallOptions::new());
    while setup.seen.running.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((status().state, status().sessions, status().calls), (State::Ready, 1, 1));
    setup.seen.kill.notify_waiters();
    assert!(call.await.is_err());
    let ended = async {
        while status().failure.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the status says that it ended");
    let dead = status();
    assert_eq!((dead.state, dead.sessions, dead.calls), (State::BackingOff, 0, 0));
    assert!(dead.failure.as_deref().unwrap().contains("\"it\" ended"), "{dead:?}");
    assert!(dead.retry_after.is_some_and(|wait| wait <= Duration::from_millis(500)), "{dead:?}");
    assert!(dead.to_raw().to_string().contains(r#""state":"backing-off""#));
    assert!(dead.to_raw().to_string().contains(r#""retryAfter":1"#));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((status().state, status().retry_after), (State::Cold, None));
    client.list_tools().await.unwrap();
    assert_eq!((status().state, status().failure), (State::Ready, None));
}

// BR-15: a server that cannot be used says why from the start, and does not affect the others.
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_used_does_not_affect_others() {
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
    let front = setup.bridge.front("it").unwrap();
    let (good, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(front));
    let bridge = Bridge::builder()
        .upstream("bad", Upstream::unusable("`command` is missing"))
        .upstream("good", Upstream::new(move |_| good.clone()))
        .build()
        .unwrap();
    let [bad, cold] = &bridge.status().upstreams[..] else { panic!("two servers") };
    assert_eq!((bad.state, bad.failure.as_deref()), (State::Failed, Some("`command` is missing")));
    assert_eq!(cold.state, State::Cold);
    for era in [LEGACY, EraMode::Modern] {
        let connect = async |name: &str| {
            let (connector, listener) = memory::connector(EXCHANGES);
            tokio::spawn(listener.serve(bridge.front(name).unwrap()));
            plain(era).connect(connector).await
        };
        let refused = connect("bad").await.unwrap_err().to_string();
        assert!(refused.contains("`command` is missing"), "{refused}");
        assert_eq!(connect("good").await.unwrap().list_tools().await.unwrap().len(), 5);
    }
}

// BR-19: each request, each start and each end is reported once.
#[tokio::test(start_paused = true)]
async fn an_observer_hears_what_the_bridge_does() {
    let reports = Reports::default();
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::Shared);
    let (inner, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(Counting { server: setup.server.clone(), seen: setup.seen.clone() }));
    let upstream = Upstream::new(move |_| inner.clone()).policy(Policy::Shared);
    let upstream = upstream.filter(Filter::new().deny_tool("who"));
    let broken = memory::connector(Binding::STREAM).0;
    let bridge = Bridge::builder()
        .upstream("it", upstream)
        .upstream("gone", Upstream::new(move |_| broken.clone()))
        .observer(reports.clone())
        .build()
        .unwrap();
    let connect = async |name: &str, era| {
        let (connector, listener) = memory::connector(EXCHANGES);
        tokio::spawn(listener.serve(bridge.front(name).unwrap()));
        plain(era).connect(connector).await
    };
    let client = connect("it", LEGACY).await.unwrap();
    client.list_tools().await.unwrap();
    assert!(client.request("x/fail", None).await.is_err());
    assert!(client.request("tools/call", object(r#"{"name":"who"}"#)).await.is_err());
    let version = "2025-11-25";
    assert_eq!(
        reports.take(),
        [
            format!("it started {version}"),
            format!("it tools/list {version} true"),
            format!("it x/fail {version} false"),
            "it tools/call refused: Unknown tool: who".to_owned(),
        ]
    );
    assert!(connect("gone", LEGACY).await.is_err());
    assert!(connect("gone", LEGACY).await.is_err());
    let heard = reports.take();
    assert!(heard[0].starts_with("gone not started: the upstream server"), "{heard:?}");
    assert!(heard[1].starts_with("gone initialize refused: the upstream server"), "{heard:?}");
    assert!(heard[2].starts_with("gone initialize refused: Busy"), "{heard:?}");
    assert_eq!(heard.len(), 3, "{heard:?}");
    setup.seen.kill.notify_waiters();
    reports.until("it ended true").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.list_tools().await.unwrap();
    bridge.drain(Duration::ZERO).await;
    drop((client, bridge));
    reports.until("it ended false").await;
    let ends: Vec<String> = reports.take().into_iter().filter(|line| line.contains("ended")).collect();
    assert_eq!(ends, ["it ended true", "it ended false"]);
}

/// Asks for the status whenever something is reported, as a gauge does.
#[derive(Clone, Default)]
struct Gauge(Arc<OnceLock<Bridge>>, Arc<AtomicUsize>);

impl Observer for Gauge {
    fn event(&self, event: &Event<'_>) {
        let status = self.0.get().map(Bridge::status);
        let ended = matches!(event, Event::Ended { .. }) && status.is_some();
        self.1.fetch_add(usize::from(ended), Ordering::SeqCst);
    }
}

/// An observer may ask for the status, also while one session is evicted for another.
#[test]
fn an_observer_may_ask_for_the_status() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    // In a separate thread, so that a deadlock fails the test.
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let gauge = Gauge::default();
            let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerCaller);
            let (inner, listener) = memory::connector(Binding::STREAM);
            tokio::spawn(listener.serve(Counting { server: setup.server.clone(), seen: setup.seen.clone() }));
            let upstream = Upstream::new(move |_| inner.clone()).policy(Policy::PerCaller);
            let bridge = Bridge::builder().upstream("it", upstream).observer(gauge.clone());
            let bridge = bridge.limits(|limits| limits.upstreams = 1).build().unwrap();
            assert!(gauge.0.set(bridge.clone()).is_ok());
            let setup = Setup { bridge, ..setup };
            for caller in ["ada", "bob"] {
                let connector = setup.connector(EXCHANGES, Some(caller));
                let client = plain(EraMode::Modern).connect(connector).await.unwrap();
                client.list_tools().await.unwrap();
                client.close().await;
            }
            assert_eq!(gauge.1.load(Ordering::SeqCst), 1, "the session of the first was evicted");
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(60)).expect("a deadlock, or a failure above");
}

// BR-12: many clients at once start servers one after the other, and no request is refused for it.
#[tokio::test(start_paused = true)]
async fn starts_are_paced() {
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
    let begin = tokio::time::Instant::now();
    let clients = join_all((0..40).map(async |_| setup.client(LEGACY, Binding::STREAM).await)).await;
    assert_eq!(setup.seen.links.load(Ordering::SeqCst), clients.len());
    let took = begin.elapsed();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(4), "{took:?}");
}

// BR-10: calls of one session are bounded, and the refusal names the limit.
#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_bounded() {
    let setup = Setup::limited(only(LEGACY), |limits| limits.calls = 2);
    let client = setup.client(LEGACY, Binding::STREAM).await;
    let calls: Vec<_> = (0..2).map(|_| client.call("tools/call", object(WAIT), CallOptions::new())).collect();
    while setup.seen.running.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let refused = client.list_tools().await.unwrap_err().to_string();
    assert!(refused.contains("(calls)"), "{refused}");
    drop(calls);
    tokio::time::sleep(Duration::from_secs(3)).await;
    client.list_tools().await.unwrap();
}

// BR-10.
/// Beyond the limit the session that was idle for longest makes room. Where all are used, the request is refused as busy, and
/// names the limit.
#[tokio::test(start_paused = true)]
async fn idle_sessions_make_room_and_used_ones_do_not() {
    let per_caller = |upstream: Upstream| upstream.policy(Policy::PerCaller);
    let setup = Setup::made(only(LEGACY), Binding::STREAM, per_caller, |limits| limits.upstreams = 2);
    let connect = |caller| plain(EraMode::Modern).connect(setup.connector(EXCHANGES, Some(caller)));
    let mut links = Vec::new();
    for caller in ["ada", "bob"] {
        let client = connect(caller).await.unwrap();
        let call = client.call("tools/call", object(WAIT), CallOptions::new());
        let running = links.len() + 1;
        while setup.seen.running.load(Ordering::SeqCst) < running {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        links.push((client, Some(call)));
    }
    let refused = connect("eve").await.unwrap_err();
    let refused = ErrorChain::new(&refused).to_string();
    assert!(refused.contains("(upstreams)"), "{refused}");
    assert_eq!(setup.server.links(), 2);
    // The first one is used no more, and the other one is.
    let (ada, call) = links.remove(0);
    drop((call, ada));
    tokio::time::sleep(Duration::from_secs(3)).await;
    connect("eve").await.unwrap().list_tools().await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(setup.server.links(), 2);
    assert_eq!(setup.bridge.status().upstreams[0].calls, 1, "the call of the other one goes on");
}

/// Waits until this number of notifications was dropped, and no more.
async fn dropped(bridge: &Bridge, wanted: u64) {
    let now = || bridge.status().upstreams[0].dropped;
    let reached = async {
        while now() < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    assert!(reached.is_ok(), "{} of {wanted}", now());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(now(), wanted);
}

// BRIDGE 3: what has no place is dropped and counted.
#[tokio::test(start_paused = true)]
async fn notifications_without_a_client_are_counted() {
    let change = r#"{"name":"change"}"#;
    for (era, count) in [(LEGACY, 0), (EraMode::Modern, 1)] {
        let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
        let client = setup.client(era, Binding::STREAM).await;
        client.request("tools/call", object(change)).await.unwrap();
        dropped(&setup.bridge, count).await;
        let status = setup.bridge.status().to_raw().to_string();
        assert!(status.contains(&format!(r#""dropped":{count}"#)), "{status}");
    }
}

/// A retry says anew whether the client wants progress.
#[tokio::test(start_paused = true)]
async fn progress_that_is_not_wanted_any_more_is_counted() {
    let tool = |_, context: Context| async move {
        if context.input_responses().is_none() {
            return Ok::<ToolReply, HandlerError>(InputRequired::ask("q", "roots/list", None).into());
        }
        context.progress(1.0, None, None).await;
        Ok(ToolReply::text("done"))
    };
    for (wanted, count) in [(true, 0), (false, 1)] {
        let server = Server::builder("upstream", "1").versions(only(LEGACY));
        let server = server.build(Router::new().tool(ToolDef::new("late"), tool)).unwrap();
        let (connector, listener) = memory::connector(Binding::STREAM);
        tokio::spawn(listener.serve(server));
        let upstream = Upstream::new(move |_| connector.clone()).policy(Policy::Shared);
        let bridge = Bridge::builder().upstream("it", upstream).build().unwrap();
        let (connector, listener) = memory::connector(EXCHANGES);
        tokio::spawn(listener.serve(bridge.front("it").unwrap()));
        let client = plain(EraMode::Modern).capability("roots", RawJson::EMPTY_OBJECT);
        let client = client.input_handler(|_, _| async { panic!("it answers by hand") });
        let client = client.connect(connector).await.unwrap();
        let call = |params: String, progress| {
            let mut options = CallOptions::new().input(InputMode::Pass);
            options.progress = progress;
            client.call("tools/call", object(params), options)
        };
        let asked = call(r#"{"name":"late"}"#.to_owned(), true).await.unwrap();
        let state = asked.raw().member("requestState").unwrap();
        let answer = r#"{"q0":{"roots":[]}}"#;
        let retry = format!(r#"{{"name":"late","requestState":{state},"inputResponses":{answer}}}"#);
        let mut retry = call(retry, wanted);
        assert_eq!(retry.next_notification().await.is_some(), wanted);
        retry.await.unwrap();
        dropped(&bridge, count).await;
    }
}
