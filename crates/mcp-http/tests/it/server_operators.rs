//! What operators can set: sessions or none, hooks, hosts by pattern, paths behind proxies, an announced end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_core::transport::{Identity, async_trait};
use mcp_http::server::{Authenticate, Denied, Peer, RequestHead, SessionEvents, SessionInfo};
use tokio::time::{Instant, advance};

use crate::legacy_kit::{Bench, Client, Events, INITIALIZED, LIST, call, initialize, post, until};
use crate::server_kit::http;

/// FAULT F-S12: while the end is announced, health fails, work goes on, and kept connections end with an answer.
#[tokio::test(start_paused = true)]
async fn an_announced_end_keeps_working() {
    let mut bench = Bench::with(|config| {
        config.health = Some("/healthz".to_owned());
        config.timeouts.drain_delay = Duration::from_secs(20);
    });
    let health = || http("GET /healthz", &[("Host", "pod")], "");
    let mut kept = bench.server.open();
    kept.write(post(&initialize("2025-11-25"), &[])).await;
    let opened = kept.answer().await;
    assert_eq!((opened.status, opened.header("connection")), (200, None));
    let client = Client { id: opened.header("mcp-session-id").unwrap().to_owned(), more: Vec::new() };
    assert_eq!(bench.server.ask(health()).await.status, 200);
    let start = Instant::now();
    bench.server.stop();
    until("health fails", || bench.server.service.is_leaving()).await;
    assert_eq!(bench.server.ask(health()).await.status, 503);
    kept.write(client.post(INITIALIZED)).await;
    let answer = kept.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (202, Some("close")));
    advance(Duration::from_secs(10)).await;
    assert_eq!(client.ask(&bench, LIST).await.status, 200, "a new connection");
    bench.server.stopped().await;
    assert_eq!(start.elapsed().as_secs(), 20);
}

/// FAULT F-S20: without sessions each POST stands alone, is answered in JSON, and leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn without_sessions_each_post_stands_alone() {
    let mut bench = Bench::with(|config| config.sessions.enabled = false);
    let opened = bench.server.ask(post(&initialize("2025-11-25"), &[])).await;
    assert_eq!((opened.status, opened.header("mcp-session-id")), (200, None));
    assert_eq!(opened.header("content-type"), Some("application/json"));
    assert_eq!(opened.json()["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(bench.server.ask(post(INITIALIZED, &[])).await.status, 202);
    let named = [("Mcp-Protocol-Version", "2025-11-25")];
    let listed = bench.server.ask(post(LIST, &named)).await;
    assert_eq!((listed.status, listed.header("content-type")), (200, Some("application/json")));
    assert!(listed.json()["result"]["tools"].is_array(), "{listed:?}");
    let stale = [("Mcp-Session-Id", "from-another-replica")];
    let called = bench.server.ask(post(&call(7, "echo", r#"{"text":"hi"}"#), &stale)).await;
    assert_eq!(called.json()["result"]["content"][0]["text"], "hi");
    let batch = format!("[{LIST},{}]", call(2, "echo", r#"{"text":"b"}"#));
    assert_eq!(bench.server.ask(post(&batch, &[])).await.json().as_array().unwrap().len(), 2);
    // Nothing can be asked of the client, and that is said.
    let asked = bench.server.ask(post(&call(3, "ask", "{}"), &[])).await;
    assert_ne!(asked.json()["result"]["content"][0]["text"], "answered");
    let wrong = bench.server.ask(post(LIST, &[("Mcp-Protocol-Version", "2020-01-01")])).await;
    assert_eq!(wrong.status, 400);
    for method in ["GET", "DELETE"] {
        let headers = [("Host", "localhost"), ("Accept", "text/event-stream")];
        let answer = bench.server.ask(http(&format!("{method} /mcp"), &headers, "")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    let service = bench.server.service.clone();
    until("no link is left", || service.sessions() == Default::default()).await;
    // A client that hangs up ends its call.
    let mut gone = bench.server.open();
    gone.write(post(&call(4, "wait", "{}"), &[])).await;
    assert_eq!(bench.told().await, "began");
    drop(gone);
    assert_eq!(bench.told().await, "cancelled");
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn note(&self, what: &str, session: &SessionInfo) {
        let subject = session.identity.as_ref().map(|identity| identity.subject.clone());
        self.0.lock().unwrap().push(format!("{what} {} {}", session.number, subject.unwrap_or_default()));
    }
}

impl SessionEvents for Log {
    fn opened(&self, session: &SessionInfo) {
        self.note("opened", session);
        assert_ne!(session.identity.as_ref().unwrap().subject, "bad", "a panic in a hook");
    }

    fn ended(&self, session: &SessionInfo) {
        self.note("ended", session);
    }
}

/// The caller is who the header says.
struct Named;

#[async_trait]
impl Authenticate for Named {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let name = head.headers.get("x-user").and_then(|name| name.to_str().ok());
        name.map(Identity::new).ok_or_else(|| Denied::unauthorized("Named"))
    }
}

/// FAULT F-S20: the application hears of sessions, with their callers, and can end all of one caller.
#[tokio::test(start_paused = true)]
async fn sessions_are_announced_and_ended_by_owner() {
    let log = Arc::new(Log::default());
    let bench = Bench::with(|config| {
        config.authenticate = Some(Arc::new(Named));
        config.sessions.events = Some(log.clone());
    });
    let ada = [("X-User", "ada")];
    let (one, two) =
        (Client::open(&bench, "2025-11-25", &ada).await, Client::open(&bench, "2025-11-25", &ada).await);
    let bob = Client::open(&bench, "2025-11-25", &[("X-User", "bob")]).await;
    let names = |what: &str| {
        let log = log.0.lock().unwrap();
        let of = |line: &&String| line.starts_with(what);
        log.iter().filter(of).map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("opened"), ["ada", "ada", "bob"]);
    assert_eq!(bench.server.service.end_sessions(&Identity::new("ada").owner()), 2);
    assert_eq!(bench.server.service.end_sessions(&Identity::new("eve").owner()), 0);
    for client in [&one, &two] {
        assert_eq!(client.ask(&bench, LIST).await.status, 404);
    }
    assert_eq!(bob.ask(&bench, LIST).await.status, 200);
    until("both are over", || names("ended").len() == 2).await;
    bob.delete(&bench).await;
    until("all are over", || names("ended") == ["ada", "ada", "bob"]).await;
    // A hook that panics does no harm.
    let bad = Client::open(&bench, "2025-11-25", &[("X-User", "bad")]).await;
    assert_eq!(bad.ask(&bench, LIST).await.status, 200);
}

/// FAULT F-S20: on request, a legacy call ends with its connection, before its answer has begun and in its stream.
#[tokio::test(start_paused = true)]
async fn a_dropped_connection_cancels_on_request() {
    for (cancels, streams) in [(true, false), (true, true), (false, false)] {
        let mut bench = Bench::with(|config| config.sessions.cancel_on_disconnect = cancels);
        let client = bench.client("2025-11-25").await;
        let mut raw = bench.server.open();
        raw.write(client.post(&call(4, "wait", "{}"))).await;
        assert_eq!(bench.told().await, "began");
        if streams {
            // After the keep-alive time the answer is a stream.
            assert_eq!(raw.head().await.status, 200);
        }
        drop(raw);
        if cancels {
            assert_eq!(bench.told().await, "cancelled");
        } else {
            bench.gate.add_permits(1);
            assert_eq!(bench.told().await, "done");
        }
    }
}

/// FAULT F-S20: a pattern means the names below a domain.
#[tokio::test(start_paused = true)]
async fn hosts_by_pattern() {
    let bench = Bench::with(|config| config.hosts = vec!["*.example.com".into(), "*.x.test:8443".into()]);
    let rows = [
        ("a.example.com", 200),
        ("a.b.example.com:80", 200),
        ("example.com", 403),
        ("evilexample.com", 403),
        (".example.com", 403),
        ("a.example.com.evil", 403),
        ("a.x.test:8443", 200),
        ("a.x.test", 403),
    ];
    for (host, status) in rows {
        let request =
            post(&initialize("2025-11-25"), &[]).replace("Host: localhost", &format!("Host: {host}"));
        assert_eq!(bench.server.ask(request).await.status, status, "{host}");
    }
}

/// FAULT F-S15: the path that is served and the path that clients receive are two.
#[tokio::test(start_paused = true)]
async fn behind_a_stripped_prefix_clients_receive_the_public_path() {
    let bench = Bench::with(|config| {
        config.http_sse = true;
        config.public_messages_path = Some("/tools/messages".to_owned());
        // Only a proxy that is trusted counts.
        config.forwarded = true;
        config.forwarded_prefix = true;
    });
    let headers = [("Host", "localhost"), ("Accept", "text/event-stream"), ("X-Forwarded-Prefix", "/evil")];
    let mut events = Events::open(bench.server.open(), http("GET /sse", &headers, "")).await;
    let endpoint = events.next().await.unwrap().data;
    assert!(endpoint.starts_with("/tools/messages?sessionId="), "{endpoint}");
    let own = endpoint.strip_prefix("/tools").unwrap();
    let request = post(&initialize("2024-11-05"), &[]).replacen("/mcp", own, 1);
    assert_eq!(bench.server.ask(request).await.status, 202);
}

/// FAULT F-S15: with the setting, the prefix that a trusted proxy has stripped is in front of the path that clients
/// receive. Others cannot choose the path.
#[tokio::test(start_paused = true)]
async fn the_prefix_of_a_trusted_proxy_is_in_the_path_of_clients() {
    let rows = [
        (true, "10.0.0.9:1", "/tools", "/tools/messages?sessionId="),
        (true, "10.0.0.9:1", "/tools/", "/tools/messages?sessionId="),
        (true, "10.0.0.9:1", "//evil.test/", "/messages?sessionId="),
        (true, "10.0.0.9:1", "https://evil.test", "/messages?sessionId="),
        (true, "10.0.0.1:1", "/tools", "/messages?sessionId="),
        (false, "10.0.0.9:1", "/tools", "/messages?sessionId="),
    ];
    for (wanted, peer, prefix, path) in rows {
        let bench = Bench::with(|config| {
            config.http_sse = true;
            config.proxies = vec!["10.0.0.9".parse().unwrap()];
            config.forwarded = true;
            config.forwarded_prefix = wanted;
        });
        let raw = bench.server.open_from(Peer::Tcp(peer.parse().unwrap()));
        let headers =
            [("Host", "localhost"), ("Accept", "text/event-stream"), ("X-Forwarded-Prefix", prefix)];
        let mut events = Events::open(raw, http("GET /sse", &headers, "")).await;
        let endpoint = events.next().await.unwrap().data;
        assert!(endpoint.starts_with(path), "{peer} {prefix}: {endpoint}");
    }
}
