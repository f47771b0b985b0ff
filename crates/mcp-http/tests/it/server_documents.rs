//! Documents beside the endpoint.

use mcp_core::server::{Router, Server};
use mcp_http::HttpServer;
use mcp_http::server::{Document, HttpServerConfig};

use super::server_kit::{Running, http};
use super::server_modern::server;

const PATH: &str = "/.well-known/oauth-protected-resource/mcp";

fn with_document(change: impl FnOnce(&mut HttpServerConfig)) -> Running {
    Running::start(server(), |config| {
        config.bearer = Some("s3cret".into());
        config.documents.push(Document::json(PATH, r#"{"resource":"x"}"#));
        change(config);
    })
}

fn get(more: &[(&str, &str)]) -> String {
    let mut headers = vec![("Host", "localhost")];
    headers.extend(more);
    http(&format!("GET {PATH}"), &headers, "")
}

/// AU-S-01: no credentials, any origin, a cache may keep it; the host is checked.
#[tokio::test]
async fn a_document_needs_no_credentials() {
    let running = with_document(|_| {});
    for origin in [&[][..], &[("Origin", "https://page.example")], &[("Origin", "null")]] {
        let answer = running.ask(get(origin)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"resource":"x"}"#));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("max-age=300"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let head = running.ask(get(&[]).replacen("GET", "HEAD", 1)).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    let evil = running.ask(http(&format!("GET {PATH}"), &[("Host", "evil.example")], "")).await;
    assert_eq!(evil.status, 403);
    let post = running.ask(get(&[]).replacen("GET", "POST", 1)).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    let other = running.ask(get(&[]).replacen("/mcp", "/other", 1)).await;
    assert_eq!(other.status, 404);
}

/// Browsers ask first where a client adds `Mcp-Protocol-Version`.
#[tokio::test]
async fn a_preflight_is_answered() {
    let running = with_document(|_| {});
    let asks = [
        ("Origin", "https://page.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "mcp-protocol-version"),
    ];
    let answer = running.ask(get(&asks).replacen("GET", "OPTIONS", 1)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(answer.header("access-control-allow-headers"), Some("*"));
}

/// A document that is not for every origin has the rules of the endpoint.
#[tokio::test]
async fn a_document_may_keep_to_the_origins_of_the_endpoint() {
    let running = with_document(|config| config.documents[0].any_origin = false);
    assert_eq!(running.ask(get(&[("Origin", "https://page.example")])).await.status, 403);
    let answer = running.ask(get(&[("Origin", "http://localhost:5173")])).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

/// A path that is taken, or is not a path, is an error at the start.
#[tokio::test]
async fn documents_are_checked_at_the_start() {
    let twice = vec![Document::json("/a", ""), Document::json("/a", "")];
    let rows = [
        vec![Document::json("/mcp", "")],
        vec![Document::json("a", "")],
        vec![Document::json("/a?b", "")],
        vec![Document::json("/health", "")],
        twice,
    ];
    for documents in rows {
        let server = Server::builder("test", "1").build(Router::new()).unwrap();
        let server = HttpServer::new(server).configure(|config| {
            config.health = Some("/health".to_owned());
            config.documents = documents;
        });
        let error = server.bind("127.0.0.1:0").await.unwrap_err();
        assert!(error.to_string().contains("document"), "{error}");
    }
}
