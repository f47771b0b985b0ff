//! One test for each row of a third-party client through our bridge: to a URL as mcp-remote does, and to a command as
//! supergateway does.

use super::clients::row;

#[tokio::test]
async fn the_first_typescript_sdk_talks_through_our_bridge_to_a_url() {
    row("typescript 1 / our bridge (stdio) / our server").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_talks_through_our_bridge_to_a_url() {
    row("typescript 2, auto / our bridge (stdio) / our server").await;
}

#[tokio::test]
async fn the_first_python_sdk_talks_through_our_bridge_to_a_url() {
    row("python 1 / our bridge (stdio) / our server").await;
}

#[tokio::test]
async fn the_second_python_sdk_talks_through_our_bridge_to_a_url() {
    row("python 2 / our bridge (stdio) / our server").await;
}

#[tokio::test]
async fn rmcp_talks_through_our_bridge_to_a_url() {
    row("rmcp 3 / our bridge (stdio) / our server").await;
}

#[tokio::test]
async fn the_first_typescript_sdk_talks_through_our_bridge_to_a_command() {
    row("typescript 1 / our bridge / our server (http)").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_talks_through_our_bridge_to_a_command() {
    row("typescript 2, auto / our bridge / our server (http)").await;
}

#[tokio::test]
async fn the_first_python_sdk_talks_through_our_bridge_to_a_command() {
    row("python 1 / our bridge / our server (http)").await;
}

#[tokio::test]
async fn the_second_python_sdk_talks_through_our_bridge_to_a_command() {
    row("python 2 / our bridge / our server (http)").await;
}

#[tokio::test]
async fn rmcp_talks_through_our_bridge_to_a_command() {
    row("rmcp 3 / our bridge / our server (http)").await;
}

#[tokio::test]
async fn fastmcp_talks_to_our_server() {
    row("fastmcp 4 / our server").await;
}

#[tokio::test]
async fn fastmcp_talks_to_our_server_over_http() {
    row("fastmcp 4 / our server (http)").await;
}

#[tokio::test]
async fn fastmcp_talks_through_our_bridge_to_a_url() {
    row("fastmcp 4 / our bridge (stdio) / our server").await;
}

#[tokio::test]
async fn fastmcp_talks_through_our_bridge_to_a_command() {
    row("fastmcp 4 / our bridge / our server (http)").await;
}

#[tokio::test]
async fn the_first_typescript_sdk_talks_through_our_bridge_to_server_everything() {
    row("typescript 1 / our bridge / server-everything (http)").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_talks_through_our_bridge_to_server_everything() {
    row("typescript 2, auto / our bridge / server-everything (http)").await;
}

#[tokio::test]
async fn the_first_python_sdk_talks_through_our_bridge_to_server_everything() {
    row("python 1 / our bridge / server-everything (http)").await;
}

#[tokio::test]
async fn the_second_python_sdk_talks_through_our_bridge_to_server_everything() {
    row("python 2 / our bridge / server-everything (http)").await;
}

#[tokio::test]
async fn rmcp_talks_through_our_bridge_to_server_everything() {
    row("rmcp 3 / our bridge / server-everything (http)").await;
}

#[tokio::test]
async fn fastmcp_talks_through_our_bridge_to_server_everything() {
    row("fastmcp 4 / our bridge / server-everything (http)").await;
}
