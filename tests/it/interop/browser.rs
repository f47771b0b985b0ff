//! A page in a browser, of another origin, uses our demo server with real preflights.

use std::path::Path;
use std::time::Duration;

use mcp_core::client::Client;
use mcp_http::HttpClient;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::clients::read_steps;
use super::demo;
use super::process::Process;
use super::row::{Row, Step};
use crate::fixtures::{self, Program};

/// The page uses `fetch()` only.
const PAGE: &str = include_str!("../../interop/browser/page.html");

/// Far more than a browser and its page need. Only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(120);

/// The rows and their versions.
pub(super) const ROWS: [(&str, &str); 2] =
    [("chromium / our server (http)", "2026-07-28"), ("chromium, legacy / our server (http)", "2025-11-25")];

/// The host name of the page. An origin on the loopback interface would always be allowed.
const NAME: &str = "app.example.com";

/// Serves the page at a separate origin until it has reported its results.
struct Site {
    listener: TcpListener,
    origin: String,
}

impl Site {
    async fn new() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{NAME}:{}", listener.local_addr().unwrap().port());
        Site { listener, origin }
    }

    /// Opens the page in a browser, and returns the lines that it reports.
    async fn visit(self, browser: &Path, query: &str) -> String {
        let profile = tempfile::tempdir().unwrap();
        // The sandbox does not work for root, who may run the tests. The browser opens only our page.
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-breakpad",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--no-proxy-server",
            "--remote-debugging-port=0",
            &format!("--host-resolver-rules=MAP {NAME} 127.0.0.1"),
            &format!("--user-data-dir={}", profile.path().display()),
            &format!("{}/?{query}", self.origin),
        ];
        let program = Program { path: browser.to_owned(), args: args.iter().map(Into::into).collect() };
        let (browser, _) = Process::start(&program, &[], "DevTools listening on ").await;
        let report = tokio::time::timeout(LIMIT, self.report()).await;
        let report = report.unwrap_or_else(|_| panic!("the page reported nothing: {}", browser.output()));
        browser.end().await;
        report
    }

    /// Serves requests until the page sends its report.
    async fn report(&self) -> String {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            if let Some(report) = answer(stream).await {
                return report;
            }
        }
    }
}

/// Answers one request, with the page or by taking its report. `None` on connections that the browser opens in
/// advance.
async fn answer(stream: TcpStream) -> Option<String> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first).await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? <= 2 {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let page = if first.starts_with("GET / ") || first.starts_with("GET /?") { PAGE } else { "" };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{page}", page.len());
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()?;
    first.starts_with("POST /done ").then(|| String::from_utf8_lossy(&body).into_owned())
}

/// Runs the row with this number.
async fn row(number: usize) {
    let (name, version) = ROWS[number];
    let Some(browser) = fixtures::chromium() else { return };
    let site = Site::new().await;
    let Some((url, server)) = demo::start(&["--cors", "--allow-origin", &site.origin]).await else { return };
    let era = if version.starts_with("2026") { "modern" } else { "legacy" };
    let lines = site.visit(&browser, &format!("era={era}&server={url}")).await;
    let mut row = Row::new(name);
    read_steps(&mut row, version, &lines);
    demo::end(&mut row, server).await;
    row.finish();
}

#[tokio::test]
async fn a_page_of_another_origin_uses_our_server() {
    row(0).await;
}

#[tokio::test]
async fn a_page_of_another_origin_has_a_session_with_our_server() {
    row(1).await;
}

/// FAULT B: a page of any site can reach a server on the loopback interface; with `rebound`, by its own host name.
#[tokio::test]
async fn a_page_of_an_origin_that_is_not_allowed_can_do_nothing() {
    let Some(browser) = fixtures::chromium() else { return };
    for (query, rebound) in
        [("era=modern", false), ("era=legacy", false), ("era=legacy&attack", false), ("era=modern", true)]
    {
        let words = ["--cors", "--allow-origin", "https://other.example.com"];
        let Some((url, server)) = demo::start(&words).await else { return };
        let target = if rebound { url.replace("127.0.0.1", NAME) } else { url.clone() };
        let lines = Site::new().await.visit(&browser, &format!("{query}&server={target}")).await;
        assert_eq!(lines.lines().count(), Step::ALL.len(), "{lines}");
        // The browser sends a request that needs no preflight, but does not show the answer to the page. In the
        // modern era nothing has to be closed.
        let sent = lines.lines().filter(|line| line.contains(r#""note":"sent""#)).count();
        assert_eq!(sent, usize::from(query.contains("attack")), "{lines}");
        let harmless = |line: &str| line.contains(r#""note":"sent""#) || line.contains(r#""step":"close""#);
        let passed = |line: &str| line.contains(r#""ok":true"#);
        assert!(!lines.lines().any(|line| passed(line) && !harmless(line)), "{query}: {lines}");
        let client = HttpClient::new(&url).unwrap();
        let client = Client::builder("interop", "1.0.0").connect(client).await.unwrap();
        let listed = client.list_resources().await.unwrap();
        assert!(listed.iter().all(|resource| !resource.uri.contains("note")), "{query}: the call was made");
        client.close().await;
        server.end().await;
    }
}
