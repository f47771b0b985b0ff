//! What is refused before a body is read, and in which order (ledger 2.6).

use mcp_core::server::{Router, Server};

use super::server_kit::{Running, call, headers, http, plain};

fn server() -> Server {
    Server::builder("test", "1").build(Router::new()).unwrap()
}

/// SEC-S-001, SEC-S-002, FAULT B: DNS rebinding is refused on every route and for every method.
#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_everywhere() {
    let running = Running::start(server(), |config| {
        config.health = Some("/health".to_owned());
        config.http_sse = true;
        config.cors.enabled = true;
    });
    let foreign: [&[(&str, &str)]; 10] = [
        &[("Host", "evil.example")],
        &[("Host", "localhost.evil.example")],
        &[("Host", "127.0.0.1.evil.example")],
        &[("Host", "localhost"), ("Host", "localhost")],
        &[],
        &[("Host", "localhost"), ("Origin", "http://evil.example")],
        &[("Host", "localhost"), ("Origin", "null")],
        &[("Host", "localhost"), ("Origin", "http://localhost.evil.example")],
        &[("Host", "localhost"), ("Origin", "http://localhost"), ("Origin", "http://localhost")],
        &[("Host", "localhost:80@evil.example")],
    ];
    for method in ["GET", "POST", "DELETE", "OPTIONS", "PUT", "HEAD"] {
        for path in ["/mcp", "/mcp/", "/sse", "/messages", "/nowhere"] {
            for headers in foreign {
                let answer = running.ask(http(&format!("{method} {path}"), headers, "")).await;
                assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
            }
        }
    }
    for headers in [
        &[("Host", "localhost")] as &[_],
        &[("Host", "127.0.0.1:8080"), ("Origin", "http://localhost:5173")],
        &[("Host", "[::1]:1"), ("Origin", "http://[::1]:1")],
    ] {
        assert_eq!(running.ask(http("GET /mcp", headers, "")).await.status, 400, "{headers:?}");
    }
}

/// FAULT F-S5: probes name the address of a pod, a service, or nothing; they learn a status.
#[tokio::test]
async fn health_answers_whatever_the_host_is() {
    let mut running = Running::start(server(), |config| {
        config.health = Some("/health".to_owned());
        config.bearer = Some("t".into());
    });
    let kept = running.open();
    let hosts = [Some("10.0.0.7:8080"), Some("files.default.svc"), Some("localhost"), None];
    let probe = |method: &str, host: Option<&str>| {
        let mut headers = vec![("Origin", "http://evil.example"), ("Connection", "keep-alive")];
        headers.extend(host.map(|host| ("Host", host)));
        http(&format!("{method} /health"), &headers, "").replace("HTTP/1.1", "HTTP/1.0")
    };
    for host in hosts {
        let answer = running.ask(probe("GET", host)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{host:?}");
        assert_eq!(running.ask(probe("HEAD", host)).await.status, 200);
        // What HAProxy sends unless it is given a method.
        assert_eq!(running.ask(probe("OPTIONS", host)).await.status, 200);
        let refused = running.ask(probe("DELETE", host)).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
    let _kept = kept;
    let service = running.service.clone();
    service.drain();
    assert_eq!(running.ask(probe("GET", None)).await.status, 503);
    running.stop();
}

/// FAULT F-S14: the endpoint is served with a slash behind it, unless the setting says no.
#[tokio::test]
async fn a_slash_behind_the_path_is_the_same_endpoint() {
    for (tolerant, status) in [(true, 200), (false, 404)] {
        let running = Running::start(server(), |config| {
            config.trailing_slash = tolerant;
            config.http_sse = true;
        });
        let discover = plain("1", "server/discover").replace("POST /mcp", "POST /mcp/");
        assert_eq!(running.ask(&discover).await.status, status);
        assert_eq!(running.ask(discover.replace("/mcp/", "/mcp//")).await.status, 404);
        // Without its session, so that the path is all that counts.
        let found = if tolerant { 400 } else { 404 };
        let message = plain("1", "ping").replace("POST /mcp", "POST /messages/");
        assert_eq!(running.ask(&message).await.status, found);
        let stream = http("PUT /sse/", &[("Host", "localhost")], "");
        assert_eq!(running.ask(stream).await.status, if tolerant { 405 } else { 404 });
    }
}

/// FAULT F-S11: a body in another coding or charset is refused as such, not as broken JSON.
#[tokio::test]
async fn a_coded_body_is_415() {
    let running = Running::start(server(), |_| {});
    let plain = plain("1", "server/discover");
    let kind = "Content-Type: application/json";
    for (headers, status) in [
        ("Content-Type: application/json; charset=UTF-8", 200),
        ("Content-Type: application/json; charset=\"utf-8\"", 200),
        ("Content-Type: application/json; charset=us-ascii; x=y", 200),
        ("Content-Type: application/json\r\nContent-Encoding: identity", 200),
        ("Content-Type: application/json; charset=utf-16", 415),
        ("Content-Type: application/json; x; Charset=\"iso-8859-1\"", 415),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", 415),
        ("Content-Type: application/json\r\nContent-Encoding: br, gzip", 415),
    ] {
        assert_eq!(running.ask(plain.replace(kind, headers)).await.status, status, "{headers}");
    }
}

/// The text of a refusal names the setting to change.
#[tokio::test]
async fn a_refused_host_names_the_setting() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    raw.write(http("GET /mcp", &[("Host", "mcp.internal")], "")).await;
    let head = raw.head().await;
    assert_eq!(head.status, 403);
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert!(length > 0);
    assert!(raw.until("}}").await.contains("`hosts`"));
}

/// HTTP-S-022: the answer on an unknown path cannot be taken for MCP.
#[tokio::test]
async fn an_unknown_path_is_404_without_a_body() {
    let running = Running::start(server(), |_| {});
    let answer = running.ask(http("POST /", &headers("tools/list", None), "{}")).await;
    assert_eq!((answer.status, answer.body.as_str()), (404, ""));
}

/// FAULT B: a cross-site "simple" POST runs nothing (CVE-2026-33252).
#[tokio::test]
async fn only_json_is_read() {
    let running = Running::start(server(), |_| {});
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for kind in [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonp"),
        Some("text/json"),
        Some("application/json, text/plain"),
        None,
    ] {
        let mut headers = vec![("Host", "localhost")];
        headers.extend(kind.map(|kind| ("Content-Type", kind)));
        let answer = running.ask(http("POST /mcp", &headers, body)).await;
        assert_eq!(answer.status, 415, "{kind:?}");
        assert!(answer.json().get("id").is_none());
    }
}

#[tokio::test]
async fn a_modern_call_is_answered_in_one_piece() {
    let running = Running::start(server(), |_| {});
    let answer = running.ask(plain("7", "tools/list")).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let answer = running.ask(plain("7", "server/discover")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["id"], 7);
    let answer = running.ask(call("8", "none", "{}")).await;
    assert_eq!(answer.status, 404, "{answer:?}");
}
