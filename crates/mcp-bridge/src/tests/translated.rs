//! What one era says reaches the other in its own words.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mcp_core::client::{CallOptions, ClientFacts, EraMode, InputContext, InputMode, KnownEra};
use mcp_core::message::{ProtocolVersion, RawJson, code};
use mcp_core::session::{InputRequest, LogLevel};
use mcp_core::transport::Binding;

use super::setup::{EXCHANGES, LEGACY, Setup, object, only, plain, raw, text};
use crate::lock::Lock;
use crate::{EraStore, Policy};

/// ERR-S-006, ERR-S-007, ERR-B-003, DISC-S-013.
#[tokio::test(start_paused = true)]
async fn errors_have_the_codes_of_the_client_s_era() {
    for (down, up) in [(LEGACY, EraMode::Modern), (EraMode::Modern, LEGACY)] {
        let setup = Setup::new(only(up), EXCHANGES, Policy::PerSession);
        let client = setup.client(down, EXCHANGES).await;
        let missing = client.read_resource("test:none").await.unwrap_err();
        assert!(missing.is_resource_not_found(), "{down:?} -> {up:?}: {missing}");
        let wanted = if down == LEGACY { code::RESOURCE_NOT_FOUND } else { code::INVALID_PARAMS };
        assert_eq!(missing.rpc().unwrap().code, wanted);
        let failed = client.request("x/fail", None).await.unwrap_err();
        let failed = failed.rpc().unwrap();
        assert_eq!((failed.code, failed.data.clone()), (code::INTERNAL_ERROR, Some(raw("1.0"))));
        let unknown = client.request("x/unknown", None).await.unwrap_err();
        assert_eq!(unknown.rpc().unwrap().code, code::METHOD_NOT_FOUND);
        // Not a method of the client's era: refused before the wire.
        let removed = if down == LEGACY { "server/discover" } else { "ping" };
        assert!(client.request(removed, None).await.is_err());
        // Tasks of 2025-11-25 have no counterpart.
        if down == LEGACY {
            let tasks = client.request("tasks/list", None).await.unwrap_err();
            assert_eq!(tasks.rpc().unwrap().code, code::METHOD_NOT_FOUND);
        }
    }
}

// META-S-017, META-S-019: a level per request on one side, one per session on the other.
#[tokio::test(start_paused = true)]
async fn levels_cross() {
    let heard = async |setup: &Setup, client: &mcp_core::client::Client, level: Option<LogLevel>| {
        let mut options = CallOptions::new();
        options.log_level = level;
        let mut call = client.call("x/note", None, options);
        let mut logs = Vec::new();
        while let Some(note) = call.next_notification().await {
            logs.push(note.params.unwrap().raw().member("data").unwrap().to_text().unwrap());
        }
        call.await.unwrap();
        (setup.seen.params.lock().pop().unwrap(), logs)
    };
    let setup = Setup::new(only(LEGACY), EXCHANGES, Policy::PerSession);
    let client = setup.client(EraMode::Modern, EXCHANGES).await;
    assert_eq!(heard(&setup, &client, None).await.1, Vec::<String>::new());
    assert_eq!(heard(&setup, &client, Some(LogLevel::Error)).await.1, ["loud"]);
    assert_eq!(heard(&setup, &client, Some(LogLevel::Debug)).await.1, ["quiet", "loud"]);
    // The server's level is that of the most curious request in flight; each request hears its own.
    let mut curious = CallOptions::new();
    curious.log_level = Some(LogLevel::Debug);
    let waiting = client.call("tools/call", object(r#"{"name":"wait"}"#), curious);
    while setup.seen.running.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let loud = |level: &str| (level.to_owned(), vec!["loud".to_owned()]);
    assert_eq!(heard(&setup, &client, Some(LogLevel::Error)).await, loud("Some(Debug)"));
    drop(waiting);
    while setup.seen.cancelled.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(heard(&setup, &client, Some(LogLevel::Error)).await, loud("Some(Error)"));

    let setup = Setup::new(only(EraMode::Modern), EXCHANGES, Policy::PerSession);
    let client = setup.client(LEGACY, EXCHANGES).await;
    assert_eq!(heard(&setup, &client, None).await, ("None".into(), vec![]));
    client.request("logging/setLevel", object(r#"{"level":"error"}"#)).await.unwrap();
    assert_eq!(heard(&setup, &client, None).await, ("Some(Error)".into(), vec!["loud".into()]));
}

/// A legacy server that takes the place of another one gets the level that was set.
#[tokio::test(start_paused = true)]
async fn a_level_outlives_its_server() {
    for down in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
        let client = setup.client(down, Binding::STREAM).await;
        if down == LEGACY {
            client.request("logging/setLevel", object(r#"{"level":"error"}"#)).await.unwrap();
        }
        for link in [1, 2] {
            let mut options = CallOptions::new();
            options.log_level = (down == EraMode::Modern).then_some(LogLevel::Error);
            client.call("x/note", None, options).await.unwrap();
            let level = setup.seen.params.lock().pop();
            assert_eq!(level.as_deref(), Some("Some(Error)"), "{down:?} {link}");
            assert_eq!(setup.seen.links.load(Ordering::SeqCst), link, "{down:?}");
            setup.seen.kill.notify_waiters();
            while setup.bridge.status().upstreams[0].failure.is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Keeps what was found.
#[derive(Clone, Default)]
struct Kept(Arc<Lock<Vec<(ProtocolVersion, KnownEra)>>>);

impl EraStore for Kept {
    fn known(&self, client: ProtocolVersion) -> Option<KnownEra> {
        let kept = self.0.lock();
        kept.iter().rev().find(|(of, _)| of.is_modern() == client.is_modern()).map(|(_, server)| *server)
    }

    fn found(&self, client: ProtocolVersion, server: KnownEra) {
        self.0.lock().push((client, server));
    }
}

/// What one bridge finds out about the era of a server, the next one knows; and what proves wrong is replaced.
#[tokio::test(start_paused = true)]
async fn an_era_is_known_to_the_next_bridge() {
    let kept = Kept::default();
    let (modern, legacy) = (ProtocolVersion::LATEST_MODERN, ProtocolVersion::LATEST_LEGACY);
    let legacy_first = [(modern, KnownEra::new(legacy))];
    let both = [legacy_first[0], (modern, KnownEra::new(modern))];
    let runs = [
        (LEGACY, &legacy_first[..]),
        (LEGACY, &legacy_first[..]),
        (EraMode::Modern, &both[..]),
        (EraMode::Modern, &both[..]),
    ];
    for (run, (up, wanted)) in runs.into_iter().enumerate() {
        let setup = Setup::with(only(up), Binding::STREAM, |upstream| upstream.era_store(kept.clone()));
        setup.client(EraMode::Modern, EXCHANGES).await.list_tools().await.unwrap();
        assert_eq!(*kept.0.lock(), wanted, "run {run}");
    }
}

/// A server of both eras is used in the era of each client, so that nothing is translated.
#[tokio::test(start_paused = true)]
async fn each_client_gets_its_own_era() {
    for era in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(ProtocolVersion::ALL.to_vec(), Binding::STREAM, Policy::PerSession);
        let _client = setup.client(era, Binding::STREAM).await;
        let version = setup.bridge.status().upstreams[0].version.unwrap();
        assert_eq!(version.is_modern(), era == EraMode::Modern, "{era:?}");
    }
}

/// The revision of one client is not that of the next one.
#[tokio::test(start_paused = true)]
async fn each_client_gets_its_own_revision() {
    let setup = Setup::new(ProtocolVersion::ALL.to_vec(), Binding::STREAM, Policy::PerSession);
    for version in [ProtocolVersion::V2024_11_05, ProtocolVersion::V2025_11_25, ProtocolVersion::V2025_06_18]
    {
        let client = setup.client(EraMode::Legacy(version), Binding::STREAM).await;
        assert_eq!(setup.bridge.status().upstreams[0].version, Some(version));
        client.close().await;
        while setup.bridge.status().upstreams[0].sessions > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Roots are requested in every direction.
#[tokio::test(start_paused = true)]
async fn roots_cross() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
            let client = plain(down).capability("roots", RawJson::EMPTY_OBJECT);
            let client = client.input_handler(|_: InputRequest, _: InputContext| async {
                Ok(raw(r#"{"roots":[{"uri":"file:///home"}]}"#))
            });
            let client = client.connect(setup.connector(Binding::STREAM, None)).await.unwrap();
            let answer = client.request("tools/call", object(r#"{"name":"roots"}"#)).await.unwrap();
            assert_eq!(text(answer.raw()), r#"["file:///home"]"#, "{down:?} -> {up:?}");
        }
    }
}

/// The members of an era are in every result of it, and in no other.
#[tokio::test(start_paused = true)]
async fn results_have_the_members_of_the_client_s_era() {
    for (down, up) in [(LEGACY, EraMode::Modern), (EraMode::Modern, LEGACY)] {
        let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
        let client = setup.client(down, Binding::STREAM).await;
        let listed = client.request("tools/list", None).await.unwrap();
        let has = |name: &str| listed.raw().member(name).is_some();
        let modern = down == EraMode::Modern;
        assert_eq!((has("resultType"), has("ttlMs"), has("cacheScope")), (modern, modern, modern));
        assert!(has("tools"));
    }
}

/// A modern client describes itself with each request, on a byte stream too: what it declares later counts.
#[tokio::test(start_paused = true)]
async fn a_later_request_may_declare_more() {
    for binding in [Binding::STREAM, EXCHANGES] {
        let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
        let client = setup.client(EraMode::Modern, binding).await;
        let mut questions = Vec::new();
        for capabilities in ["{}", r#"{"roots":{}}"#, "{}"] {
            let options = CallOptions::new().client(ClientFacts::new(raw(capabilities)));
            let options = options.input(InputMode::Pass);
            let answer = client.call("tools/call", object(r#"{"name":"roots"}"#), options).await;
            questions.push(answer.is_ok_and(|answer| answer.raw().member("inputRequests").is_some()));
        }
        assert_eq!(questions, [false, true, false], "{}", binding.name);
        assert_eq!(setup.seen.links.load(Ordering::SeqCst), 2, "{}", binding.name);
    }
}
