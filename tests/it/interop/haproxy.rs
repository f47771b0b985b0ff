//! Two replicas of our server behind HAProxy, by the backend in `docs/deploying.md`.

use std::path::Path;

use mcp_http::HttpClient;

use super::demo;
use super::process::Process;
use super::servers::{Peer, Reach};
use crate::fixtures::{self, Program};

/// The page that users copy from.
const GUIDE: &str = include_str!("../../../docs/deploying.md");

/// Everything but the backend in the page.
const AROUND: &str = "
global
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client 1h
frontend front
    bind unix@{folder}/socket
    default_backend mcp
";

/// Starts two replicas and HAProxy before them. Our client finds HAProxy at a Unix socket.
pub(super) async fn before_two_replicas(folder: &Path) -> Option<Peer> {
    let haproxy = fixtures::haproxy()?;
    let words = ["-v", "--health"];
    let ((one, first), (two, second)) = (demo::start(&words).await?, demo::start(&words).await?);
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, configuration(folder, &[&one, &two])).unwrap();
    // With a master process, which says when the worker has started.
    let args = ["-W".into(), "-db".into(), "-f".into(), file.into()].into();
    let (front, _) = Process::start(&Program { path: haproxy, args }, &[], "Loading success").await;
    let client = HttpClient::unix(folder.join("socket"), "http://localhost/mcp").unwrap();
    Some(Peer { reach: Reach::Url(client), processes: vec![front, first, second], cluster: None })
}

/// The backend in the page, with the addresses of these replicas, and what HAProxy needs around it.
fn configuration(folder: &Path, urls: &[&str; 2]) -> String {
    let (_, rest) = GUIDE.split_once("```haproxy\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let mut backend = block.to_owned();
    for (address, url) in ["10.0.0.1:8080", "10.0.0.2:8080"].iter().zip(urls) {
        assert_eq!(backend.matches(address).count(), 1, "{address} in docs/deploying.md");
        let own = url.trim_start_matches("http://").trim_end_matches("/mcp");
        backend = backend.replace(address, own);
    }
    AROUND.replace("{folder}", folder.to_str().unwrap()) + &backend
}
