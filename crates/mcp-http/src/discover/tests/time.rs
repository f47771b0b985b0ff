//! Limits in time, over streams in memory and a virtual clock.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mcp_core::transport::async_trait;
use tokio::time::Instant;

use crate::client::HttpClientConfig;
use crate::discover::{DiscoverOptions, DiscoveryReport, candidates, search};
use crate::net::{Dial, HttpVersions, Io, Net};

/// How a path behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    NotFound,
    Silent,
    /// Answers `initialize`, with a session whose DELETE is never answered.
    Legacy,
}

type Script = fn(&str) -> Manner;

struct Server {
    script: Script,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Dial for Server {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let (script, asked) = (self.script, self.asked.clone());
        let service = service_fn(move |request: Request<Incoming>| answer(script, asked.clone(), request));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service),
        );
        Ok(Box::new(ours))
    }
}

async fn answer(
    script: Script,
    asked: Arc<Mutex<Vec<String>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    asked.lock().unwrap().push(format!("{} {}", parts.method, parts.uri.path()));
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let initialize = String::from_utf8_lossy(&body).contains("\"initialize\"");
    let response = Response::builder();
    let response = match script(parts.uri.path()) {
        Manner::Legacy if initialize => response
            .header("content-type", "application/json")
            .header("mcp-session-id", "s")
            .body(Full::from(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}"#)),
        Manner::Legacy if parts.method == "DELETE" => std::future::pending().await,
        Manner::Silent => std::future::pending().await,
        _ => response.status(404).body(Full::default()),
    };
    Ok(response.unwrap())
}

async fn run(url: &str, script: Script, options: &DiscoverOptions) -> (DiscoveryReport, Vec<String>) {
    let mut config = HttpClientConfig::default();
    config.net.versions = HttpVersions::Http1;
    let url = url.parse::<Uri>().unwrap();
    let server = Server { script, asked: Arc::default() };
    let asked = server.asked.clone();
    let net = Net::over(&url, &config.net, &config.credentials, Arc::new(server)).unwrap();
    let candidates = candidates::list(&url, options.paths.as_deref()).unwrap();
    let report = search(&net, &candidates, options, &config).await;
    let asked = asked.lock().unwrap().clone();
    (report, asked)
}

/// FAULT A-B5: a host that never answers is given up at the deadline, all candidates together.
#[tokio::test(start_paused = true)]
async fn a_silent_host_costs_one_deadline() {
    let begin = Instant::now();
    let (report, asked) = run("http://h.test", |_| Manner::Silent, &DiscoverOptions::default()).await;
    assert_eq!(begin.elapsed().as_secs(), 30);
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(report.found.is_none() && report.failure.is_none(), "{report}");
    assert!(report.attempts.iter().all(|attempt| attempt.elapsed.as_secs() == 5), "{report}");
}

/// FAULT A-B5: one candidate's silence uses its own share only, and those behind it are still asked.
#[tokio::test(start_paused = true)]
async fn a_silent_candidate_does_not_hide_the_next() {
    let script: Script = |path| match path {
        "/mcp" => Manner::Silent,
        "/tools" => Manner::Legacy,
        _ => Manner::NotFound,
    };
    let begin = Instant::now();
    let (report, _) = run("http://h.test", script, &DiscoverOptions::default()).await;
    assert_eq!(report.found.unwrap().url, "http://h.test/tools");
    // 5 s of silence, and 5 s for a DELETE that is not answered.
    assert_eq!(begin.elapsed().as_secs(), 10);
    assert!(report.attempts.last().unwrap().why.contains("session remains open"));
}

/// FAULT A-B5: a share of the caller's choice, never more than is left.
#[tokio::test(start_paused = true)]
async fn the_share_can_be_chosen() {
    let mut options = DiscoverOptions { share: Some(Duration::from_secs(20)), ..DiscoverOptions::default() };
    let (report, asked) = run("http://h.test", |_| Manner::Silent, &options).await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(report.out_of_time);
    let shares: Vec<u64> = report.attempts.iter().map(|attempt| attempt.elapsed.as_secs()).collect();
    assert_eq!(shares, [20, 10]);
    options.deadline = Duration::ZERO;
    let (report, asked) = run("http://h.test", |_| Manner::Silent, &options).await;
    assert!(report.out_of_time && asked.is_empty() && report.attempts.is_empty());
}

/// A given path has all the time there is.
#[tokio::test(start_paused = true)]
async fn a_given_path_has_the_whole_deadline() {
    let begin = Instant::now();
    let (report, _) = run("http://h.test/x", |_| Manner::Silent, &DiscoverOptions::default()).await;
    assert_eq!((begin.elapsed().as_secs(), report.attempts.len()), (30, 1));
}
