//! Third-party clients log in at our resource server, and our client at third-party ones.

use std::time::Duration;

use mcp_auth::client::MemoryStore;
use serde_json::Value;
use tokio::process::Command;

use super::resource_server::demo;
use super::{Browser, Server, call, connect, provider};
use crate::fixtures::{self, Program};
use crate::interop::process::{self, Process};

/// Only a login that hangs takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// What a client has printed about its login.
async fn login(program: &Program, url: &str) -> Value {
    let mut command = Command::new(&program.path);
    command.args(&program.args).arg(url).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = process::run(command, LIMIT).await;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// AU-S-01, AU-S-02, AU-S-03: the official SDKs find our authorization server, log in, call, and step up.
async fn logs_in(program: Option<Program>) {
    let Some(program) = program else { return };
    let Some(server) = Server::start(&[("TOKEN_FORMAT", "jwt")]).await else { return };
    let Some((url, _demo)) = demo(&server, &[]).await else { return };
    let done = login(&program, &url).await;
    assert_eq!(done["sum"], "42", "{done}");
    assert!(done["touched"].as_str().is_some_and(|text| text.contains("added")), "{done}");
    assert_eq!(done["logins"], 2, "{done}");
    assert!(done["then"].as_str().is_some_and(|scopes| scopes.contains("mcp:write")), "{done}");
}

fn typescript(version: &str) -> Option<Program> {
    let mut program = fixtures::node_script("clients/login.mjs")?;
    program.args.push(version.into());
    Some(program)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_typescript_sdk_logs_in_at_our_server() {
    logs_in(typescript("1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_typescript_sdk_logs_in_at_our_server() {
    logs_in(typescript("2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_python_sdk_logs_in_at_our_server() {
    logs_in(fixtures::python_1_script("clients/login.py")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_python_sdk_logs_in_at_our_server() {
    logs_in(fixtures::python_2_script("clients/login.py")).await;
}

/// AU-C-04, AU-C-11, AU-C-23, AU-C-40: our client finds its way from the challenge of another server to its token.
async fn our_client_logs_in(program: Option<Program>, mark: &str) {
    let Some(mut program) = program else { return };
    let Some(server) = Server::start(&[]).await else { return };
    program.args.push(server.issuer().into());
    let (_process, url) = Process::start(&program, &[], mark).await;
    let url = if url.ends_with("/mcp") { url } else { format!("{url}/mcp") };
    let browser = Browser::new();
    let oauth = provider().store(MemoryStore::new()).interactive(browser.clone()).build();
    let client = connect(&oauth, &url).await.unwrap();
    assert!(call(&client, "read").await.unwrap().contains("mcp:read"));
    assert_eq!(browser.opened(), 1);
    client.close().await;
    assert!(oauth.logout(&url, true).await.unwrap().revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_a_typescript_server() {
    our_client_logs_in(fixtures::node_script("servers/resource_1.mjs"), "listening on ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_a_python_server() {
    our_client_logs_in(fixtures::python_1_script("servers/resource_1.py"), "Uvicorn running on ").await;
}
