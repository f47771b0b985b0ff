//! The compliance kit and a conversation over real Unix sockets, and how the listener treats files.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use mcp_core::transport::{Accept, Connect, ConnectError};
use mcp_testkit::{compliance, conversation};
use third_party_unix_socket::{UnixClient, UnixServer};

fn fixture() -> impl compliance::Fixture {
    compliance::listening("unix socket", |server: Arc<dyn Accept>| async move {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("socket");
        let listener = UnixServer::bind(&path)?;
        let serving = async move {
            listener.serve(server).await;
            drop(folder);
        };
        Ok((UnixClient::new(path), tokio::spawn(serving)))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept() {
    compliance::run(&fixture()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_in_both_eras() {
    conversation::run(&fixture()).await.assert_passed();
}

#[tokio::test]
async fn the_socket_is_private_stale_ones_are_taken_over_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = UnixServer::bind(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(UnixServer::bind(&path).unwrap_err().to_string(), "a process listens there");
    drop(server);
    assert!(!path.exists());
    std::fs::write(&path, "a file").unwrap();
    assert_eq!(UnixServer::bind(&path).unwrap_err().to_string(), "the path is not a socket");
    assert_eq!(std::fs::read(&path).unwrap(), b"a file");
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back_and_a_bad_path_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = UnixClient::new(folder.path().join("socket"));
    assert!(matches!(client.connect().await, Err(ConnectError::Unreachable(_))));
    let server = UnixServer::bind(folder.path().join("socket")).unwrap();
    assert!(client.connect().await.is_ok());
    drop(server);
    let mut client = UnixClient::new("x".repeat(200));
    assert!(matches!(client.connect().await, Err(ConnectError::Unusable(_))));
}
