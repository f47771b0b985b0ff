//! One test for each row of a third-party client that reaches our server over HTTP.

use super::clients::row;

#[tokio::test]
async fn the_first_typescript_sdk_talks_to_our_server_over_http() {
    row("typescript 1 / our server (http)").await;
}

#[tokio::test]
async fn the_first_typescript_sdk_talks_to_our_server_over_http_sse() {
    row("typescript 1 / our server (http+sse)").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_talks_to_our_server_over_http() {
    row("typescript 2 / our server (http)").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_finds_our_server_to_be_modern_over_http() {
    row("typescript 2, auto / our server (http)").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_takes_the_modern_era_of_our_server_over_http() {
    row("typescript 2, pinned / our server (http)").await;
}

#[tokio::test]
async fn the_first_python_sdk_talks_to_our_server_over_http() {
    row("python 1 / our server (http)").await;
}

#[tokio::test]
async fn the_first_python_sdk_talks_to_our_server_over_http_sse() {
    row("python 1 / our server (http+sse)").await;
}

#[tokio::test]
async fn the_second_python_sdk_finds_our_server_to_be_modern_over_http() {
    row("python 2 / our server (http)").await;
}

#[tokio::test]
async fn the_second_python_sdk_takes_the_legacy_era_of_our_server_over_http() {
    row("python 2, legacy / our server (http)").await;
}

#[tokio::test]
async fn the_second_python_sdk_takes_the_modern_era_of_our_server_over_http() {
    row("python 2, pinned / our server (http)").await;
}

#[tokio::test]
async fn rmcp_finds_our_server_to_be_modern_over_http() {
    row("rmcp 3 / our server (http)").await;
}

#[tokio::test]
async fn rmcp_takes_the_legacy_era_of_our_server_over_http() {
    row("rmcp 3, legacy / our server (http)").await;
}

#[tokio::test]
async fn langchain_talks_to_our_server_over_http() {
    row("langchain / our server (http)").await;
}
