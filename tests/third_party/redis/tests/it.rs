//! The compliance kit and a conversation over a real Redis server, which is started for the test.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mcp_core::transport::{Connect, ConnectError};
use mcp_testkit::{compliance, conversation};
use third_party_redis::{RedisClient, RedisServer};

/// A Redis server for one test, behind a socket file, without persistence.
struct Redis {
    server: Child,
    folder: tempfile::TempDir,
}

impl Redis {
    /// `None` if Redis is not installed, which an unattended run must not accept.
    async fn start() -> Option<Redis> {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::var_os("MCP_TEST_REDIS").map_or("redis-server".into(), PathBuf::from);
        let mut command = Command::new(program);
        command.args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--unixsocket",
            "socket",
            "--dir",
            ".",
        ]);
        let started = command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let Ok(server) = started else {
            let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!is_ci, "there is no redis-server, and CI=true lets nothing be skipped");
            println!("SKIPPED: there is no redis-server (on Debian: apt-get install redis-server)");
            return None;
        };
        let redis = Redis { server, folder };
        while redis.client().get_multiplexed_async_connection().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(redis)
    }

    fn client(&self) -> redis::Client {
        let socket = self.folder.path().join("socket");
        redis::Client::open(format!("redis+unix://{}", socket.display())).unwrap()
    }

    /// Each start is a separate service.
    fn fixture(&self) -> impl compliance::Fixture {
        static SERVICES: AtomicU64 = AtomicU64::new(0);
        let redis = self.client();
        compliance::listening("redis", move |server| {
            let redis = redis.clone();
            async move {
                let service = format!("kit-{}", SERVICES.fetch_add(1, Ordering::Relaxed));
                let listener = RedisServer::bind(redis.clone(), &service).await?;
                Ok((RedisClient::new(redis, service), tokio::spawn(listener.serve(server))))
            }
        })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _reaped = self.server.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept() {
    let Some(redis) = Redis::start().await else { return };
    compliance::run(&redis.fixture()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_in_both_eras() {
    let Some(redis) = Redis::start().await else { return };
    conversation::run(&redis.fixture()).await.assert_passed();
}

#[tokio::test]
async fn a_service_that_nobody_serves_is_unreachable() {
    let Some(redis) = Redis::start().await else { return };
    let refused = RedisClient::new(redis.client(), "nobody").connect().await;
    assert!(matches!(refused, Err(ConnectError::Unreachable(_))));
}
