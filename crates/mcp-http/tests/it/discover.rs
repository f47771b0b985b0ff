//! Discovery of an endpoint, with servers on loopback.

use mcp_http::HttpError;
use mcp_http::client::HttpClientConfig;
use mcp_http::discover::{DiscoverOptions, DiscoveryReport, Era, discover};
use serde_json::{Value, json};

use crate::scripted::{Answer, Asked, Scripted};

pub(crate) async fn search(url: &str) -> DiscoveryReport {
    discover(url, &DiscoverOptions::default(), &HttpClientConfig::default()).await.unwrap()
}

fn options(change: impl FnOnce(&mut DiscoverOptions)) -> DiscoverOptions {
    let mut options = DiscoverOptions::default();
    change(&mut options);
    options
}

/// The answer of a server of 2026-07-28 to `server/discover`.
pub(crate) fn discovered(asked: &Asked) -> Value {
    json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": {
        "resultType": "complete", "supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {},
        "ttlMs": 0, "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "newer", "version": "2.0"}}}})
}

pub(crate) fn initialized(asked: &Asked) -> Value {
    json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "older", "version": "1.0"}}})
}

pub(crate) fn error(asked: &Asked, code: i64, data: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": asked.body["id"], "error": {"code": code, "message": "no", "data": data}})
}

/// A legacy server at this path, with a session. It does not know `server/discover`.
fn legacy_at(path: &'static str) -> impl Fn(&Asked) -> Answer {
    move |asked| match (asked.path == path, asked.method.as_str(), asked.rpc()) {
        (false, _, _) => Answer::status(404),
        (true, "POST", "initialize") => Answer::json(200, &initialized(asked)).with("mcp-session-id", "s-1"),
        (true, "POST", _) => Answer::new(400, "text/plain", "Bad Request: no valid session"),
        (true, "DELETE", _) => Answer::status(204),
        _ => Answer::status(405),
    }
}

/// FAULT A-B1, A-B36: the report has the whole URL of the endpoint, and all attempts before it. FAULT A-B6: finding a
/// modern server leaves nothing open on it.
#[tokio::test]
async fn a_modern_endpoint_is_found_at_its_path() {
    let server = Scripted::start(|asked| match asked.path.as_str() {
        "/api/mcp" => Answer::json(200, &discovered(asked)),
        _ => Answer::status(404),
    })
    .await;
    let report = search(&server.origin).await;
    let found = report.found.as_ref().unwrap();
    assert_eq!(found.url, format!("{}/api/mcp", server.origin));
    assert_eq!((found.era, found.via_sse), (Era::Modern, false));
    assert_eq!(found.versions, ["2026-07-28", "2025-11-25"]);
    assert_eq!(found.server_name.as_deref(), Some("newer"));
    assert_eq!(found.server_version.as_deref(), Some("2.0"));
    let lines = server.lines();
    let wanted = [
        "POST /mcp server/discover",
        "POST /mcp initialize",
        "POST / server/discover",
        "POST / initialize",
        "POST /tools server/discover",
        "POST /tools initialize",
        "POST /api/mcp server/discover",
    ];
    assert_eq!(lines, wanted);
    assert_eq!(report.attempts.len(), lines.len());
    for (attempt, line) in report.attempts.iter().zip(&lines) {
        let path = attempt.url.strip_prefix(&server.origin).unwrap();
        assert!(line.starts_with(&format!("{} {path} ", attempt.method)), "{attempt} {line}");
        let modern = line.ends_with("server/discover");
        assert_eq!(attempt.era, if modern { Era::Modern } else { Era::Legacy });
        assert!(attempt.status.is_some() && !attempt.why.is_empty(), "{attempt:?}");
    }
    assert!(report.to_string().contains("404") && report.to_string().ends_with("2025-11-25)"), "{report}");
}

/// HDR-C-001, HDR-C-004, HTTP-C-002, DISC-C-002: the probe is a complete request of 2026-07-28. `initialize` has no
/// version header.
#[tokio::test]
async fn the_probe_has_all_modern_headers() {
    let server = Scripted::start(legacy_at("/mcp")).await;
    search(&format!("{}/mcp", server.origin)).await;
    let asked = server.asked();
    let header =
        |index: usize, name: &str| asked[index].headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header(0, "mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(header(0, "mcp-method"), Some("server/discover"));
    assert_eq!(header(0, "content-type"), Some("application/json"));
    assert_eq!(header(0, "accept"), Some("application/json, text/event-stream"));
    let meta = &asked[0].body["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-http");
    assert_eq!((header(1, "mcp-protocol-version"), header(1, "mcp-method")), (None, None));
    assert_eq!(asked[1].body["params"]["protocolVersion"], "2025-11-25");
}

/// FAULT A-B6, SESS-C-009: the session that `initialize` opened is deleted immediately. No notification is sent in
/// it.
#[tokio::test]
async fn no_session_is_left_open() {
    let server = Scripted::start(legacy_at("/mcp")).await;
    let report = search(&server.origin).await;
    let found = report.found.as_ref().unwrap();
    assert_eq!((found.era, found.server_name.as_deref()), (Era::Legacy, Some("older")));
    assert_eq!(found.versions, ["2025-06-18"]);
    assert_eq!(server.lines(), ["POST /mcp server/discover", "POST /mcp initialize", "DELETE /mcp"]);
    let asked = server.asked();
    assert_eq!(asked[2].headers["mcp-session-id"], "s-1");
    assert_eq!(asked[2].headers["mcp-protocol-version"], "2025-06-18");
    assert!(report.attempts[1].why.contains("session is deleted"), "{report}");
}

/// FAULT A-B6: a server opens a session for every request, even for one that it refuses. Each session is deleted.
#[tokio::test]
async fn every_session_is_deleted_even_after_a_refusal() {
    let server = Scripted::start(|asked| match asked.method.as_str() {
        "DELETE" => Answer::status(405),
        "POST" => Answer::json(400, &error(asked, -32000, Value::Null)).with("mcp-session-id", asked.rpc()),
        _ => Answer::status(404),
    })
    .await;
    let report = search(&format!("{}/mcp", server.origin)).await;
    assert!(report.found.is_some());
    let deleted: Vec<String> = server
        .asked()
        .iter()
        .filter(|asked| asked.method == "DELETE")
        .map(|asked| asked.headers["mcp-session-id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(deleted, ["server/discover", "initialize"]);
}

/// FAULT A-B4: a refusal ends the search after one POST.
#[tokio::test]
async fn a_refusal_ends_the_search() {
    for status in [401, 403, 429, 500, 503] {
        let server = Scripted::start(move |_| {
            let answer = Answer::status(status).with("retry-after", "7");
            answer.with("www-authenticate", "Bearer resource_metadata=\"https://h.test/m\"")
        })
        .await;
        let report = search(&server.origin).await;
        assert_eq!(server.lines(), ["POST /mcp server/discover"], "{status}");
        assert!(report.found.is_none());
        let refusal = report.refusal.unwrap();
        assert_eq!(refusal.url, format!("{}/mcp", server.origin));
        assert_eq!(refusal.refused.status.as_u16(), status);
        assert_eq!(refusal.is_auth(), matches!(status, 401 | 403));
        assert!(refusal.refused.challenge.unwrap().starts_with("Bearer"));
        assert_eq!(refusal.refused.retry_after.map(|after| after.as_secs()), Some(7));
        let challenge = &report.attempts[0].challenges[0];
        assert!(challenge.is("bearer"));
        assert_eq!(challenge.param("resource_metadata"), Some("https://h.test/m"));
    }
}

/// FAULT A-B4, T-07: a JSON-RPC error identifies the endpoint. A version error ends the search after one POST, any
/// other error after `initialize` at the same URL.
#[tokio::test]
async fn a_json_rpc_error_identifies_the_endpoint() {
    let supported = json!({"supported": ["2026-07-28"], "requested": "2026-07-28"});
    let rows = [
        (-32022, supported, Era::Modern, 1),
        (-32020, Value::Null, Era::Modern, 1),
        (-32021, json!({"requiredCapabilities": {"roots": {}}}), Era::Modern, 1),
        (-32602, Value::Null, Era::Legacy, 2),
        (-32601, Value::Null, Era::Legacy, 2),
        (-32000, Value::Null, Era::Legacy, 2),
    ];
    for (code, data, era, requests) in rows {
        for status in [200, 400, 404, 422] {
            let data = data.clone();
            let server =
                Scripted::start(move |asked| Answer::json(status, &error(asked, code, data.clone()))).await;
            let report = search(&server.origin).await;
            let found = report.found.unwrap();
            assert_eq!((found.url, found.era), (format!("{}/mcp", server.origin), era), "{code} {status}");
            assert_eq!(server.lines().len(), requests, "{code} {status}: {:?}", server.lines());
        }
    }
}

/// T-08: a DiscoverResult with legacy revisions only is confirmed by `initialize`.
#[tokio::test]
async fn a_legacy_list_of_revisions_is_legacy() {
    let server = Scripted::start(|asked| match asked.rpc() {
        "server/discover" => {
            let mut answer = discovered(asked);
            answer["result"]["supportedVersions"] = json!(["2025-11-25"]);
            Answer::json(200, &answer)
        }
        _ => Answer::json(200, &initialized(asked)),
    })
    .await;
    let found = search(&server.origin).await.found.unwrap();
    assert_eq!((found.era, found.server_name.as_deref()), (Era::Legacy, Some("older")));
}

/// FAULT A-B2, A-B3: only a given path is tried, and it is used unchanged.
#[tokio::test]
async fn a_given_path_is_the_only_one() {
    let server = Scripted::start(|_| Answer::status(404)).await;
    let report = search(&format!("{}/a/mcp?k=hunter2", server.origin)).await;
    assert!(report.found.is_none() && report.refusal.is_none() && report.failure.is_none());
    assert!(!report.out_of_time);
    assert_eq!(
        server.lines(),
        ["POST /a/mcp?k=hunter2 server/discover", "POST /a/mcp?k=hunter2 initialize", "GET /a/mcp?k=hunter2"]
    );
    // FAULTS B, token logging: a query may be a secret.
    assert!(!format!("{report} {:?}", report.attempts).contains("hunter2"), "{report}");
}

/// FAULT A-B4, A-B32: pages with status 200, arrays and scalars are not MCP, and the search continues.
#[tokio::test]
async fn answers_that_are_not_mcp_are_skipped() {
    let server = Scripted::start(|asked| match asked.path.as_str() {
        "/mcp" => Answer::new(200, "text/html", "<html>"),
        "/" => Answer::new(200, "application/json", "[1]"),
        "/tools" => Answer::new(200, "application/json", "{\"tools\": []}"),
        "/api/mcp" => Answer::new(200, "application/json", "\"hello\""),
        _ => Answer::json(200, &discovered(asked)),
    })
    .await;
    let report = search(&server.origin).await;
    assert_eq!(report.found.unwrap().url, format!("{}/v1/mcp", server.origin));
    assert_eq!(server.lines().len(), 9);
}

/// FAULT A-B31: an invalid URL is refused before anything is sent.
#[tokio::test]
async fn a_bad_url_is_refused_before_any_request() {
    for url in ["", "ws://h.test/", "http://", "h.test:notaport", "https://user:hunter2@h.test/mcp"] {
        let refused =
            discover(url, &DiscoverOptions::default(), &HttpClientConfig::default()).await.unwrap_err();
        assert!(matches!(refused, HttpError::Url { .. }), "{url}: {refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
}

/// FAULT A-B31: without a scheme, a loopback address means http.
#[tokio::test]
async fn a_url_without_a_scheme_is_read_as_the_client_reads_it() {
    let server = Scripted::start(|asked| Answer::json(200, &discovered(asked))).await;
    let found = search(server.origin.strip_prefix("http://").unwrap()).await.found.unwrap();
    assert_eq!(found.url, format!("{}/mcp", server.origin));
}

/// FAULT C-23, A-B4: all candidates share the host, so a refused connection is tried once.
#[tokio::test]
async fn a_host_that_refuses_connections_is_tried_once() {
    // Bound but not listening, so that no other process can take the port.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", closed.local_addr().unwrap());
    let report = search(&origin).await;
    assert_eq!(report.attempts.len(), 1, "{report}");
    assert!(matches!(report.failure, Some(HttpError::Connect { .. })), "{report:?}");
    assert!(report.attempts[0].status.is_none() && report.found.is_none());
}

/// FAULT A-B20, C-30: a redirect to another origin ends the search, and nothing is sent there. A redirect within the
/// origin only rules out its path.
#[tokio::test]
async fn redirects_are_reported() {
    let away = Scripted::start(|asked| Answer::json(200, &discovered(asked))).await;
    let to = format!("{}/mcp", away.origin);
    let server = Scripted::start(move |_| Answer::status(307).with("location", &to)).await;
    let report = search(&server.origin).await;
    assert!(matches!(report.failure, Some(HttpError::Redirect { .. })), "{report:?}");
    assert_eq!((server.lines().len(), away.lines().len()), (1, 0));

    let server = Scripted::start(|asked| match asked.path.as_str() {
        "/tools" => Answer::json(200, &discovered(asked)),
        _ => Answer::status(302).with("location", "/login"),
    })
    .await;
    let report = search(&server.origin).await;
    assert_eq!(report.found.unwrap().url, format!("{}/tools", server.origin));
    assert_eq!(server.lines().len(), 3);
}

/// The caller sets its own list of paths, and a search that does not stop at the first result.
#[tokio::test]
async fn the_caller_sets_paths_and_exhaustive() {
    let script = |asked: &Asked| match asked.path.as_str() {
        "/b" => Answer::status(401),
        "/c" => Answer::json(200, &discovered(asked)),
        _ => Answer::status(404),
    };
    let server = Scripted::start(script).await;
    let paths = Some(vec!["a".to_owned(), "/b".to_owned(), "/c".to_owned(), "/d".to_owned()]);
    let choice = options(|options| options.paths = paths.clone());
    let report = discover(&server.origin, &choice, &HttpClientConfig::default()).await.unwrap();
    assert!(report.refusal.is_some() && report.found.is_none(), "{report}");
    let server = Scripted::start(script).await;
    let choice = options(|options| (options.paths, options.exhaustive) = (paths, true));
    let report = discover(&server.origin, &choice, &HttpClientConfig::default()).await.unwrap();
    assert_eq!(report.found.unwrap().url, format!("{}/c", server.origin));
    assert!(report.refusal.is_some());
    let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/a", "/a", "/a", "/b", "/c", "/d", "/d", "/d"]);
}

/// Every question carries the credentials of the configuration.
#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let server = Scripted::start(|asked| match asked.headers.get("authorization") {
        Some(value) if value == "Bearer hunter2" => Answer::status(404),
        _ => Answer::status(401),
    })
    .await;
    let mut config = HttpClientConfig::default();
    config.credentials.bearer = Some("hunter2".into());
    let report = discover(&server.origin, &DiscoverOptions::default(), &config).await.unwrap();
    assert!(report.refusal.is_none() && report.found.is_none());
    assert_eq!(server.lines().len(), 11);
    assert!(!format!("{report} {report:?}").contains("hunter2"));
}

// FAULT F-A10.
/// A deadline that no clock can reach is none.
#[tokio::test]
async fn an_enormous_deadline_is_none() {
    let server = Scripted::start(legacy_at("/mcp")).await;
    let options = options(|options| {
        options.deadline = std::time::Duration::MAX;
        options.share = Some(std::time::Duration::MAX);
    });
    let report = discover(&server.origin, &options, &HttpClientConfig::default()).await.unwrap();
    assert!(report.found.is_some(), "{report:?}");
    assert!(!report.out_of_time);
}
