//! Several endpoints behind the same connections, and pages beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_core::server::{Router, Server};
use mcp_http::HttpServer;
use mcp_http::server::Page;

use super::legacy_kit::{INITIALIZED, LIST, initialize, post};
use super::server_kit::{Answer, Running, http, plain, soon};

fn named(name: &'static str) -> Server {
    Server::builder(name, "1").build(Router::new().tool(name, async |_, _| Ok("done"))).unwrap()
}

/// Two endpoints; the second one wants a token.
fn two() -> HttpServer {
    let second = HttpServer::new(named("second")).path("/second/mcp").bearer("s3cret");
    HttpServer::new(named("first")).path("/first/mcp").beside(second)
}

fn at(path: &str, text: &str) -> String {
    text.replacen(" /mcp ", &format!(" {path} "), 1)
}

fn with(header: &str, text: &str) -> String {
    text.replacen("\r\n", &format!("\r\n{header}\r\n"), 1)
}

fn tool(answer: &Answer) -> String {
    answer.json()["result"]["tools"][0]["name"].as_str().unwrap_or_default().to_owned()
}

/// Each path has its own server and its own callers; what belongs to none is the first one's 404.
#[tokio::test]
async fn a_path_selects_the_endpoint() {
    let running = Running::serve(two());
    let list = plain("1", "tools/list");
    assert_eq!(tool(&running.ask(at("/first/mcp", &list)).await), "first");
    assert_eq!(tool(&running.ask(at("/first/mcp/", &list)).await), "first");
    assert_eq!(running.ask(at("/second/mcp", &list)).await.status, 401);
    let authorized = with("Authorization: Bearer s3cret", &list);
    assert_eq!(tool(&running.ask(at("/second/mcp", &authorized)).await), "second");
    assert_eq!(tool(&running.ask(at("/second/mcp/", &authorized)).await), "second");
    for path in ["/mcp", "/second", "/first/mcp/more", "/third/mcp"] {
        assert_eq!(running.ask(at(path, &list)).await.status, 404, "{path}");
    }
}

/// A session belongs to its endpoint.
#[tokio::test]
async fn a_session_of_one_endpoint_is_unknown_at_the_other() {
    let second = HttpServer::new(named("second")).path("/second/mcp");
    let running = Running::serve(HttpServer::new(named("first")).path("/first/mcp").beside(second));
    let opened = running.ask(at("/first/mcp", &post(&initialize("2025-11-25"), &[]))).await;
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let more = [("Mcp-Session-Id", session.as_str())];
    assert_eq!(running.ask(at("/first/mcp", &post(INITIALIZED, &more))).await.status, 202);
    assert_eq!(running.ask(at("/second/mcp", &post(LIST, &more))).await.status, 404);
    assert_eq!(running.ask(at("/first/mcp", &post(LIST, &more))).await.status, 200);
    assert_eq!(running.service.sessions().sessions, 1);
}

/// A stop reaches every endpoint.
#[tokio::test]
async fn all_endpoints_stop_together() {
    let mut running = Running::serve(two());
    let mut kept = running.open();
    kept.write(at("/first/mcp", &plain("1", "tools/list"))).await;
    assert_eq!(kept.answer().await.status, 200);
    running.service.drain();
    let authorized = with("Authorization: Bearer s3cret", &plain("1", "tools/list"));
    assert_eq!(running.ask(at("/first/mcp", &plain("1", "tools/list"))).await.status, 503);
    assert_eq!(running.ask(at("/second/mcp", &authorized)).await.status, 503);
    running.stop();
    soon(running.stopped()).await;
}

/// One path cannot be that of two endpoints.
#[tokio::test]
async fn a_path_that_two_endpoints_have_is_an_error_at_the_start() {
    let page = |server: HttpServer| server.page(Page::json("/first/mcp", String::new));
    let rows = [
        HttpServer::new(named("second")).path("/first/mcp"),
        page(HttpServer::new(named("second")).path("/second/mcp")),
    ];
    for other in rows {
        let server = HttpServer::new(named("first")).path("/first/mcp").beside(other);
        let error = server.bind("127.0.0.1:0").await.unwrap_err();
        assert!(error.to_string().contains("/first/mcp"), "{error}");
    }
}

/// A page is made anew for each request, and is for the callers of the endpoint only.
#[tokio::test]
async fn a_page_is_for_the_callers_of_the_endpoint() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let page =
        Page::json("/status", move || format!(r#"{{"made":{}}}"#, count.fetch_add(1, Ordering::SeqCst)));
    let running = Running::serve(HttpServer::new(named("first")).bearer("s3cret").page(page));
    let get = |host: &str| http("GET /status", &[("Host", host), ("Authorization", "Bearer s3cret")], "");
    let stranger = running.ask(http("GET /status", &[("Host", "localhost")], "")).await;
    assert_eq!((stranger.status, running.ask(get("evil.example")).await.status), (401, 403));
    let page = with("Origin: https://page.example", &get("localhost"));
    assert_eq!(running.ask(page).await.status, 403);
    assert_eq!(made.load(Ordering::SeqCst), 0);
    for number in 0..2 {
        let answer = running.ask(get("localhost")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, format!(r#"{{"made":{number}}}"#).as_str()));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let post = running.ask(get("localhost").replacen("GET", "POST", 1)).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

/// A page of an allowed origin may read it: its preflight carries no credentials.
#[tokio::test]
async fn a_page_answers_preflights() {
    let server = HttpServer::new(named("first")).bearer("s3cret").page(Page::json("/status", String::new));
    let server = server.allow_origin("https://app.example").configure(|config| config.cors.enabled = true);
    let running = Running::serve(server);
    let asked = [
        ("Host", "localhost"),
        ("Origin", "https://app.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let answer = running.ask(http("OPTIONS /status", &asked, "")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
}

/// What concerns connections comes from the first server, and endpoints beside one beside it are served as well.
#[tokio::test]
async fn endpoints_share_what_concerns_their_connections() {
    let third = HttpServer::new(named("third")).path("/third/mcp");
    let second = HttpServer::new(named("second")).path("/second/mcp").beside(third);
    let first = HttpServer::new(named("first")).path("/first/mcp").beside(second);
    let running = Running::serve(first.configure(|config| config.limits.header_count = 120));
    for name in ["first", "second", "third"] {
        let mut list = at(&format!("/{name}/mcp"), &plain("1", "tools/list"));
        for number in 0..110 {
            list = with(&format!("X-Header-{number}: 1"), &list);
        }
        assert_eq!(tool(&running.ask(list).await), name);
    }
}

/// A path that is taken, or is not a path, is an error at the start.
#[tokio::test]
async fn pages_are_checked_at_the_start() {
    for paths in [&["/mcp"][..], &["a"], &["/a?b"], &["/health"], &["/a", "/a"]] {
        let server = paths.iter().fold(HttpServer::new(named("first")), |server, path| {
            server.page(Page::json(*path, String::new))
        });
        let server = server.configure(|config| config.health = Some("/health".to_owned()));
        let error = server.bind("127.0.0.1:0").await.unwrap_err();
        assert!(error.to_string().contains("page"), "{error}");
    }
}
