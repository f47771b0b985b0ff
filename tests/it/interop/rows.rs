//! One test for each row of our client.

use super::servers::row;

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_server_everything() {
    row("our client / server-everything").await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_server_filesystem() {
    row("our client / server-filesystem").await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_server_memory() {
    row("our client / server-memory").await;
}

/// ERA-C-002
#[tokio::test]
async fn our_client_talks_to_the_second_typescript_sdk() {
    row("our client / typescript 2").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_typescript_sdk() {
    row("our client / typescript 2, legacy").await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_the_first_python_sdk() {
    row("our client / python 1").await;
}

/// ERA-C-002
#[tokio::test]
async fn our_client_talks_to_the_second_python_sdk() {
    row("our client / python 2").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_python_sdk() {
    row("our client / python 2, legacy").await;
}

/// ERA-C-009, FAULT A-B1, A-B6
#[tokio::test]
async fn our_client_talks_to_server_everything_over_http() {
    row("our client / server-everything (http)").await;
}

/// SSE24-C-009
#[tokio::test]
async fn our_client_talks_to_server_everything_over_http_sse() {
    row("our client / server-everything (http+sse)").await;
}

/// ERA-C-006
#[tokio::test]
async fn our_client_talks_to_the_second_typescript_sdk_over_http() {
    row("our client / typescript 2 (http)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_typescript_sdk_over_http() {
    row("our client / typescript 2, legacy (http)").await;
}

/// ERA-C-009
#[tokio::test]
async fn our_client_talks_to_the_first_python_sdk_over_http() {
    row("our client / python 1 (http)").await;
}

/// ERA-C-006
#[tokio::test]
async fn our_client_talks_to_the_second_python_sdk_over_http() {
    row("our client / python 2 (http)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_python_sdk_over_http() {
    row("our client / python 2, legacy (http)").await;
}

/// With the configuration of `docs/deploying.md`.
#[tokio::test]
async fn our_client_talks_to_our_server_behind_nginx() {
    row("our client / our server (nginx)").await;
}

/// FAULT C-27: the header of the stream disables the buffering of nginx.
#[tokio::test]
async fn our_client_talks_to_our_server_behind_an_nginx_that_buffers() {
    row("our client / our server (nginx, buffering)").await;
}

#[tokio::test]
async fn our_client_talks_to_our_server_behind_nginx_over_http_2() {
    row("our client / our server (nginx, http/2)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_our_server_behind_nginx() {
    row("our client / our server, legacy (nginx)").await;
}

/// FAULT F-S1: the recipe of `docs/deploying.md` for several replicas. Without `ip_hash` the second request of a session
/// reaches the other replica.
#[tokio::test]
async fn our_legacy_client_talks_to_two_replicas_behind_nginx() {
    row("our client / our server, legacy (nginx, 2 replicas)").await;
}

/// FAULT F-S1: the recipe for HAProxy, which learns sessions from the answers.
#[tokio::test]
async fn our_legacy_client_talks_to_two_replicas_behind_haproxy() {
    row("our client / our server, legacy (haproxy, 2 replicas)").await;
}

#[tokio::test]
async fn our_client_talks_to_the_first_typescript_sdk() {
    row("our client / typescript 1").await;
}

/// RES-C-003: with an event store, and a stream that is closed after each step.
#[tokio::test]
async fn our_client_talks_to_the_first_typescript_sdk_over_http() {
    row("our client / typescript 1 (http, event store)").await;
}

/// SSE-C-011: each step of a call is on another stream.
#[tokio::test]
async fn our_client_polls_the_first_typescript_sdk_over_http() {
    row("our client / typescript 1 (http, polling)").await;
}

/// SSE24-C-009
#[tokio::test]
async fn our_client_talks_to_the_first_python_sdk_over_http_sse() {
    row("our client / python 1 (http+sse)").await;
}

#[tokio::test]
async fn our_client_talks_to_fastmcp() {
    row("our client / fastmcp 4").await;
}

#[tokio::test]
async fn our_client_talks_to_fastmcp_over_http() {
    row("our client / fastmcp 4 (http)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_fastmcp_over_http() {
    row("our client / fastmcp 4, legacy (http)").await;
}

#[tokio::test]
async fn our_client_talks_to_a_server_in_go() {
    row("our client / kubernetes-mcp-server").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_a_server_in_go() {
    row("our client / kubernetes-mcp-server, legacy").await;
}

#[tokio::test]
async fn our_client_talks_to_a_server_in_go_over_http() {
    row("our client / kubernetes-mcp-server (http)").await;
}

#[tokio::test]
async fn our_client_talks_to_rmcp() {
    row("our client / rmcp 3").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_rmcp() {
    row("our client / rmcp 3, legacy").await;
}

#[tokio::test]
async fn our_client_talks_to_rmcp_over_http() {
    row("our client / rmcp 3 (http)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_rmcp_over_http() {
    row("our client / rmcp 3, legacy (http)").await;
}

#[tokio::test]
async fn our_client_talks_to_our_server_behind_supergateway() {
    row("our client / supergateway / our server (http)").await;
}

#[tokio::test]
async fn our_client_talks_to_our_server_through_supergateway_over_stdio() {
    row("our client / supergateway (stdio) / our server").await;
}

#[tokio::test]
async fn our_client_talks_to_our_server_behind_mcp_proxy() {
    row("our client / mcp-proxy / our server (http)").await;
}

#[tokio::test]
async fn our_client_talks_to_our_server_through_mcp_proxy_over_stdio() {
    row("our client / mcp-proxy (stdio) / our server").await;
}

/// A legacy server behind our bridge is modern for the client.
#[tokio::test]
async fn our_client_talks_to_server_everything_behind_our_bridge() {
    row("our client / our bridge / server-everything (http)").await;
}

#[tokio::test]
async fn our_client_talks_to_server_everything_through_our_bridge_over_stdio() {
    row("our client / our bridge (stdio) / server-everything").await;
}
