//! The life of upstream sessions: who has which, when they end, and what happens if they fail.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use mcp_core::client::{CallOptions, Client, EraMode, InputContext};
use mcp_core::message::RawJson;
use mcp_core::session::InputRequest;
use mcp_core::transport::{Binding, memory};

use super::setup::{EXCHANGES, LEGACY, Setup, answering, object, only, plain, raw, text};
use crate::{Bridge, Filter, Policy, State, Upstream};

const WAIT: &str = r#"{"name":"wait"}"#;

async fn settle() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

/// D3: each link has its own session, or each caller, or all share one. Nothing is left when they are gone.
#[tokio::test(start_paused = true)]
async fn a_policy_says_who_shares_a_session() {
    for (policy, wanted) in [(Policy::PerSession, 6), (Policy::PerCaller, 3), (Policy::Shared, 1)] {
        for era in [LEGACY, EraMode::Modern] {
            let setup = Setup::new(only(era), EXCHANGES, policy);
            let clients = join_all(["a", "a", "b", "b", "c", "c"].map(async |caller| {
                let client = plain(era).connect(setup.connector(EXCHANGES, Some(caller))).await.unwrap();
                client.list_tools().await.unwrap();
                client
            }))
            .await;
            assert_eq!(setup.server.links(), wanted, "{policy:?} {era:?}");
            for client in clients {
                client.close().await;
            }
            settle().await;
            let left = if policy == Policy::PerSession { 0 } else { wanted };
            assert_eq!(setup.server.links(), left, "{policy:?} {era:?}");
            // BR-13: what belongs to callers ends when it was idle for long enough.
            tokio::time::sleep(Duration::from_secs(601)).await;
            settle().await;
            assert_eq!(setup.server.links(), 0, "{policy:?} {era:?}");
            assert_eq!(setup.bridge.status().upstreams[0].state, State::Cold);
        }
    }
}

/// A session that may not be idle at all is closed soon after its last use. As long as it is used, that is looked at from time
/// to time, and not as often as the clock moves.
#[tokio::test(start_paused = true)]
async fn a_session_without_idle_time_is_closed_when_it_is_unused() {
    let shared = |upstream: Upstream| upstream.policy(Policy::Shared);
    let setup = Setup::made(only(LEGACY), Binding::STREAM, shared, |limits| limits.idle = Duration::ZERO);
    let client = setup.client(EraMode::Modern, EXCHANGES).await;
    let call = client.call("tools/call", object(WAIT), CallOptions::new());
    let parks = || tokio::runtime::Handle::current().metrics().worker_park_count(0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = parks();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(parks() - before < 1000, "{}", parks() - before);
    assert_eq!(setup.server.links(), 1);
    drop(call);
    client.close().await;
    settle().await;
    assert_eq!(setup.server.links(), 0);
}

/// What belongs to one link is closed with it, also if the listener drops the future that serves it.
#[tokio::test(start_paused = true)]
async fn a_link_that_is_dropped_releases_its_session() {
    for policy in [Policy::PerSession, Policy::PerRequest] {
        let setup = Setup::new(only(EraMode::Modern), EXCHANGES, policy);
        let front = setup.bridge.front("it").unwrap();
        let (connector, mut listener) = memory::connector(EXCHANGES);
        let serving = tokio::spawn(async move {
            let link = listener.accept().await.unwrap();
            front.serve(link).await;
        });
        let client = plain(EraMode::Modern).connect(connector).await.unwrap();
        let call = client.call("tools/call", object(WAIT), CallOptions::new());
        while setup.seen.running.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        serving.abort();
        assert!(call.await.is_err());
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert_eq!(setup.server.links(), 0, "{policy:?}");
        assert_eq!(setup.bridge.status().upstreams[0].state, State::Cold, "{policy:?}");
    }
}

/// A thousand sessions leave nothing behind.
#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_leave_nothing_behind() {
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
    for _ in 0..20 {
        join_all((0..50).map(async |number| {
            let client = setup.client(LEGACY, Binding::STREAM).await;
            client.list_tools().await.unwrap();
            if number % 2 == 0 {
                client.close().await;
            }
        }))
        .await;
    }
    settle().await;
    assert_eq!(setup.seen.links.load(Ordering::SeqCst), 1000);
    assert_eq!(setup.server.links(), 0);
    assert_eq!(setup.bridge.status().upstreams[0].sessions, 0);
}

/// A client that gives a call up ends it upstream, in every direction.
#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_cancelled_upstream() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            for binding in [Binding::STREAM, EXCHANGES] {
                let setup = Setup::new(only(up), binding, Policy::PerSession);
                let client = setup.client(down, binding).await;
                let call = client.call("tools/call", object(WAIT), CallOptions::new());
                while setup.seen.running.load(Ordering::SeqCst) == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                drop(call);
                settle().await;
                let title = format!("{down:?} -> {up:?} {}", binding.name);
                assert_eq!(setup.seen.cancelled.load(Ordering::SeqCst), 1, "{title}");
                assert_eq!(setup.bridge.status().upstreams[0].calls, 0, "{title}");
            }
        }
    }
}

// BR-14: calls in flight fail with the cause, and are not repeated. The client's session goes on.
#[tokio::test(start_paused = true)]
async fn a_server_that_dies_fails_its_calls_and_is_started_again() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
            let client = setup.client(down, Binding::STREAM).await;
            client.list_tools().await.unwrap();
            let call = client.call("tools/call", object(WAIT), CallOptions::new());
            while setup.seen.running.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            setup.seen.kill.notify_waiters();
            let error = call.await.unwrap_err();
            let error = error.rpc().unwrap();
            assert_eq!(error.code, -32603);
            assert!(error.message.contains("\"it\""), "{}", error.message);
            assert_eq!(client.list_tools().await.unwrap().len(), 5, "{down:?} -> {up:?}");
            assert_eq!(setup.seen.running.load(Ordering::SeqCst), 1, "not repeated");
        }
    }
}

// D4, BR-15.
/// Many servers that end at once are started again at once: they have failed for the first time, each.
#[tokio::test(start_paused = true)]
async fn many_servers_that_die_at_once_are_all_started_again() {
    for up in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
        let clients = join_all((0..10).map(|_| setup.client(LEGACY, Binding::STREAM))).await;
        join_all(clients.iter().map(|client| client.list_tools())).await;
        setup.seen.kill.notify_waiters();
        settle().await;
        assert_eq!(setup.bridge.status().upstreams[0].sessions, 10, "{up:?}");
        let all = join_all(clients.iter().map(|client| client.list_tools())).await;
        assert!(all.iter().all(Result::is_ok), "{up:?}: {all:?}");
    }
}

/// Kills the server in a call of this client, which fails. Returns whether the call reached it.
async fn killed_in_a_call(setup: &Setup, client: &Client) -> bool {
    let running = setup.seen.running.load(Ordering::SeqCst);
    let mut call = client.call("tools/call", object(WAIT), CallOptions::new());
    let runs = async {
        while setup.seen.running.load(Ordering::SeqCst) == running {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = runs => {}
        refused = &mut call => {
            assert!(refused.is_err(), "{refused:?}");
            return false;
        }
    }
    setup.seen.kill.notify_waiters();
    assert!(call.await.is_err());
    true
}

// D4.
/// A server that starts, and ends before it has answered anything, is given up like one that does not start. One that
/// answers, or lives for a while, is not, however often it ends.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_of_no_use_is_given_up() {
    for (answers, lives) in [(false, false), (true, false), (false, true)] {
        let is_useful = answers || lives;
        let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::Shared);
        let client = setup.client(LEGACY, EXCHANGES).await;
        for _ in 0..10 {
            if answers {
                client.list_tools().await.unwrap();
            }
            if lives {
                tokio::time::sleep(Duration::from_secs(31)).await;
            }
            let outcome = killed_in_a_call(&setup, &client).await;
            assert!(outcome || !is_useful);
        }
        let wanted = if is_useful { State::BackingOff } else { State::Failed };
        assert_eq!(setup.bridge.status().upstreams[0].state, wanted);
        assert_eq!(setup.seen.running.load(Ordering::SeqCst), if is_useful { 10 } else { 5 });
    }
}

// D4.
/// A session that is served shows that the server works, whatever becomes of another one.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_served_counts_for_all() {
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
    let client = setup.client(LEGACY, EXCHANGES).await;
    for round in 0..8 {
        assert!(killed_in_a_call(&setup, &client).await, "{round}");
        if round == 3 {
            let other = setup.client(LEGACY, EXCHANGES).await;
            other.list_tools().await.unwrap();
            other.close().await;
            settle().await;
        }
    }
}

/// D4: a server that cannot be reached is an error of the first request, with the cause, and is left alone between tries.
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_start_is_an_error_in_words() {
    for era in [LEGACY, EraMode::Modern] {
        let (connector, _) = memory::connector(Binding::STREAM);
        let upstream = Upstream::new(move |_| connector.clone());
        let bridge = Bridge::builder().upstream("gone", upstream).build().unwrap();
        let connect = async || {
            let (connector, listener) = memory::connector(EXCHANGES);
            tokio::spawn(listener.serve(bridge.front("gone").unwrap()));
            plain(era).connect(connector).await.unwrap_err().to_string()
        };
        let first = connect().await;
        assert!(first.contains("\"gone\" could not be started"), "{first}");
        let second = connect().await;
        assert!(second.contains("not started again for"), "{second}");
        let status = &bridge.status().upstreams[0];
        assert_eq!(status.state, State::BackingOff);
        assert!(status.failure.as_deref().unwrap().contains("could not be started"), "{status:?}");
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(31)).await;
            connect().await;
        }
        assert_eq!(bridge.status().upstreams[0].state, State::Failed);
    }
}

// META-C-005: the server sees the client, and not the bridge.
#[tokio::test(start_paused = true)]
async fn the_server_sees_the_client() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            let setup = Setup::new(only(up), EXCHANGES, Policy::PerCaller);
            for (name, capability) in [("one", "roots"), ("two", "sampling")] {
                let client = Client::builder(name, "1").era(down);
                let client = client.capability(capability, raw(r#"{"x":1.0}"#));
                let client = client
                    .input_handler(|_: InputRequest, _: InputContext| async { Ok(raw(r#"{"roots":[]}"#)) });
                let client = client.connect(setup.connector(EXCHANGES, None)).await.unwrap();
                let negotiated = client.negotiated().unwrap();
                assert_eq!(negotiated.server_info.unwrap().member("name"), Some(RawJson::string("upstream")));
                assert_eq!(negotiated.instructions.as_deref(), Some("read me"));
                let seen = client.request("tools/call", object(r#"{"name":"who"}"#)).await.unwrap();
                let seen = text(seen.raw());
                assert!(seen.contains(&format!(r#""name":"{name}""#)), "{down:?} -> {up:?}: {seen}");
                assert!(
                    seen.ends_with(&format!(r#"{{"{capability}":{{"x":1.0}}}}"#)),
                    "{down:?} -> {up:?}: {seen}"
                );
            }
        }
    }
}

// BR-17: what is denied is in no list and cannot be called.
#[tokio::test(start_paused = true)]
async fn what_is_denied_does_not_exist() {
    for era in [LEGACY, EraMode::Modern] {
        let filter = Filter::new().allow_tool("w*").deny_tool("wait").deny_resource("test:a");
        let setup = Setup::with(only(era), Binding::STREAM, |upstream| upstream.filter(filter));
        let client = setup.client(era, Binding::STREAM).await;
        let names: Vec<String> =
            client.list_tools().await.unwrap().iter().map(|tool| tool.name.clone()).collect();
        assert_eq!(names, ["who", "work"]);
        let refused = client.request("tools/call", object(WAIT)).await.unwrap_err();
        assert_eq!(refused.rpc().unwrap().code, -32602);
        assert!(client.read_resource("test:a").await.unwrap_err().is_resource_not_found());
        assert_eq!(setup.seen.running.load(Ordering::SeqCst), 0);
    }
}

/// A drain lets calls end, then closes everything.
#[tokio::test(start_paused = true)]
async fn a_drain_closes_everything() {
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::Shared);
    let client = setup.client(EraMode::Modern, Binding::STREAM).await;
    let call = client.call("tools/call", object(WAIT), CallOptions::new());
    while setup.seen.running.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!setup.bridge.drain(Duration::from_secs(1)).await);
    assert!(call.await.is_err());
    // The server waits this long for a handler whose client closed its side.
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(setup.server.links(), 0);
    let idle = Setup::new(only(LEGACY), Binding::STREAM, Policy::Shared);
    idle.client(LEGACY, Binding::STREAM).await.list_tools().await.unwrap();
    assert!(idle.bridge.drain(Duration::from_secs(1)).await);
}

// BR-16: a drain lets calls end, opens nothing for new clients meanwhile, and ends the links of those that are there.
#[tokio::test(start_paused = true)]
async fn a_drain_answers_what_is_under_way_and_takes_nothing_new() {
    for binding in [Binding::STREAM, EXCHANGES] {
        let title = binding.name;
        let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
        let asked = Arc::default();
        let client = answering(LEGACY, &asked).connect(setup.connector(binding, None)).await.unwrap();
        let params = object(r#"{"name":"work","arguments":{"nonce":"n"}}"#);
        let mut call = client.call("tools/call", params, CallOptions::new().progress());
        assert_eq!(call.next_notification().await.unwrap().method, "notifications/progress", "{title}");
        let bridge = setup.bridge.clone();
        let drained = tokio::spawn(async move { bridge.drain(Duration::from_secs(3600)).await });
        // The drain has begun, and the call is under way.
        tokio::task::yield_now().await;
        assert!(!drained.is_finished(), "{title}");
        let late = plain(LEGACY).connect(setup.connector(binding, None)).await;
        assert!(late.is_err() || late.unwrap().list_tools().await.is_err(), "{title}");
        assert_eq!(setup.seen.links.load(Ordering::SeqCst), 1, "{title}");
        call.await.unwrap_or_else(|error| panic!("{title}: {error}"));
        assert_eq!(*asked.lock(), ["n"], "{title}");
        assert!(drained.await.unwrap(), "{title}");
        let mut state = client.watch();
        let over = state.until(|state| !state.is_ready());
        let over = tokio::time::timeout(Duration::from_secs(60), over).await;
        assert!(over.is_ok(), "{title}: its link is open");
    }
}

// BR-16: the end of the program waits for the end of each session, also of one whose client has just left.
#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_sessions_that_are_being_closed() {
    for era in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(era), Binding::STREAM, Policy::PerSession);
        let (connector, mut listener) = memory::connector(Binding::STREAM);
        let front = setup.bridge.front("it").unwrap();
        let serving = tokio::spawn(async move {
            let link = listener.accept().await.unwrap();
            front.serve(link).await;
        });
        let client = plain(era).connect(connector).await.unwrap();
        client.list_tools().await.unwrap();
        client.close().await;
        serving.await.unwrap();
        assert!(setup.bridge.drain(Duration::from_secs(1)).await);
        assert_eq!(setup.server.links(), 0, "{era:?}");
    }
}
