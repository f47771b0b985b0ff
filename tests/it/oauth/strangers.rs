//! Third-party clients log in at our resource server, and our client at third-party ones.

use std::time::Duration;

use mcp_auth::client::{CredentialStore, MemoryStore, Stored};
use mcp_core::client::EraMode;
use mcp_core::message::ProtocolVersion;
use mcp_http::Secret;
use serde_json::Value;
use tokio::process::Command;

use super::life::{cause, tokens};
use super::resource_server::demo;
use super::{Browser, Server, call, connect, connect_as, provider};
use crate::fixtures::{self, Program};
use crate::interop::process::{self, Process};

/// Only a login that hangs takes longer.
const LIMIT: Duration = Duration::from_secs(150);

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

/// What our client finds at a third-party resource server.
struct Resource {
    program: Option<Program>,
    /// What is before its URL in its output.
    mark: &'static str,
    eras: &'static [EraMode],
    /// The tool `write` needs a second scope, and the server says so with 403.
    steps_up: bool,
}

const LEGACY: EraMode = EraMode::Legacy(ProtocolVersion::V2025_11_25);

/// AU-C-04, AU-C-11, AU-C-23, AU-C-40, AU-C-42: our client finds its way from the challenge of another server to its token, and
/// from a missing scope to the next one.
async fn our_client_logs_in(resource: Resource) {
    let Some(mut program) = resource.program else { return };
    let Some(server) = Server::start(&[]).await else { return };
    program.args.push(server.issuer().into());
    let (_process, url) = Process::start(&program, &[], resource.mark).await;
    let url = if url.ends_with("/mcp") { url } else { format!("{url}/mcp") };
    for era in resource.eras {
        let browser = Browser::new();
        let oauth = provider().store(MemoryStore::new()).interactive(browser.clone()).build();
        let client = connect_as(&oauth, &url, *era).await.unwrap();
        assert!(call(&client, "read").await.unwrap().contains("mcp:read"), "{era:?}");
        assert_eq!(browser.opened(), 1, "{era:?}");
        if resource.steps_up {
            assert!(call(&client, "write").await.unwrap().contains("mcp:write"), "{era:?}");
            assert!(call(&client, "read").await.unwrap().contains("mcp:read"), "{era:?}");
            assert_eq!(browser.opened(), 2, "{era:?}");
        }
        client.close().await;
        assert!(oauth.logout(&url, true).await.unwrap().revoked, "{era:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_the_first_typescript_sdk() {
    let program = fixtures::node_script("servers/resource_1.mjs");
    our_client_logs_in(Resource { program, mark: "listening on ", eras: &[LEGACY], steps_up: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_the_second_typescript_sdk() {
    let program = fixtures::node_script("servers/resource_2.mjs");
    let eras = &[LEGACY, EraMode::Auto, EraMode::Modern];
    our_client_logs_in(Resource { program, mark: "listening on ", eras, steps_up: true }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_the_first_python_sdk() {
    let program = fixtures::python_1_script("servers/resource.py");
    our_client_logs_in(Resource { program, mark: "Uvicorn running on ", eras: &[LEGACY], steps_up: false })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_the_second_python_sdk() {
    let program = fixtures::python_2_script("servers/resource.py");
    let eras = &[LEGACY, EraMode::Auto, EraMode::Modern];
    our_client_logs_in(Resource { program, mark: "Uvicorn running on ", eras, steps_up: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_fastmcp() {
    let program = fixtures::python_2_script("servers/resource_fastmcp.py");
    let eras = &[LEGACY, EraMode::Auto, EraMode::Modern];
    our_client_logs_in(Resource { program, mark: "Uvicorn running on ", eras, steps_up: false }).await;
}

/// AU-C-12, AU-C-20, AU-C-23, AU-C-51: our client logs in at a server that is its own authorization server, as many deployed ones are. One
/// that refreshes does so without the person.
async fn our_client_logs_in_where_it_calls(program: Option<Program>, mark: &str, refreshes: bool) {
    let Some(program) = program else { return };
    let (_process, url) = Process::start(&program, &[], mark).await;
    let url = if url.ends_with("/mcp") { url } else { format!("{url}/mcp") };
    let (store, browser) = (MemoryStore::new(), Browser::new());
    let oauth = provider().store(store.clone()).interactive(browser.clone()).build();
    let client = connect(&oauth, &url).await.unwrap_or_else(|error| panic!("{:?}", cause(&error)));
    assert_eq!(call(&client, "read").await.unwrap(), "mcp:read");
    client.close().await;
    // The Python SDK refuses scopes that were not registered; then they are registered, and the person is asked once more.
    assert_eq!(browser.opened(), if refreshes { 2 } else { 1 });
    if refreshes {
        let good = tokens(&store, &url).await.unwrap();
        let mut refused = good.clone();
        refused.access_token = Some(Secret::from("refused"));
        store.save(&refused.key(), &Stored::Token(refused.clone())).await.unwrap();
        let alone = provider().store(store.clone()).build();
        let client = connect(&alone, &url).await.unwrap_or_else(|error| panic!("{:?}", cause(&error)));
        assert_eq!(call(&client, "read").await.unwrap(), "mcp:read");
        client.close().await;
        let refreshed = tokens(&store, &url).await.unwrap();
        assert_ne!(refreshed.refresh_token, good.refresh_token, "it rotates");
    }
    let report = oauth.logout(&url, true).await.unwrap();
    assert!(report.removed && !report.revoked, "{report:?}");
    // The Python SDK revokes only for clients with a secret; the TypeScript example announces no revocation.
    let refused = report.revocation_error.unwrap_or_default();
    assert_eq!(refused.contains("client_secret"), refreshes, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_the_authorization_server_of_fastmcp() {
    let program = fixtures::python_2_script("servers/authorization_fastmcp.py");
    our_client_logs_in_where_it_calls(program, "Uvicorn running on ", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_logs_in_at_the_authorization_server_of_typescript() {
    let program = fixtures::node_script("servers/authorization_typescript_1.mjs");
    our_client_logs_in_where_it_calls(program, "listening on ", false).await;
}
