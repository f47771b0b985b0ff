//! A server that is replaced under the bridge: by itself, by another version, by one of the other era.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::client::{CallOptions, EraMode, SubscriptionEvent};
use mcp_core::message::{ErrorObject, ProtocolVersion, code};
use mcp_core::server::{Reply, Router, Server};
use mcp_core::session::SubscriptionFilter;
use mcp_core::transport::{Accept, Binding, Transport, memory};

use super::setup::{EXCHANGES, LEGACY, Seen, answering, only, plain, raw, router, text};
use crate::{Bridge, Policy, State, Upstream};

/// A listener whose server can be replaced. What was connected to the old one is cut.
struct Place {
    servers: Vec<Server>,
    at: AtomicUsize,
    seen: Arc<Seen>,
}

#[async_trait]
impl Accept for Place {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        // The last one stays.
        let at = self.at.load(Ordering::SeqCst).min(self.servers.len() - 1);
        let server = self.servers[at].clone();
        tokio::select! {
            () = Arc::new(server).accept(link) => {}
            () = self.seen.kill.notified() => {}
        }
    }

    fn versions(&self) -> &[ProtocolVersion] {
        ProtocolVersion::ALL
    }
}

/// A server that names its newest revision as its own version.
fn server(seen: &Arc<Seen>, versions: Vec<ProtocolVersion>) -> Server {
    Server::builder("upstream", versions[0].as_str()).versions(versions).build(router(seen)).unwrap()
}

/// A bridge before a server of the first revisions, which the next ones replace.
fn setup(binding: Binding, versions: [Vec<ProtocolVersion>; 2]) -> (Arc<Place>, Bridge) {
    setup_with(binding, versions, Policy::PerSession)
}

fn setup_with(binding: Binding, versions: [Vec<ProtocolVersion>; 2], policy: Policy) -> (Arc<Place>, Bridge) {
    let seen = Arc::new(Seen::default());
    let servers = versions.map(|versions| server(&seen, versions)).to_vec();
    let place = Arc::new(Place { servers, at: AtomicUsize::new(0), seen });
    let (connector, listener) = memory::connector(binding);
    tokio::spawn(listener.serve(place.clone()));
    let upstream = Upstream::new(move |_| connector.clone()).policy(policy);
    (place, Bridge::builder().upstream("it", upstream).build().unwrap())
}

/// Ends the server and puts the next one in its place.
async fn replace(place: &Place) {
    place.at.fetch_add(1, Ordering::SeqCst);
    place.seen.kill.notify_waiters();
    // The wait after a failure.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

// BR-14: the client's session goes on. It is notified that everything may have changed, and its calls, their questions
// included, reach the new server in words of the era that this one speaks. A session over HTTP ends if the new server's
// revision is lower: the next test.
#[tokio::test(start_paused = true)]
async fn a_session_goes_on_with_the_server_that_comes_next() {
    let older = vec![ProtocolVersion::V2025_06_18];
    let (legacy, modern) = (only(LEGACY), only(EraMode::Modern));
    let moves = [
        ("another version", [legacy.clone(), older.clone()]),
        ("a newer version", [older, legacy.clone()]),
        ("to the modern era", [legacy.clone(), modern.clone()]),
        ("to the legacy era", [modern, legacy]),
    ];
    for (what, versions) in moves {
        for (down, binding) in [(LEGACY, EXCHANGES), (EraMode::Modern, EXCHANGES), (LEGACY, Binding::STREAM)]
        {
            if (what, down, binding) == ("another version", LEGACY, EXCHANGES) {
                continue;
            }
            let title = format!("{what}, {down:?} {}", binding.name);
            let (place, bridge) = setup(binding, versions.clone());
            let (connector, listener) = memory::connector(binding);
            tokio::spawn(listener.serve(bridge.front("it").unwrap()));
            let asked = Arc::default();
            let client = answering(down, &asked).connect(connector).await;
            let client = client.unwrap_or_else(|error| panic!("{title}: {error}"));
            let agreed = client.negotiated().map(|negotiated| negotiated.version);
            let mut changes = client.listen(SubscriptionFilter::new().tools_list_changed());
            soon(&title, async {
                while !matches!(changes.next().await, Some(SubscriptionEvent::Started { .. })) {}
            })
            .await;
            replace(&place).await;
            for nonce in ["first", "second"] {
                let params = format!(r#"{{"name":"work","arguments":{{"nonce":"{nonce}"}}}}"#);
                let called = soon(&title, client.request("tools/call", Some(raw(params)))).await;
                let called = called.unwrap_or_else(|error| panic!("{title}: {error}"));
                assert!(text(called.raw()).contains(&format!(r#""said":"{nonce}""#)), "{title}");
            }
            assert_eq!(*asked.lock(), ["first", "second"], "{title}");
            soon(&title, async {
                while !matches!(changes.next().await, Some(SubscriptionEvent::Changed(_))) {}
            })
            .await;
            let status = &bridge.status().upstreams[0];
            assert_eq!((status.state, status.calls, status.parked), (State::Ready, 0, 0), "{title}");
            // A new client is served too.
            let (connector, listener) = memory::connector(binding);
            tokio::spawn(listener.serve(bridge.front("it").unwrap()));
            let newcomer = soon(&title, plain(down).connect(connector)).await;
            let newcomer = newcomer.unwrap_or_else(|error| panic!("{title}: {error}"));
            assert_eq!(newcomer.negotiated().map(|negotiated| negotiated.version), agreed, "{title}");
        }
    }
}

// BR-14: the answer to `initialize` does not hold for one of a lower revision, so its session ends. The request
// that met the new server is answered, and the client's next session begins with the new server.
#[tokio::test(start_paused = true)]
async fn a_session_ends_before_a_server_of_a_lower_revision() {
    let older = vec![ProtocolVersion::V2025_06_18];
    for policy in [Policy::PerSession, Policy::Shared] {
        let title = format!("{policy:?}");
        let (place, bridge) = setup_with(EXCHANGES, [only(LEGACY), older.clone()], policy);
        let (connector, listener) = memory::connector(EXCHANGES);
        tokio::spawn(listener.serve(bridge.front("it").unwrap()));
        let client = answering(LEGACY, &Arc::default()).connect(connector).await.unwrap();
        let upstream =
            || client.negotiated().and_then(|known| known.server_info?.member("version")?.to_text());
        assert_eq!(upstream().as_deref(), Some("2025-11-25"), "{title}");
        let mut states = client.watch();
        replace(&place).await;
        let params = || Some(raw(r#"{"name":"work","arguments":{"nonce":"x"}}"#));
        let called = soon(&title, client.request("tools/call", params())).await.unwrap();
        assert!(text(called.raw()).contains(r#""said":"x""#), "{title}");
        soon(&title, async {
            while upstream().as_deref() != Some("2025-06-18") {
                states.changed().await.expect("the client goes on");
            }
        })
        .await;
        // It stays: the revision is not lower than that of this session.
        replace(&place).await;
        soon(&title, client.request("tools/call", params())).await.unwrap();
        soon(&title, client.request("tools/call", params())).await.unwrap();
        assert!(client.state().is_ready(), "{title}");
    }
}

/// Clients that come later are shown the server that is there, also if an earlier client began the session.
#[tokio::test(start_paused = true)]
async fn newcomers_are_shown_the_new_server() {
    for down in [LEGACY, EraMode::Modern] {
        let versions = [only(LEGACY), vec![ProtocolVersion::V2025_06_18]];
        let (place, bridge) = setup_with(EXCHANGES, versions, Policy::Shared);
        for version in ["2025-11-25", "2025-06-18"] {
            let (connector, listener) = memory::connector(EXCHANGES);
            tokio::spawn(listener.serve(bridge.front("it").unwrap()));
            let client = soon(version, plain(down).connect(connector)).await.unwrap();
            let known = client.negotiated().unwrap().server_info.unwrap();
            assert_eq!(known.member("version").unwrap().to_text().as_deref(), Some(version), "{down:?}");
            replace(&place).await;
            // Starts the new server.
            let called = soon(version, client.request("tools/list", None)).await;
            called.unwrap_or_else(|error| panic!("{down:?}: {error}"));
        }
    }
}

// BR-14: that one request was refused for its revision says nothing of the others: they have run, and run once.
#[tokio::test(start_paused = true)]
async fn what_has_run_is_not_sent_again() {
    let (runs, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (count, wait) = (runs.clone(), go.clone());
    let moved = Arc::new(AtomicUsize::new(0));
    let refusals = moved.clone();
    let router = Router::new()
        .method("x/slow", move |_, _| {
            let (count, wait) = (count.clone(), wait.clone());
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                wait.notified().await;
                Ok(raw("{}"))
            }
        })
        .method("x/moved", move |_, _| {
            refusals.fetch_add(1, Ordering::SeqCst);
            async { Ok(Reply::Verbatim(Err(ErrorObject::new(code::UNSUPPORTED_VERSION, "moved")))) }
        });
    let server = Server::builder("upstream", "1").versions(only(LEGACY)).build(router).unwrap();
    let (inner, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(server));
    let upstream = Upstream::new(move |_| inner.clone()).policy(Policy::Shared);
    let bridge = Bridge::builder().upstream("it", upstream).build().unwrap();
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(bridge.front("it").unwrap()));
    let client = plain(LEGACY).connect(connector).await.unwrap();
    let slow = client.call("x/slow", None, CallOptions::new());
    while runs.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    soon("moved", client.request("x/moved", None)).await.unwrap_err();
    go.notify_one();
    soon("slow", slow).await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(moved.load(Ordering::SeqCst), 2, "once on each session");
}

/// What hangs has failed.
async fn soon<T>(title: &str, event: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(3600);
    tokio::time::timeout(limit, event).await.unwrap_or_else(|_| panic!("{title}: it hangs"))
}
