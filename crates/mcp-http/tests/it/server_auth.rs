//! Who calls: asked for every request, before its body is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_core::transport::{Identity, async_trait};
use mcp_http::server::{Authenticate, Denied, RequestHead};

use super::server_kit::{Running, body, call, headers, http};
use super::server_modern::server;

/// A modern `tools/call` of `who` with these headers too.
fn who(more: &[(&str, &str)]) -> String {
    let mut sent = headers("tools/call", Some("who"));
    sent.extend(more);
    http("POST /mcp", &sent, &body("1", "tools/call", r#""name":"who","arguments":{}"#))
}

/// SEC-S-004, SEC-S-007, SEC-S-010: one fixed token, on each request of a connection.
#[tokio::test]
async fn each_request_needs_the_bearer_token() {
    let running = Running::start(server(), |config| config.bearer = Some("s3cret".into()));
    let mut raw = running.open();
    for (value, status) in [
        (Some("Bearer s3cret"), 200),
        (None, 401),
        (Some("Bearer s3cre"), 401),
        (Some("Bearer s3cret2"), 401),
        (Some("s3cret"), 401),
        (Some("bearer s3cret"), 200),
    ] {
        let headers: Vec<_> = value.map(|value| ("Authorization", value)).into_iter().collect();
        raw.write(who(&headers)).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, status, "{value:?}");
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert!(!answer.body.contains("s3cret"));
    }
    raw.write(who(&[("Authorization", "Bearer s3cret"), ("Authorization", "Bearer s3cret")])).await;
    assert_eq!(raw.answer().await.status, 400);
}

/// Knows two tokens, and counts how often it is asked.
struct Tokens(Arc<AtomicUsize>);

#[async_trait]
impl Authenticate for Tokens {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match head.headers.get("authorization").map(|value| value.as_bytes()) {
            Some(b"Bearer ada") => Ok(Identity::new("ada")),
            Some(b"Bearer eve") => Err(Denied::forbidden(r#"Bearer error="insufficient_scope""#)),
            Some(b"?") => Err(Denied::malformed()),
            Some(b"panic") => panic!("a fault of the application"),
            _ => Err(Denied::unauthorized(r#"Bearer resource_metadata="https://a.example/.well-known/x""#)),
        }
    }
}

/// SEC-S-007, SEC-S-008, SEC-S-004: the application decides; its challenge reaches the client, its verdict the handler.
#[tokio::test]
async fn the_application_says_who_calls() {
    let asked = Arc::new(AtomicUsize::new(0));
    let router = Router::new().tool(ToolDef::new("who"), |_, context| async move {
        let identity = context.envelope().get::<Identity>().ok_or("anonymous")?;
        Ok::<_, HandlerError>(identity.subject.clone())
    });
    let running = Running::start(Server::builder("test", "1").build(router).unwrap(), |config| {
        config.authenticate = Some(Arc::new(Tokens(asked.clone())));
    });
    let answer = running.ask(who(&[("Authorization", "Bearer ada")])).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "ada");
    let answer = running.ask(who(&[("Authorization", "Bearer eve")])).await;
    let challenge = answer.header("www-authenticate");
    assert_eq!((answer.status, challenge), (403, Some(r#"Bearer error="insufficient_scope""#)));
    assert_eq!(running.ask(who(&[("Authorization", "?")])).await.status, 400);
    let answer = running.ask(who(&[])).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().contains("resource_metadata="));
    let answer = running.ask(who(&[("Authorization", "panic")])).await;
    assert_eq!((answer.status, answer.code()), (500, -32603));
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

/// Ledger 2.6: hosts and methods before credentials, credentials before the body.
#[tokio::test]
async fn nobody_is_asked_for_what_is_refused_anyway() {
    let asked = Arc::new(AtomicUsize::new(0));
    let running = Running::start(server(), |config| {
        config.authenticate = Some(Arc::new(Tokens(asked.clone())));
    });
    assert_eq!(running.ask(http("POST /mcp", &[("Host", "evil.example")], "")).await.status, 403);
    assert_eq!(running.ask(http("PUT /mcp", &[("Host", "localhost")], "")).await.status, 405);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    // The head alone: the answer does not wait for a body.
    let mut raw = running.open();
    let request =
        call("1", "echo", "{}").replace("\r\nContent-Type", "\r\nExpect: 100-continue\r\nContent-Type");
    raw.write(&request[..request.find("\r\n\r\n").unwrap() + 4]).await;
    assert_eq!(raw.answer().await.status, 401);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Browsers: the preflight needs no credentials, and refusals can be read.
#[tokio::test]
async fn browsers_are_told_what_they_may() {
    let running = Running::start(server(), |config| {
        config.bearer = Some("s3cret".into());
        config.cors.enabled = true;
    });
    let from = [("Host", "localhost"), ("Origin", "http://localhost:5173")];
    let mut asks = from.to_vec();
    asks.push(("Access-Control-Request-Method", "POST"));
    let answer = running.ask(http("OPTIONS /mcp", &asks, "")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:5173"));
    let answer = running.ask(http("POST /mcp", &from, "")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:5173"));
    let off = Running::start(server(), |_| {});
    let answer = off.ask(http("OPTIONS /mcp", &asks, "")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None));
}
